"""Training of toggles with so many heads that not every set can be priced: on the states that are visited.

Of every visited state each toggle is priced as the rule ``patient`` prices it: the slot is taken to last for
:data:`LASTS` slots, and a change is charged once. One half of a batch are states to which the cheapest toggles lead,
recorded once; the other half, from the second round on, are the network's own, recorded anew in every round (DAgger:
Ross, Gordon and Bagnell, AISTATS 2011). Both are led astray by drawn toggles now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.counts import counted
from dnnexplain.systems.cran.days import Day, draw_days
from dnnexplain.systems.cran.recordings import FAMILIES
from dnnexplain.systems.cran.rules import Situation
from dnnexplain.systems.cran.runner import run_days

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan
    from dnnexplain.systems.cran.trainee import Trainee

__all__ = ["RECORDED", "learn_visited", "priced", "visited"]

RECORDED = 8
"""Heads at most with which every set of every slot is priced (:mod:`~dnnexplain.systems.cran.recordings`)."""
LASTS = 1.5
"""Slots that the present is taken to last for."""
ASTRAY = 0.1
"""Share of decisions that are drawn, not taken."""
VALIDATION = 40
"""Days on which weights are chosen."""
BATCH, CHECKPOINT = 256, 500
TOGETHER = 250
"""Days that are run at a time."""
IMITATED = 0.1
"""Weight of the imitation, nats, beside the mean loss, W."""

Decide = Callable[[NDArray[np.float32]], NDArray[np.int64]]
Losses = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Report = Callable[[int, int, str], None]
Turned = Callable[["CloudRan", Tensor, np.random.Generator], Tensor]


def learn_visited(
    system: CloudRan, student: Trainee, settings: Mapping[str, Any], losses: Losses, turned: Turned, report: Report
) -> None:
    """Train a network of toggles to its last step.

    Args:
        system: with what training charges for an outage.
        student: the network; it goes on from its step.
        settings: ``days`` in all, ``rounds`` on the network's own states, ``seed``.
        losses: imitation, and mean loss of drawn actions, of outputs ``[B, A]`` and what each action loses ``[B, A]``, W.
        turned: states that cost the same.
        report: called as it goes.
    """
    rounds, seed = int(settings["rounds"]), int(settings["seed"])
    count, each = int(settings["days"]), -(-student.steps // (1 + rounds))
    judged = _drawn(system, VALIDATION, [seed, 2**31])
    cheapest = _Priced.of(system, _cheapest(system), _drawn(system, -(-count // 2), [seed, 0]), [seed, 1, 0])
    while student.step < student.steps:
        turn = student.step // each
        if student.step % each == 0:
            student.act()
        own = cheapest
        if turn:
            days = _drawn(system, -(-count // (2 * rounds)), [seed, turn])
            own = _Priced.of(system, _taken(student.acting), days, [seed, 1, turn])
        report(student.step, student.steps, f"steps; {counted(len(own.shown), 'state')} priced")
        while student.step < min(student.steps, (turn + 1) * each):
            rng = np.random.default_rng([seed, 2, student.step])
            halves = [part.draw(rng, BATCH // 2) for part in (cheapest, own)]
            shown, worse = (torch.cat(rows) for rows in zip(*halves, strict=True))
            imitation, mean = losses(student.module(turned(system, shown, rng)), worse)
            early = student.step < student.steps // 4
            student.learn(imitation if early else mean + IMITATED * imitation)
            if student.step % CHECKPOINT == 0 or student.step == student.steps:
                cost = _validated(system, student.average, judged)
                student.measured(cost)
                report(student.step, student.steps, f"steps; {cost:.3f} W on validation days")


@dataclass(frozen=True, eq=False)
class _Priced:
    """States ``[N, n]``, and how much more each toggle costs than the best of them ``[N, R + 1]``, W."""

    shown: Tensor
    worse: Tensor

    @classmethod
    def of(cls, system: CloudRan, decide: Decide, days: list[Day], seed: list[int]) -> _Priced:
        """What is met on days, some at a time so that little is held twice."""
        rng = np.random.default_rng(seed)
        parts = [
            visited(system, decide, days[first : first + TOGETHER], rng) for first in range(0, len(days), TOGETHER)
        ]
        worse = [priced(system, shown) for shown in parts]
        return cls(torch.as_tensor(np.concatenate(parts)), torch.as_tensor(np.concatenate(worse)))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Some of them."""
        rows = torch.as_tensor(rng.integers(0, len(self.shown), count))
        return self.shown[rows], self.worse[rows]


def priced(system: CloudRan, shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much more each toggle costs than the best in states ``[N, n]`` if the slot lasts: ``[N, R + 1]``, W."""
    situation = Situation.read(system.codec, shown)
    sets = np.concatenate([situation.awake[:, None], situation.toggled(situation.awake)], axis=1)
    value = LASTS * situation.power(sets)
    value[:, 1:] += system.scene.switch_power
    return np.asarray(value - value.min(axis=1, keepdims=True), dtype=np.float32)


def visited(system: CloudRan, decide: Decide, days: list[Day], rng: np.random.Generator) -> NDArray[np.float32]:
    """States met on days ``[N, n]`` by who decides, some toggles being drawn instead."""

    def led(seen: NDArray[np.float32]) -> NDArray[np.int64]:
        taken = decide(seen)
        drawn = rng.integers(0, len(system.output.names), len(seen))
        return np.where(rng.random(len(seen)) < ASTRAY, drawn, taken)

    return run_days(system.codec, system.output, led, days).observations.reshape(-1, system.codec.size)


def _cheapest(system: CloudRan) -> Decide:
    """The toggle of the least price."""

    def decide(seen: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.asarray(priced(system, seen).argmin(axis=1), dtype=np.int64)

    return decide


def _drawn(system: CloudRan, count: int, seed: list[int]) -> list[Day]:
    """Days of the families of training, in turn."""
    each = -(-count // len(FAMILIES))
    drawn = [draw_days(system.scene, family, each, [*seed, k]) for k, family in enumerate(FAMILIES)]
    return [day for rows in zip(*drawn, strict=True) for day in rows][:count]


def _taken(module: nn.Module) -> Decide:
    """The toggle of the largest output."""

    def decide(seen: NDArray[np.float32]) -> NDArray[np.int64]:
        with torch.no_grad():
            return np.asarray(module(torch.as_tensor(seen)).argmax(1).numpy(), dtype=np.int64)

    return decide


def _validated(system: CloudRan, module: nn.Module, days: list[Day]) -> float:
    """Mean power on days, W."""
    return float(run_days(system.codec, system.output, _taken(module), days).power.mean())
