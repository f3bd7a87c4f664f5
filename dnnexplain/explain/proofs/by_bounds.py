"""A case by branching over bounds: the fast way, for what bends by ReLU, sigmoid or tanh."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Case, ChoicesOfKnobs, DnnExplainError, ValidWithin
from dnnexplain.explain.proofs.branching import branch_and_bound
from dnnexplain.explain.proofs.case_network import (
    TOLERANCE,
    ProofTask,
    certify_case,
    masks_of,
    refuted,
    replayed,
    rival_of,
    settled,
)
from dnnexplain.explain.proofs.program import Solved
from dnnexplain.explain.proofs.relaxation import Descent, EmptyGroups, RelaxedModel, relaxed_model
from dnnexplain.explain.proofs.verdicts import CaseVerdict

__all__ = ["bound_of", "by_bounds", "relaxed"]

Floats = NDArray[np.float64]
_SAFE = 1e-7
_ROUNDS = 20


def relaxed(task: ProofTask, case: Case) -> RelaxedModel:
    """The network over a case's states; cases of one state that share their set share it, too."""
    if case.change is not None or case.then is not None or task.budget.jobs != 1:
        return relaxed_model(task.system, task.policy, case, task.background, task.go_on)
    key = (id(case.states), "relaxed")
    if key not in task.memo:
        task.memo[key] = relaxed_model(task.system, task.policy, case, task.background, task.go_on)
    return task.memo[key]  # type: ignore[no-any-return]


def by_bounds(
    task: ProofTask, case: Case, best: float, rng: np.random.Generator, model: RelaxedModel | None = None
) -> CaseVerdict:
    """Prove a case or find a violation by branch and bound.

    Args:
        task, case: what is asked.
        best: the largest margin that was found before.
        rng: of the states on which proof and network are compared.
        model: the network over the case's states, if it is there already.
    """
    if not task.budget.parts:
        return CaseVerdict(case.name, "open", np.inf, best)
    excluded, doubt = masks_of(task, case)
    if excluded:
        return CaseVerdict(case.name, "holds", -np.inf, best, how="excluded")
    try:
        model = model or relaxed(task, case)
    except EmptyGroups:
        return CaseVerdict(case.name, "holds", -np.inf, best)
    except DnnExplainError as error:
        return CaseVerdict(case.name, "open", np.inf, best, reason=str(error))
    system, scale = task.system, max(1.0, float(np.abs(case.rows @ model.forms[0]).max()))
    kept: list[tuple[float, Floats]] = []

    def enough(row: Floats, _: float) -> bool:
        fixed = np.asarray(system.repair(row.reshape(-1, len(system.knobs))), dtype=float).reshape(-1)
        value = replayed(task, case, fixed)
        if value > 0:
            kept.append((value, fixed))
        return value > 0

    bounded = branch_and_bound(
        model, case.rows, case.offset, below=-TOLERANCE * scale, enough=enough, nodes=task.budget.parts,
        go_on=task.go_on, masks=_counting(task, case), cover=_covering(task, case),
    )  # fmt: skip
    bound = bounded.bound + _SAFE * max(1.0, abs(bounded.bound)) if np.isfinite(bounded.bound) else bounded.bound
    row = kept[-1][1] if kept else None
    certificate = certify_case(task, case, model, bound, row, rng)
    if row is not None:
        value = kept[-1][0]
        return CaseVerdict(
            case.name, "fails", max(bound, value), value, refuted(task, case, row, value, "bounds").witness,
            how="bounds", certificate=certificate,
        )  # fmt: skip
    solved = Solved(bound, bounded.best, None, bounded.ended, bounded.nodes)
    doubt = "" if isinstance(task.system, ChoicesOfKnobs) else doubt  # else each part was asked about its masks
    verdict = settled(case, solved, certificate, best, doubt)
    return CaseVerdict(
        verdict.name, verdict.verdict, verdict.bound, verdict.best, how="bounds", certificate=certificate,
        reason=verdict.reason,
    )  # fmt: skip


def _covering(task: ProofTask, case: Case) -> Any:
    """Of decisions: boxes of knobs in a box that hold all its states in which the rival is valid, if the system names them."""
    system = task.system
    if not task.masks or not isinstance(system, ValidWithin):
        return None
    rival, count = rival_of(case), len(system.knobs)

    def tell(low: Floats, high: Floats) -> list[tuple[Floats, Floats]]:
        boxes = system.valid_within(rival, low[:count], high[:count])
        return [(np.append(least, low[count:]), np.append(most, high[count:])) for least, most in boxes]

    return tell


def bound_of(task: ProofTask, case: Case) -> tuple[RelaxedModel, float] | None:
    """How large a violation of a case can be at most, without branching; ``None`` where bounds by lines know no way."""
    try:
        model = relaxed(task, case)
    except (DnnExplainError, EmptyGroups):
        return None
    weights = case.rows @ model.forms.T
    top = Descent(model.relaxation).bound(weights[:, 1:], weights[:, 0] + case.offset, rounds=_ROUNDS)
    return model, top + _SAFE * max(1.0, abs(top))


def _counting(task: ProofTask, case: Case) -> Any:
    """Of decisions: whether in a box of knobs the rival is never valid, or the action itself may not be."""
    system = task.system
    if not task.masks or not isinstance(system, ChoicesOfKnobs):
        return None
    rival, count, kept = rival_of(case), len(system.knobs), int(task.kept)

    def tell(low: Floats, high: Floats) -> str:
        always, ever = system.sure_actions(low[:count], high[:count])
        return "empty" if not ever[rival] else "" if always[kept] else "lost"

    return tell
