"""Training of toggles with so many heads that not every set can be priced: on the states that are visited.

Of every visited state each toggle is priced as the rule ``patient`` prices it: the slot is taken to last for
:data:`LASTS` slots, and a change is charged once. States are those of the rule and, from the second round on, half of them
the network's own (DAgger: Ross, Gordon and Bagnell, AISTATS 2011), led astray by drawn toggles now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    rounds, seed = 1 + int(settings["rounds"]), int(settings["seed"])
    each = -(-student.steps // rounds)
    judged = _drawn(system, VALIDATION, [seed, 2**31])
    while student.step < student.steps:
        turn = student.step // each
        if student.step % each == 0:
            student.act()
        days = _drawn(system, -(-int(settings["days"]) // rounds), [seed, turn])
        shown = torch.as_tensor(_round(system, student.acting if turn else None, days, [seed, 1, turn]))
        worse = torch.as_tensor(priced(system, shown.numpy()))
        report(student.step, student.steps, f"steps; {counted(len(shown), 'state')} priced")
        while student.step < min(student.steps, (turn + 1) * each):
            rng = np.random.default_rng([seed, 2, student.step])
            rows = torch.as_tensor(rng.integers(0, len(shown), BATCH))
            imitation, mean = losses(student.module(turned(system, shown[rows], rng)), worse[rows])
            early = student.step < student.steps // 4
            student.learn(imitation if early else mean + IMITATED * imitation)
            if student.step % CHECKPOINT == 0 or student.step == student.steps:
                cost = _validated(system, student.average, judged)
                student.measured(cost)
                report(student.step, student.steps, f"steps; {cost:.3f} W on validation days")


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


def _round(system: CloudRan, acting: nn.Module | None, days: list[Day], seed: list[int]) -> NDArray[np.float32]:
    """States of the rule on all days, or on half of them and the network's on the others."""
    rule = system.rules()["patient"]
    half = len(days) if acting is None else len(days) // 2
    shown = [visited(system, lambda seen: rule.outputs(seen).argmax(axis=1), days[:half], np.random.default_rng([*seed, 0]))]  # fmt: skip
    if acting is not None:
        shown.append(visited(system, _taken(acting), days[half:], np.random.default_rng([*seed, 1])))
    return np.concatenate(shown)


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
