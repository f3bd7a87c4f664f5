"""Training by gradients of the reward through the simulator: the dynamics are smooth, so no critic is needed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import torch as safetensors_torch
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.files import write_bytes
from dnnexplain.systems.cellular.networks import Whitened, actor_stack
from dnnexplain.systems.cellular.teachers import read_teachers
from dnnexplain.systems.cellular.tensors import TorchDays
from dnnexplain.tensor_files import read_unfinished

if TYPE_CHECKING:
    from dnnexplain.systems.cellular.system import CellularSystem

__all__ = ["HIDDEN", "train"]

HIDDEN = (48, 48)
"""Units of the actor's hidden layers."""
STRETCH = 30
"""Minutes of a stretch that are trained on."""
AFTER = 5.0
"""Time constants of the added load for which its consequences are followed behind a stretch."""
REFRESH = 100
"""Steps between two runs of the present actor on all training days."""
JITTER = 0.03
"""Standard deviation by which loads at the beginning of a stretch are moved, a share of capacity."""
LAST = 8
"""One of so many stretches is the last one of its day: there load that is left costs nothing, and rates are others."""
CLOCKS = (15.0, 5.0)
"""Minutes before the end of the day at which the first hidden units begin to tell that it is near."""
WHITENED = 40
"""Days whose states say how inputs are whitened."""
VALIDATION = 24
VALIDATION_SEED = 7_700
_STREAM = 1
_SCALE = 10.0
_LONGEST_GRADIENT = 5.0
_CHECKS = 12

Report = Callable[[int, int, str], None]


def train(
    system: CellularSystem, options: Mapping[str, Any], out: Path | None, report: Report | None = None
) -> tuple[nn.Sequential, dict[str, Any]]:
    """Train the actor; returns it with what its model card tells.

    Every 100 steps the present actor runs on all days. Each step then unrolls stretches of half an hour of these runs in
    torch, and follows what is left of the load that they added for five more time constants, through the rates that
    the actor set there. One stretch of eight is the last of its day, where what is left of the load costs nothing. (How these rates would answer is left out: where they are best, that changes nothing to
    first order.) The weights that did best on 24 validation days are kept. An unfinished run lies beside ``out``
    and is taken up again.

    Args:
        system: the cell.
        options: of the recipe: ``iterations``, ``days``, ``batch``, ``learning_rate``, ``family``; and ``seed``, ``fresh``;
            perhaps ``teacher``: rules of :mod:`dnnexplain.systems.cellular.teachers`, whose penalties are taken off
            rewards, also where the best weights are chosen.
        out: the weights file to be, or ``None`` to keep nothing.
        report: called with steps done, steps in all, and a sentence.

    Raises:
        DnnExplainError: a stretch is longer than a day of the system.
    """
    run = _Run(system, options)
    place = None if out is None else out.with_suffix(".progress.safetensors")
    if place is not None and not options.get("fresh") and place.exists():
        run.resume(place)
    run.work(place, report)
    if place is not None:
        place.unlink(missing_ok=True)
    return run.network.folded(), run.story()


