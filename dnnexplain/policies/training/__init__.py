"""Training: recipes, the run that stops and resumes, and what a run reports."""

from typing import Any

from dnnexplain.policies.training import recipe as _recipe
from dnnexplain.policies.training.differentiable import GradientRecipe, GradientTrainer
from dnnexplain.policies.training.loop import Report, Trainer
from dnnexplain.policies.training.recipe import Recipe, family_workload, grid_axes, make_recipe, mix
from dnnexplain.policies.training.rules import PolicyRule, SoftRule, load_function, make_rule
from dnnexplain.policies.training.store import Progress, progress_path

__all__ = [
    "GradientRecipe",
    "GradientTrainer",
    "PolicyRule",
    "Progress",
    "Recipe",
    "Report",
    "SoftRule",
    "Trainer",
    "family_workload",
    "grid_axes",
    "load_function",
    "make_recipe",
    "make_rule",
    "mix",
    "progress_path",
]


def __getattr__(name: str) -> Any:
    """``RECIPES``, ``GRID_FAMILIES``, ``GRID_RATES``: those of the first system that is trained by rewards."""
    return getattr(_recipe, name)
