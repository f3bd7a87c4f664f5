"""Rules as a teacher: soft constraints, the student's distribution projected onto them, a schedule.

Hu, Ma, Liu, Hovy, Xing, "Harnessing Deep Neural Networks with Logic Rules" (ACL 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["Schedule", "agreement_truth", "never_hold_truth", "project", "utilisation_truth"]

Floats = NDArray[np.float64]


def project(
    student: Floats,
    truths: Sequence[Floats],
    strengths: Sequence[float],
    *,
    regularisation: float = 1.0,
    valid: NDArray[np.bool_] | None = None,
) -> Floats:
    """The teacher: the student's distribution projected onto soft rules (Hu et al. 2016, Equation 4).

    ``q(a) = p(a) exp(-C sum_l lambda_l (1 - r_l(a))) / Z`` minimises ``KL(q || p) + C sum_l xi_l`` subject
    to ``lambda_l (1 - E_q[r_l]) <= xi_l``, ``xi_l >= 0``: every rule that favours some actions pulls
    probability to them, the more the stronger it is.

    Args:
        student: probabilities ``[B, A]``, each row's sum 1.
        truths: per rule, how true it is of each action, 0 to 1 ``[B, A]``.
        strengths: per rule ``lambda >= 0``.
        regularisation: ``C >= 0``.
        valid: allowed actions ``[B, A]``; others get 0. The student must give some valid action a chance.

    Returns:
        float64 ``[B, A]``, each row's sum 1.

    Raises:
        DnnExplainError: shapes differ, a truth lies outside 0 to 1, a strength is negative, or a row has
            no probability on valid actions.
    """
    chances = np.asarray(student, dtype=np.float64)
    if len(truths) != len(strengths):
        msg = f"{counted(len(truths), 'rule')} need as many strengths, not {len(strengths)}"
        raise DnnExplainError(msg)
    if min([*strengths, regularisation]) < 0:
        msg = f"strengths and regularisation must not be negative: {list(strengths)}, {regularisation:g}"
        raise DnnExplainError(msg)
    penalty = np.zeros_like(chances)
    for truth, strength in zip(truths, strengths, strict=True):
        if truth.shape != chances.shape or truth.min(initial=0) < 0 or truth.max(initial=1) > 1:
            msg = f"a rule's truth must be {list(chances.shape)}, from 0 to 1; it is {list(truth.shape)}"
            raise DnnExplainError(msg)
        penalty += regularisation * strength * (1 - truth)
    allowed = chances > 0 if valid is None else (chances > 0) & valid
    if not allowed.any(axis=1).all():
        row = int(np.flatnonzero(~allowed.any(axis=1))[0])
        msg = f"in state {row} the student gives no valid action a chance; mask its outputs before the softmax"
        raise DnnExplainError(msg)
    logs = np.where(allowed, np.log(np.where(allowed, chances, 1.0)) - penalty, -np.inf)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def agreement_truth(actions: NDArray[np.int64], count: int) -> Floats:
    """Rule "do as this rule does" ``[B, count]``: 1 for the rule's action ``[B]``, 0 for the others."""
    return np.eye(count)[actions]


def never_hold_truth(fits: NDArray[np.bool_], wait: int) -> Floats:
    """Rule "never hold a job that fits" ``[B, A]``: waiting is false where a job could start now.

    Args:
        fits: which jobs could start now ``[B, M]``.
        wait: the index of waiting; ``A = M + 1``.
    """
    truth = np.ones((len(fits), fits.shape[1] + 1))
    truth[:, wait] = ~fits.any(axis=1)
    return truth


def utilisation_truth(after: Floats, threshold: float = 0.8) -> Floats:
    """Rule "keep utilisation under a threshold" ``[B, A]``: 1 up to it, then falling to 0 at full use.

    Args:
        after: share of the busiest resource in use once each action is taken ``[B, A]``, 0 to 1.
        threshold: the paper's 80%.
    """
    if not 0 <= threshold < 1:
        msg = f"the threshold is a share from 0 to below 1, such as 0.8, not {threshold:g}"
        raise DnnExplainError(msg)
    return np.clip((1 - after) / (1 - threshold), 0, 1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much the student imitates the teacher in an iteration: ``max(least, first * decay**iteration)``.

    Hu et al. let imitation grow, for they start from labels; a policy that learns from reward needs the
    teacher at first, and reward later, so this one falls.
    """

    first: float = 1.0
    decay: float = 0.95
    least: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.least <= self.first <= 1 and 0 < self.decay <= 1):
            msg = f"a schedule needs 0 <= least <= first <= 1 and 0 < decay <= 1, not {self}"
            raise DnnExplainError(msg)

    def weight(self, iteration: int) -> float:
        """The weight of imitation, 0 to 1."""
        return max(self.least, self.first * self.decay**iteration)