class _Run:
    def __init__(self, system: CellularSystem, options: Mapping[str, Any]) -> None:
        self.settings = {
            key: options[key] for key in ("iterations", "days", "batch", "learning_rate", "family", "seed")
        }
        self.settings["teacher"] = list(options.get("teacher") or ())
        self.teachers = read_teachers(self.settings["teacher"])
        self.system, seed = system, int(options["seed"])
        self.after = math.ceil(AFTER * system.cell.decay) if system.cell.decay else system.layout.minutes
        if system.layout.minutes < STRETCH:
            msg = f"training needs days of at least {STRETCH} minutes, not {system.layout.minutes}"
            raise DnnExplainError(msg)
        family = str(options["family"])
        self.count = int(options["days"])
        self.days = self._days(family, self.count, seed)
        self.validation = self._days(family, VALIDATION, VALIDATION_SEED)
        stack = actor_stack(len(system.knobs), HIDDEN, seed)
        rule = system.rules()["headroom"]
        seen, _ = system.visit(rule, system.workloads(family, min(self.count, WHITENED), seed))
        self.network = Whitened(stack, seen)
        end = system.layout.start + system.layout.minutes / 60.0
        for unit, left in enumerate(CLOCKS):
            self.network.watch(unit, system.layout.time, end - left / 60.0, 60.0 / left)
        self.rates = self.loads = torch.empty(0)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=float(options["learning_rate"]))
        self.step, self.best, self.best_weights = 0, -math.inf, dict(self.network.state_dict())

    def _days(self, family: str, count: int, seed: int) -> TorchDays:
        return TorchDays(self.system.stack(self.system.workloads(family, count, seed)), self.system.layout)

    def work(self, place: Path | None, report: Report | None) -> None:
        total = int(self.settings["iterations"])
        every = max(1, total // _CHECKS)
        while self.step < total:
            self._descend(total)
            if self.step % every == 0 or self.step == total:
                reward = self._validate()
                less = ", less the teacher's penalties" if self.teachers else ""
                if report is not None:
                    report(self.step, total, f"{reward:.3f} GB a day on {VALIDATION} validation days{less}")
                if place is not None:
                    self.save(place)
        self.network.load_state_dict(self.best_weights)

    def _descend(self, total: int) -> None:
        """One step of Adam, whose size falls to 0 along a cosine."""
        rate = 0.5 * float(self.settings["learning_rate"]) * (1 + math.cos(math.pi * self.step / total))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.step % REFRESH == 0 or not len(self.rates):
            self._refresh()
        loss = -_SCALE * self._stretches().sum(dim=1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_GRADIENT)
        self.optimizer.step()
        self.step += 1

    def _stretches(self) -> Tensor:
        """Rewards of a batch of stretches and of the minutes after them ``[B, n]``."""
        rng = np.random.default_rng([int(self.settings["seed"]), _STREAM, self.step])
        batch, minutes = int(self.settings["batch"]), self.system.layout.minutes
        history = self.system.layout.history
        day = torch.from_numpy(rng.integers(self.count, size=batch))
        minute = torch.from_numpy(rng.integers(minutes - STRETCH + 1, size=batch))
        minute[: batch // LAST] = minutes - STRETCH
        before = self.loads[day[:, None], minute[:, None] + torch.arange(history - 1, -1, -1)]
        moved = torch.from_numpy(rng.normal(0, JITTER, size=(batch, 1)).astype(np.float32))
        before = (before + moved).clamp(0.0, min(self.system.cell.fullest, 1.0))
        cell = self.system.tensors
        rewards, _, loads = cell.play(self.network, self.days, day, minute, before, STRETCH)
        behind = minute[:, None] + STRETCH + torch.arange(self.after)
        within = behind < minutes
        row, at = day[:, None], behind.clamp(max=minutes - 1)
        more = loads[:, -1] - self.loads[day, minute + STRETCH + history - 1]
        own, left = self.days.own[row, at + history], self.loads[row, at + history]
        left = left + cell.remainder(more, self.rates[row, at])
        later = cell.reward(own, self.days.efficiency[row, at + history], left, self.rates[row, at])
        now = self.days.own[row, minute[:, None] + history + torch.arange(STRETCH)]
        return torch.cat([rewards - self._penalty(now, loads), (later - self._penalty(own, left)) * within], dim=1)

    def _penalty(self, own: Tensor, load: Tensor) -> Tensor:
        """What the teachers take off minutes with own congestion and added load, GB."""
        return sum((teacher.penalty(own, load) for teacher in self.teachers), torch.zeros_like(load))

    def _whole(self, days: TorchDays) -> tuple[Tensor, Tensor, Tensor]:
        """Rewards, rates and loads of the present actor on whole days, without gradients ``[W, T]`` each."""
        count, layout = len(days.own), self.system.layout
        with torch.no_grad():
            return self.system.tensors.play(
                self.network, days, torch.arange(count), torch.zeros(count, dtype=torch.long),
                torch.zeros(count, layout.history), layout.minutes,
            )  # fmt: skip

    def _refresh(self) -> None:
        """Run the present actor on all training days; loads have the minutes before a day in front ``[W, H + T]``."""
        _, self.rates, loads = self._whole(self.days)
        self.loads = torch.cat([torch.zeros(len(loads), self.system.layout.history), loads], dim=1)

    def _validate(self) -> float:
        """Mean reward of whole validation days; the best weights so far are kept."""
        rewards, _, loads = self._whole(self.validation)
        own = self.validation.own[:, self.system.layout.history :]
        reward = float((rewards - self._penalty(own, loads)).sum(dim=1).mean())
        if reward > self.best:
            self.best = reward
            self.best_weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        return reward

    # --- an unfinished run ----------------------------------------------------------------------

    def save(self, place: Path) -> None:
        tensors: dict[str, Tensor] = {f"now.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        tensors |= {"rates": self.rates, "loads": self.loads}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in state.items()}
        story = {"settings": self.settings, "system": self.system.parameters, "step": self.step, "best": self.best}
        contiguous = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        write_bytes(place, safetensors_torch.save(contiguous, metadata={"progress": json.dumps(story)}))

    def resume(self, place: Path) -> None:
        """Take up an unfinished run of the same settings; one of others is refused."""
        tensors, story = read_unfinished(place, "progress")
        if story.get("settings") != self.settings or story.get("system") != self.system.parameters:
            msg = f"{place} is an unfinished run with other settings; finish it with them, or start again with --fresh"
            raise DnnExplainError(msg)
        self.step, self.best = int(story["step"]), float(story["best"])
        self.network.load_state_dict(_under(tensors, "now."))
        self.best_weights = _under(tensors, "best.")
        self.rates, self.loads = tensors["rates"], tensors["loads"]
        numbers = sorted({name.split(".")[1] for name in tensors if name.startswith("adam.")}, key=int)
        state = {int(number): _under(tensors, f"adam.{number}.") for number in numbers}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def story(self) -> dict[str, Any]:
        """For the model card."""
        return {
            "description": "A controller of delay-tolerant traffic in a simulated cell, trained by gradients through the simulator.",
            "workload": f"{counted(self.count, 'generated day')} ({self.settings['family']})",
            "seed": self.settings["seed"],
            "limits": (
                "A simulated cell; the 14.7% of Chinchali et al. is not reproduced, for their data is not public. "
                "Trained on generated days and on one set of constants; it does not see the constants."
            ),
            "recipe": self.settings,
            "masked": False,
            **({"teacher": "; ".join(teacher.words for teacher in self.teachers)} if self.teachers else {}),
        }


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
