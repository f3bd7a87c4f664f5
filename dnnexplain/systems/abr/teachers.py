"""Rules as soft teachers of a bitrate network: the network's distribution pulled towards what they say, ever less.

Hu, Ma, Liu, Hovy, Xing, "Harnessing Deep Neural Networks with Logic Rules" (ACL 2016): the teacher is the student's
distribution of the moment, projected onto the rules, ``q(a) = p(a) exp(-sum_l strength_l (1 - truth_l(a))) / Z``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.rules import SETTINGS, RulePolicy
from dnnexplain.systems.abr.video import Video

__all__ = ["FULL", "NEVER_LOWEST", "STRENGTH", "Teachers", "read_teacher"]

NEVER_LOWEST = "never-lowest-with-full-buffer"
FULL = 20.0
"""From so many seconds on, that rule calls a buffer full: five chunks of 4 s."""
STRENGTH = 3.0
"""The odds of an action that obeys a rule rise e^3 = 20-fold in the teacher's distribution."""
_BUFFER_SCALE = 10.0


def read_teacher(text: str) -> tuple[str, float]:
    """``NAME`` or ``NAME:STRENGTH`` as a rule's name and strength.

    Raises:
        DnnExplainError: no such rule, or a strength that is no number of at least 0.
    """
    name, _, rest = text.partition(":")
    known = (*SETTINGS, NEVER_LOWEST)
    if name not in known:
        raise Choice("rule for a teacher", name, known).error()
    try:
        strength = float(rest) if rest else STRENGTH
    except ValueError:
        strength = -1.0
    if not 0 <= strength < float("inf"):
        msg = f"--teacher {text}: a strength is a number of at least 0, such as {STRENGTH:g}, not {rest!r}"
        raise DnnExplainError(msg)
    return name, strength


@dataclass(frozen=True)
class Teachers:
    """Rules and what they hold against each action.

    Args:
        rules: name and strength of each: one of the system's rules, or ``never-lowest-with-full-buffer``.
        video: its ladder, and its sizes for the rules that plan ahead.
        qoe: what the rules that plan ahead are after.
    """

    rules: Sequence[tuple[str, float]]
    video: Video
    qoe: QoE

    def penalty(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """``sum_l strength_l (1 - truth_l)`` of each action in states ``[B, 6, L]``; ``[B, A]``, at least 0."""
        total = np.zeros((len(states), len(self.video.bitrates)), dtype=np.float32)
        for name, strength in self.rules:
            total += np.float32(strength) * (1.0 - self._truth(name, states))
        return total

    def _truth(self, name: str, states: NDArray[np.float32]) -> NDArray[np.float32]:
        if name != NEVER_LOWEST:
            return RulePolicy(name, self.video, Params(), self.qoe).outputs(states).astype(np.float32)
        truth = np.ones((len(states), len(self.video.bitrates)), dtype=np.float32)
        truth[states[:, 1, -1] * _BUFFER_SCALE >= FULL, 0] = 0.0
        return truth

    @staticmethod
    def loss(logp: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
        """Cross-entropy from the teacher to the student, mean over ``[B]``; no gradient goes through the teacher.

        Args:
            logp: the student's log-probabilities ``[B, A]``.
            penalty: see :meth:`penalty` ``[B, A]``.
        """
        taught = torch.softmax(logp.detach() - penalty, dim=1)
        return -(taught * logp).sum(dim=1).mean()
