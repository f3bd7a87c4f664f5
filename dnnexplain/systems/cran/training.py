"""Training: values of toggles, or log-odds of heads, from recorded days.

The published controller is a deep Q-network over toggles. Ours has the same outputs, but as nothing that a
controller does changes demands or channels, the outcome of every action is known from
:class:`~dnnexplain.systems.cran.recordings.Recordings`: it needs neither exploration nor bootstrapping.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from dnnexplain.contract import MultiBinary
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.networks import Alike
from dnnexplain.systems.cran.recordings import Recordings, record

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan

__all__ = ["set_losses", "toggle_losses", "train"]

BATCH = 256
RATE = 3e-3
UNITS = (64, 64)
"""Units per head and hidden layer."""

MOST = 250.0
"""Losses above this count as this, W: more than an outage that is charged 200 W."""

CHECKPOINT = 2000
"""Steps between checkpoints."""

VALIDATION = 64
"""Days at the end of the recordings on which weights are chosen."""

Report = Callable[[int, int, str], None]


class Trainee:
    """A network in training: its average over the last steps, its optimiser, and a file from which it goes on.

    Args:
        module: the network.
        file: of the checkpoint.
        steps: in all.
        rate: learning rate at the start; it falls to 0 as a cosine.
        fresh: whether to begin anew although there is a checkpoint.
    """

    def __init__(self, module: nn.Module, file: Path, steps: int, rate: float, *, fresh: bool) -> None:
        self.module, self.file, self.steps, self.rate = module, file, steps, rate
        self.average = _copy(module)
        self.optimiser = torch.optim.Adam(module.parameters(), lr=rate)
        self.step = 0
        if file.exists() and not fresh:
            self._load()

    def learn(self, loss: Tensor) -> None:
        """One step down a loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
        self.optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.module.parameters(), strict=True):
                slow.lerp_(fast, 0.005)
        self.step += 1
        if self.step % CHECKPOINT == 0 or self.step == self.steps:
            self._save()

    def _save(self) -> None:
        parts = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        parts |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            parts |= {f"adam.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        parts["step"] = torch.tensor(self.step)
        unfinished = self.file.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in parts.items()}, unfinished)
        unfinished.replace(self.file)

    def _load(self) -> None:
        parts = load_file(self.file)
        self.step = int(parts.pop("step"))
        for prefix, module in (("module.", self.module), ("average.", self.average)):
            module.load_state_dict({k[len(prefix) :]: v for k, v in parts.items() if k.startswith(prefix)})
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts.items():
            if name.startswith("adam."):
                _, number, field = name.split(".")
                moments.setdefault(int(number), {})[field] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})


