"""``dnnexplain train deeprm``: what ``--teacher``, ``--workload``, ``--rate`` and ``--from`` mean for the recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.cli.files import read_text
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.reading import parse_json, read_bytes

if TYPE_CHECKING:
    from dnnexplain.policies import TorchPolicy
    from dnnexplain.policies.training import Recipe, SoftRule

__all__ = [
    "STRENGTH",
    "TEACHER_HELP",
    "begin_from",
    "mix_figures",
    "read_teacher",
    "teacher_words",
    "training_workload",
]

STRENGTH = 3.0
"""How strong a rule is unless said otherwise: the odds of an action that obeys it rise e^3 = 20-fold."""

TEACHER_HELP = (
    "A rule that teaches: sjf, tetris, ..., never-hold, idle:0.8, utilisation:0.8, a tree's .json, or FILE.py:FUNCTION; "
    f"RULE:STRENGTH for another strength than {STRENGTH:g} (utilisation:0.8:STRENGTH); repeat."
)


def read_teacher(given: Sequence[str], system: Any) -> tuple[tuple[dict[str, Any], ...], dict[str, SoftRule]]:
    """The recipe's ``teacher``, and its rules by name.

    Raises:
        DnnExplainError: an unknown rule, a file that cannot be used, a strength that is no number.
    """
    told, rules = [], dict[str, Any]()
    for text in given:
        rule, strength, source = _read(text, system)
        if rule.name in rules:
            msg = f"the rule {rule.name} was given twice; give it once, with the strength that it is to have"
            raise DnnExplainError(msg)
        rules[rule.name] = rule
        told.append({"rule": rule.name, "strength": strength, "source": source})
    return tuple(told), rules


def _read(text: str, system: Any) -> tuple[SoftRule, float, str]:
    """One rule, its strength, and a hash of the file that it came from."""
    from dnnexplain.policies.training import load_function, make_rule

    parts = text.split(":")
    name, rest = parts[0], parts[1:]
    if name.endswith(".json"):
        return _tree(Path(name), system), _strength(rest, text), _hash(Path(name))
    if name.endswith(".py"):
        if not rest or not rest[0]:
            msg = f"--teacher {text} does not say which function; write {name}:FUNCTION"
            raise DnnExplainError(msg)
        return load_function(Path(name), rest[0], system), _strength(rest[1:], text), _hash(Path(name))
    if name in {"utilisation", "idle"} and rest:
        return make_rule(f"{name}:{rest[0]}", system), _strength(rest[1:], text), ""
    return make_rule(name, system), _strength(rest, text), ""


def _strength(parts: Sequence[str], text: str) -> float:
    if not parts:
        return STRENGTH
    try:
        value = float(":".join(parts))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        msg = f"--teacher {text}: a strength is a number of at least 0, such as 3, not {':'.join(parts)!r}"
        raise DnnExplainError(msg)
    return value


def _hash(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, packed=True)).hexdigest()[:16]


def _tree(path: Path, system: Any) -> SoftRule:
    """A tree as ``dnnexplain distill --export`` writes it."""
    from dnnexplain.explain.distillation import TreePolicy
    from dnnexplain.explain.distillation.export import tree_from_json
    from dnnexplain.policies.training import PolicyRule

    text = read_text(path)
    try:
        names = parse_json(text, path)["features"]
        tree = tree_from_json(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is no tree ({error}); write one with: dnnexplain distill deeprm --export {path.name}"
        raise DnnExplainError(msg) from None
    if tuple(names) != system.features.names:
        msg = (
            f"the tree in {path} speaks of {len(names)} quantities, this system of {len(system.features.names)}; "
            "was it made with another number of slots?"
        )
        raise DnnExplainError(msg)
    return PolicyRule(path.name, TreePolicy(tree, system.features, len(system.output.names), path.stem))


def training_workload(families: Sequence[str], rates: Sequence[float], home_share: float) -> dict[str, Any]:
    """The recipe's ``workload``: one family at one rate, or a mix of several.

    Args:
        families: names; ``mix`` stands for the families of the transfer grid, at its rates unless some
            are given; none is the original's.
        rates: arrivals per step; none is 0.7.
        home_share: of a mix, the share that its cell at home has for itself.
    """
    families = families or ["deeprm"]
    from dnnexplain.policies.training import GRID_FAMILIES, GRID_RATES, mix
    from dnnexplain.systems.deeprm.workloads import FAMILIES as KNOWN

    for name in families:
        if name not in (*KNOWN, "mix"):
            raise Choice("workload family", name, (*KNOWN, "mix")).error()
    whole = "mix" in families
    rows = list(dict.fromkeys(GRID_FAMILIES if whole else families))
    columns = list(rates) or (GRID_RATES if whole else [0.7])
    if len(rows) == len(columns) == 1:
        return {"name": rows[0], "rate": columns[0], "steps": 50}
    home = "deeprm" if "deeprm" in rows else rows[0], 0.7 if 0.7 in columns else columns[0]
    return mix(rows, columns, home=home, home_share=home_share)


def begin_from(name: str, system: Any) -> tuple[TorchPolicy, dict[str, Any]]:
    """The network to start from, and what it changes in the recipe: no imitation first, its own layers."""
    from dnnexplain.policies import load_any

    start = load_any(name, system)
    architecture = start.metadata.get("architecture") or {"name": "given"}
    return start, {"start": start.checkpoint, "architecture": architecture, "imitation_rounds": 0}


def teacher_words(recipe: Recipe) -> str:
    """The teacher in one line, for the model card."""
    rules = ", ".join(
        f"{one['rule']} with strength {one['strength']:g}" + (f" (file {one['source']})" if one["source"] else "")
        for one in recipe.teacher
    )
    shape = recipe.schedule
    return f"{rules}; weight {shape.first:g}, times {shape.decay:g} in each iteration, at least {shape.least:g}"


def mix_figures(world: Any, policy: Any, workload: dict[str, Any], sets: int, seed: int) -> dict[str, Any]:
    """A network on every cell of a mix against SJF, on unseen job sets: the worst cell, and how many it loses.

    Args:
        world: the system.
        policy: the network.
        workload: a recipe's mix.
        sets: job sets per cell.
        seed: of the first cell's; each cell has the next one.
    """
    from dnnexplain.intervals import compared_interval
    from dnnexplain.policies.training.workload_mix import cells

    told = {}
    for number, cell in enumerate(cells(workload)[1:]):
        unseen = world.workloads(cell.family, sets, seed + number, **cell.settings)
        found = compared_interval(
            world.run(policy, unseen).cost, world.run(world.rules()["sjf"], unseen).cost, ratio=True
        )
        told[f"{cell.family} at {cell.settings['rate']:g}"] = found
    worst = max(told, key=lambda name: told[name].mean)
    return {
        "cells": len(told),
        "cells more than 2% behind sjf": sum(found.mean > 0.02 for found in told.values()),
        f"worst cell, {worst}, relative to sjf": {key: getattr(told[worst], key) for key in ("mean", "low", "high")},
        "mean over cells, relative to sjf": sum(found.mean for found in told.values()) / len(told),
    }
