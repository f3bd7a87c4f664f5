"""What distillation of numbers or switches returns: the trees, how closely they follow the network, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Chart
from dnnexplain.contract import Box, Space
from dnnexplain.counts import counted
from dnnexplain.explain.distillation.choosing import begun, measured_on
from dnnexplain.explain.distillation.outputs.export import export_outputs, setting
from dnnexplain.explain.distillation.outputs.trees import OutputTrees
from dnnexplain.explain.distillation.result import against
from dnnexplain.explain.distillation.showing import node_rows, path_chart
from dnnexplain.numbers import number, percent, with_unit
from dnnexplain.results import Question, Result, array_field, plain_field

__all__ = ["OutputRules", "in_words"]


@dataclass(frozen=True, eq=False)
class OutputRules(Result):
    """Trees that stand in for a policy of numbers or switches; every figure is on workloads that no choice was made on.

    Attributes:
        question: policy, seed and settings.
        trees: the chosen trees.
        features, units: what they ask about; ``outputs``: the names of what they set ``A``, in ``unit``.
        tolerance: numbers that differ by at most this are the same decision; NaN for switches.
        leaves, depth: of the largest tree.
        fidelity: share of the states visited by the network in which the trees do the same (every number within
            the tolerance, every switch alike), with its 95% interval (NaN where there is none).
        fidelity_own: the same over the states that the trees themselves visit.
        fidelity_each: the same for each output alone ``[A]``.
        error: mean absolute error over states and numbers, in ``unit``; ``error_each``: of each number ``[A]``.
            NaN for switches.
        cost: the trees' mean cost per workload; ``teacher_cost``: the network's, on the same workloads.
        relative: the first over the second, minus 1, workload by workload; where the cost is no ratio scale, the
            first less the second.
        ratio: whether ``relative`` is a ratio.
        agreement: how often trees from two seeds decide alike, mean over pairs and visited states.
        decisions: states learned from; ``unseen``: workloads of the figures; ``unseen_states``: states.
        sizes: most leaves allowed of each tree.
        path_leaves, path_fidelity, path_cost: per seed and size, on validation workloads.
        path_teacher: the network's mean cost on the same validation workloads.
        chosen: the seed whose trees were chosen, by return, as an index.
        absent: what quantities are where what they are of is absent; ``whole``: those that are whole numbers.
        words: a sentence.
        stopped: as of :class:`~dnnexplain.explain.distillation.result.Distillation`.
        cpu_seconds: computing time of all of this, of this process.
    """

    question: Question
    trees: OutputTrees
    features: tuple[str, ...]
    outputs: tuple[str, ...]
    unit: str
    tolerance: float
    leaves: int
    depth: int
    fidelity: float
    fidelity_low: float
    fidelity_high: float
    fidelity_own: float
    error: float
    cost: float
    cost_low: float
    cost_high: float
    teacher_cost: float
    teacher_cost_low: float
    teacher_cost_high: float
    relative: float
    relative_low: float
    relative_high: float
    ratio: bool
    agreement: float
    decisions: int
    unseen: int
    unseen_states: int
    cost_name: str
    path_teacher: float
    chosen: int
    words: str
    fidelity_each: NDArray[np.float64] = array_field("output")
    error_each: NDArray[np.float64] = array_field("output")
    sizes: NDArray[np.int64] = array_field("size", unit="leaves")
    path_leaves: NDArray[np.int64] = array_field("seed", "size", unit="leaves")
    path_fidelity: NDArray[np.float64] = array_field("seed", "size")
    path_cost: NDArray[np.float64] = array_field("seed", "size")
    units: dict[str, str] = plain_field(default_factory=dict)
    absent: dict[str, float] = plain_field(default_factory=dict)
    whole: list[str] = plain_field(default_factory=list)
    cpu_seconds: float = field(default=0.0, compare=False)
    stopped: str = ""

    def text(self) -> str:
        """The rules as indented text."""
        return self.export("text")

    def export(self, kind: str) -> str:
        """The rules in another language, one of :data:`~.export.OUTPUT_EXPORTS`."""
        return export_outputs(
            self.trees,
            kind,
            self.features,
            self.outputs,
            units=self.units,
            unit=self.unit,
            absent=self.absent,
            whole=self.whole,
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per node of each tree: its question or what it sets."""
        rows = []
        for place, tree in enumerate(self.trees.trees):
            of = self.outputs[place] if self.trees.kind == "switches" else ", ".join(self.outputs)
            said = partial(setting, self.trees, place, outputs=self.outputs, unit=self.unit)
            rows += [{"sets": of, **row} for row in node_rows(tree, self.features, "to", said)]
        return rows

    def picture(self) -> Chart:
        """The cost of each size of tree on validation workloads, seed by seed, beside the network's."""
        teacher = (self.question.policy or "the network", self.path_teacher)
        return path_chart(self.path_leaves, self.path_cost, teacher, self.cost_name, self.leaves)


def in_words(
    teacher: str, trees: OutputTrees, figures: dict[str, Any], cost_name: str, space: Space, stopped: str = ""
) -> str:
    """How closely trees follow their teacher and what their episodes cost, from the figures by name."""
    total = sum(trees.leaves_of_each)
    rules = f"{counted(total, 'rule')} {'sets' if total == 1 else 'set'}"
    if isinstance(space, Box):
        what = counted(len(space.names), "number")
        close = f"to within {with_unit(space.another, space.unit)}"
        error = f"mean absolute error {with_unit(figures['error'], space.unit)}"
    else:
        what = counted(len(space.names), "switch", "switches")
        close = "all alike"
        worst = int(np.argmin(figures["fidelity_each"]))
        share = figures["fidelity_each"][worst]
        error = f"{space.names[worst]} least often, {percent(share)}" if share < 1 else "every switch always"
    return (
        f"{begun(stopped)}{rules} {what} as {teacher} does, {close}, in {percent(figures['fidelity'])} of the states it meets ({error}); "
        f"{cost_name} {number(figures['cost'])} against {number(figures['teacher_cost'])}, "
        f"{against(figures, cost_name)}, {measured_on(stopped, figures['unseen'])}."
    )
