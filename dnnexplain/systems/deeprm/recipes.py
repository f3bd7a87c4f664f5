"""How schedulers are trained, as data: imitation of a rule, then policy gradient; and the options of ``train``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dnnexplain.contract.specs import Parameter, Recipe

__all__ = ["recipes"]

_TEACHER = (
    "A rule that teaches: sjf, tetris, ..., never-hold, idle:0.8, utilisation:0.8, a tree's .json, or FILE.py:FUNCTION; "
    "RULE:STRENGTH for another strength than 3 (utilisation:0.8:STRENGTH)."
)

_OPTIONS = (
    Parameter(
        "rate", None, "Arrivals per step of the training workload (0.7); several are a mix.", kind=float, multiple=True
    ),
    Parameter("workload", None, "Family of the training workload (deeprm); several, or mix: all.", multiple=True),
    Parameter("home_share", 0.25, "Of a mix: the share that the cell at home has for itself."),
    Parameter("teacher", None, _TEACHER, multiple=True),
    Parameter("teacher_weight", None, "Weight of the teacher in the first iteration, 0 to 1 (1).", kind=float),
    Parameter("teacher_decay", None, "What that weight is multiplied by in each iteration (0.95).", kind=float),
    Parameter("teacher_least", None, "What that weight does not fall below (0).", kind=float),
    Parameter("begin", "", "Start from this network: a shipped one by name, or a file.", flags=("--from",)),
    Parameter("role", "", "What the network is called (the recipe's name if not given)."),
    Parameter("iterations", 0, "Policy gradient steps (0: the recipe's)."),
    Parameter("imitation_rounds", -1, "Rounds of copying SJF first (-1: the recipe's; 0 with --from)."),
    Parameter("learning_rate", 0.0, "Of the first iteration (0: the recipe's)."),
)


def _recipe(name: str, about: str, settings: Mapping[str, Any], system: Mapping[str, Any] | None = None) -> Recipe:
    return Recipe(
        name,
        about,
        "dnnexplain.training.rewards:run",
        _OPTIONS,
        settings=settings,
        system=system or {},
        measure="dnnexplain.systems.deeprm.trained:measure",
        threads=2,
    )


def recipes(families: Sequence[str], rates: Sequence[float]) -> tuple[Recipe, ...]:
    """The recipes of the networks that ship.

    Args:
        families, rates: of the transfer grid, on which the hardened network is trained.
    """
    conv = {
        "architecture": {"name": "convnet"},
        "imitation_rounds": 120,
        "iterations": 120,
        "job_sets": 12,
        "learning_rate": 1e-3,
        "epochs": 2,
    }
    hardened = {
        "iterations": 100,
        "learning_rate": 2e-3,
        "workload": {
            "name": "mix",
            "families": list(families),
            "rates": list(rates),
            "steps": 50,
            "home": {"name": "deeprm", "rate": 0.7, "share": 0.25},
        },
        "even": True,
        "teacher": ({"rule": "never-hold", "strength": 1.0, "source": ""},),
        "imitation": {"first": 0.3, "decay": 0.97, "least": 0.0},
    }
    published = {
        "imitation_rounds": 0,
        "iterations": 1000,
        "job_sets": 10,
        "fixed_sets": True,
        "learning_rate": 1e-3,
        "epochs": 1,
        "entropy": 0.0,
        "masked": False,
        "as_published": True,
        "action_limit": 200,
        "time_limit": 200,
        "check_every": 25,
    }
    return (
        _recipe("default", "Imitates SJF, then follows the policy gradient, all jobs counted.", {}),
        _recipe("conv", "The same for a small convolutional network.", conv),
        _recipe("hardened", "On all cells of the transfer grid, with a rule as teacher at first.", hardened),
        _recipe("as-published", "The published code's gradient: no mask, ten fixed job sets.", published),
    )
