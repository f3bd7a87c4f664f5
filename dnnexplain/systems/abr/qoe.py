"""Quality of experience: what each chunk is worth (Mao et al., SIGCOMM 2017, Equation 6 and Table 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Choice, DnnExplainError

__all__ = ["HD_LADDER", "QOE_NAMES", "QoE", "make_qoe"]

QOE_NAMES = ("linear", "log", "hd")
HD_LADDER = {300.0: 1.0, 750.0: 2.0, 1200.0: 3.0, 1850.0: 12.0, 2850.0: 15.0, 4300.0: 20.0}
"""Quality of each bitrate (kbit/s) under QoE-hd, as in the paper's Table 1."""


@dataclass(frozen=True, eq=False)
class QoE:
    """``q(R_n) - rebuffer_penalty * stall_n - change_penalty * |q(R_n) - q(R_{n-1})|`` for chunk n.

    Attributes:
        name: ``"linear"``, ``"log"`` or ``"hd"``.
        quality: of each bitrate of the ladder ``[A]``.
        rebuffer_penalty: for each second of stalling.
        change_penalty: for each unit of quality by which two chunks in a row differ.
    """

    name: str
    quality: NDArray[np.float64]
    rebuffer_penalty: float
    change_penalty: float = 1.0

    def of(self, action: ArrayLike, previous: ArrayLike, stall: ArrayLike) -> NDArray[np.float64]:
        """What chunks at bitrates ``action`` after ``previous`` with ``stall`` seconds are worth ``[...]``."""
        now, before = self.quality[np.asarray(action)], self.quality[np.asarray(previous)]
        worth: NDArray[np.float64] = (
            now - self.rebuffer_penalty * np.asarray(stall) - self.change_penalty * np.abs(now - before)
        )
        return worth


def make_qoe(name: str, bitrates: ArrayLike) -> QoE:
    """A QoE of the paper's Table 1 on a ladder of bitrates, kbit/s ``[A]``.

    - ``linear``: q is the bitrate in Mbit/s, a second of stalling costs 4.3;
    - ``log``: q = ln(R / lowest R), a second costs 2.66;
    - ``hd``: q = 1, 2, 3, 12, 15, 20, a second costs 8. On another ladder q is interpolated linearly in the
      bitrate, and held at its ends.

    Raises:
        DnnExplainError: there is no such QoE.
    """
    rates = np.asarray(bitrates, dtype=np.float64)
    if rates.ndim != 1 or not len(rates) or (rates <= 0).any():
        msg = "a QoE needs the bitrates of a ladder, positive numbers in kbit/s"
        raise DnnExplainError(msg)
    if name == "linear":
        return QoE(name, rates / 1000.0, 4.3)
    if name == "log":
        return QoE(name, np.log(rates / rates[0]), 2.66)
    if name == "hd":
        return QoE(name, np.interp(rates, list(HD_LADDER), list(HD_LADDER.values())), 8.0)
    raise Choice("QoE", name, QOE_NAMES).error()
