"""Training: recipes, the run that stops and resumes, and what a run reports."""

from dnnexplain.policies.training.loop import Report, Trainer, held_out
from dnnexplain.policies.training.recipe import RECIPES, Recipe, make_recipe
from dnnexplain.policies.training.store import Progress, progress_path

__all__ = ["RECIPES", "Progress", "Recipe", "Report", "Trainer", "held_out", "make_recipe", "progress_path"]
