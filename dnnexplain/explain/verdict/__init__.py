"""Whether a network may be trusted: how it stands against the rules, and whether one decision is optimal."""

from __future__ import annotations

from dnnexplain.explain.verdict.kept import find_standing, keep_standing
from dnnexplain.explain.verdict.optimality import Optimality, judged, optimality
from dnnexplain.explain.verdict.standing import Compared, Standing, stand

__all__ = ["Compared", "Optimality", "Standing", "find_standing", "judged", "keep_standing", "optimality", "stand"]
