"""Training: recipes, the run that stops and resumes, and what a run reports."""

from dnnexplain.policies.training.loop import Report, Trainer
from dnnexplain.policies.training.recipe import GRID_FAMILIES, GRID_RATES, RECIPES, Recipe, make_recipe, mix
from dnnexplain.policies.training.rules import PolicyRule, SoftRule, load_function, make_rule
from dnnexplain.policies.training.store import Progress, progress_path

__all__ = [
    "GRID_FAMILIES",
    "GRID_RATES",
    "RECIPES",
    "PolicyRule",
    "Progress",
    "Recipe",
    "Report",
    "SoftRule",
    "Trainer",
    "load_function",
    "make_recipe",
    "make_rule",
    "mix",
    "progress_path",
]
