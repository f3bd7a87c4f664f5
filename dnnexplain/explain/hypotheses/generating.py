"""Statements to try: every rule and move, thresholds where an action is taken, every group of knobs that may be ignored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.explain.hypotheses.statement import Statement, doing, sources
from dnnexplain.explain.regions.boxes import failing_boxes
from dnnexplain.explain.regions.where import EVERYWHERE, Where, quantities_of

__all__ = ["generated"]

BOXES = 2
"""Sets of states for each thing that a policy may do."""
MOST_GROUPS = 40


def generated(system: Any, observations: NDArray[Any], actions: NDArray[Any]) -> list[Statement]:
    """Statements about what a policy did in some states, in which they are not to be tested again.

    Args:
        system: with rules, and perhaps features with moves.
        observations: the states ``[N, *observation_shape]``.
        actions: the policy's.
    """
    names = sources(system)
    statements = [Statement("does", EVERYWHERE, name) for name in names]
    quantities = quantities_of(system)
    values = np.asarray(quantities(observations), dtype=np.float64)
    for name in names:
        same = system.output.same(actions, doing(system, name, observations))
        boxes = failing_boxes(values, same.astype(np.float64))[:BOXES]
        statements += [Statement("does", Where.of(quantities.names, box), name) for box in boxes]
    groups = tuple(dict.fromkeys(knob.group or knob.name for knob in system.knobs))[:MOST_GROUPS]
    statements += [Statement("ignores", EVERYWHERE, group) for group in groups]
    return list(dict.fromkeys(statements))