def train(system: CloudRan, options: Mapping[str, Any], out: Path, report: Report) -> tuple[nn.Module, dict[str, Any]]:
    """Train a network for a system's actions on recorded days.

    The value of an action is what the slot costs after it and what follows: at first for a controller who knows
    the day, in the last third of the steps by the network's own true costs (policy iteration). A quarter of the
    steps imitates the best action; the others minimise the mean loss of drawn actions, computed exactly over
    all of them, with a tenth of the imitation.

    Args:
        system: its action says which of the two.
        options: ``days``, ``steps``, ``rounds`` of policy iteration, ``seed``, ``fresh``, ``stop`` (after so many of the
            steps; the learning rate falls as if it went on).
        out: where the network will be saved; a checkpoint lies beside it.
        report: called as it goes.
    """
    started = time.process_time()
    settings = {"days": 1500, "steps": 30_000, "rounds": 5, "seed": 0, "fresh": False, "stop": None} | dict(options)
    data = record(system, int(settings["days"]), int(settings["seed"]), report)
    steps, seed = int(settings["steps"]), int(settings["seed"])
    checkpoint = out.with_suffix(f".{system.action}-training")
    student = Trainee(Alike(system, UNITS, seed), checkpoint, steps, RATE, fresh=bool(settings["fresh"]))
    table, moves = torch.as_tensor(data.awake), torch.as_tensor(data.moves())
    successors = _successors(system)
    losses = set_losses(table) if isinstance(system.output, MultiBinary) else toggle_losses
    own, each = 2 * steps // 3, max(1, (steps - 2 * steps // 3) // int(settings["rounds"]))
    following = data.ahead
    while student.step < min(steps, int(settings["stop"] or steps)):
        late = student.step - own
        if late >= 0 and (late % each == 0 or following is data.ahead):
            following = data.value(_chooser(system, student.average), slice(None))
        day, slot, before = _states(data, np.random.default_rng([seed, student.step]), BATCH)
        shown = torch.as_tensor(data.shown[day, slot])
        shown[:, system.codec.awake] = table[before]
        value = torch.as_tensor(data.excess[day, slot] + following[day, slot + 1]) + moves[before]
        value = value.gather(1, torch.as_tensor(successors[before]))  # [B, actions]
        worse = (value - value.min(1, keepdim=True).values).clamp(max=MOST)
        imitation, expected = losses(student.module(_swapped(system, shown, student.step)), worse)
        student.learn(imitation if student.step < steps // 4 else expected + 0.1 * imitation)
        if student.step % CHECKPOINT == 0:
            excess = _validated(system, student.average, data)
            report(student.step, steps, f"steps; {excess:.3f} W above the optimum on validation days")
    trained: Alike = student.average  # type: ignore[assignment]
    return trained.dense(), _story(data, student, started, settings)


def toggle_losses(outputs: Tensor, worse: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy to the best of the actions ``[B, A]``; the mean loss, W, of actions drawn by softmax."""
    return functional.cross_entropy(outputs, worse.argmin(1)), (outputs.softmax(1) * worse).sum(1).mean()


def set_losses(table: Tensor) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The same for sets drawn by log-odds ``[B, R]``, with the losses of all sets ``[B, 2^R]`` of ``table``."""

    def losses(logits: Tensor, worse: Tensor) -> tuple[Tensor, Tensor]:
        imitation = functional.binary_cross_entropy_with_logits(logits, table[worse.argmin(1)])
        likely = functional.logsigmoid(logits) @ table.T + functional.logsigmoid(-logits) @ (1 - table.T)
        return imitation, (likely.exp() * worse).sum(1).mean()

    return losses


def _swapped(system: CloudRan, shown: Tensor, step: int) -> Tensor:
    """The states with their users in turn: which user is which must not matter."""
    codec, users = system.codec, system.scene.users
    rows = shown.clone()
    rows[:, codec.demand] = shown[:, codec.demand].roll(step % users, 1)
    links = shown[:, codec.gain].reshape(len(shown), users, -1)
    rows[:, codec.gain] = links.roll(step % users, 1).reshape(len(shown), -1)
    return rows


def _successors(system: CloudRan) -> NDArray[np.int64]:
    """The set after each action from every set ``[2^R, actions]``; a set's own actions are all sets."""
    sets = np.arange(2**system.scene.heads)
    if isinstance(system.output, MultiBinary):
        return np.broadcast_to(sets, (len(sets), len(sets))).copy()
    return sets[:, None] ^ np.concatenate([[0], 1 << np.arange(system.scene.heads)])


def _states(data: Recordings, rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
    """Days, slots and sets before them ``[B]``: half of the sets are a plan's, others differ from it, some are any."""
    days, slots, sets = data.excess.shape
    day, slot = rng.integers(0, days - VALIDATION, count), rng.integers(0, slots, count)
    heads = sets.bit_length() - 1
    flipped = ((rng.random((count, heads)) < 0.25) << np.arange(heads)).sum(axis=1)
    kind = rng.random(count)
    before = data.planned[day, slot] ^ np.where(kind < 0.5, flipped, 0)
    return day, slot, np.where(kind > 0.9, rng.integers(0, sets, count), before)


def _chooser(system: CloudRan, module: nn.Module) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    """From slots as shown ``[B, n]`` to the set chosen from every set before ``[B, 2^R]``."""
    sets = np.arange(2**system.scene.heads)
    table = torch.as_tensor(((sets[:, None] >> np.arange(system.scene.heads)) & 1).astype(np.float32))

    def choose(shown: NDArray[np.float32]) -> NDArray[np.int64]:
        rows = torch.as_tensor(shown).repeat_interleave(len(sets), 0)
        rows[:, system.codec.awake] = table.repeat(len(shown), 1)
        with torch.no_grad():
            outputs = module(rows).double().numpy()
        before = np.tile(sets, len(shown))
        return after(system.output, before, system.output.decide(outputs)).reshape(len(shown), len(sets))

    return choose


def _validated(system: CloudRan, module: nn.Module, data: Recordings) -> float:
    """Mean power over that of the optimal plans on the validation days, W."""
    part = slice(len(data.shown) - VALIDATION, None)
    value = data.value(_chooser(system, module), part)
    return float((value[:, 0, -1] - data.ahead[part, 0, -1]).mean() / data.excess.shape[1])


def _copy(module: nn.Module) -> nn.Module:
    import copy  # noqa: PLC0415

    twin = copy.deepcopy(module)
    for parameter in twin.parameters():
        parameter.requires_grad = False
    return twin


def _story(data: Recordings, student: Trainee, started: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the model card tells of the training."""
    return {
        "seed": int(settings["seed"]),
        "workload": f"{len(data.shown)} generated days (3 of 5 diurnal, 1 walk, 1 flash)",
        "training_time": f"{time.process_time() - started:.0f} CPU seconds, {student.steps} steps of {BATCH} states",
    }
