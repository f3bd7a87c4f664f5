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
from torch import Tensor, nn
from torch.nn import functional

from dnnexplain.contract import DnnExplainError, MultiBinary
from dnnexplain.counts import counted
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.networks import Alike
from dnnexplain.systems.cran.recordings import Recordings, record
from dnnexplain.systems.cran.trainee import Trainee
from dnnexplain.systems.cran.visited_training import RECORDED, learn_visited

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan

__all__ = ["set_losses", "toggle_losses", "train"]

BATCH = 256
RATE = 3e-3
UNITS = (64, 64, 64)
"""Units per head and hidden layer."""

BEYOND = 50.0
"""Losses above what an outage is charged and this count as that, W."""

DESCRIPTIONS = {
    "toggle": "Toggles one radio head or none in each slot, so that all users are served at least power.",
    "set": "Says which radio heads are awake in each slot, so that all users are served at least power.",
}

CHECKPOINT = 2000
"""Steps between checkpoints."""

OWN = 0.75
"""Of the states in the second half of the steps: the share that is near those to which the network's own actions lead."""

VALIDATION = 64
"""Days at the end of the recordings on which weights are chosen."""

Report = Callable[[int, int, str], None]


def train(system: CloudRan, options: Mapping[str, Any], out: Path, report: Report) -> tuple[nn.Module, dict[str, Any]]:
    """Train a network for a system's actions on recorded days.

    The value of an action is what the slot costs after it and what follows: at first for a controller who knows
    the day, in the second half of the steps by the network's own true costs (policy iteration); most states are then
    those to which its own actions lead (DAgger: Ross, Gordon and Bagnell, AISTATS 2011), before them a plan's. A quarter
    of the steps imitates the best action; the others minimise the mean loss of drawn actions, computed exactly over
    all of them, with a tenth of the imitation.

    With more than :data:`~dnnexplain.systems.cran.visited_training.RECORDED` heads there are too many sets to record:
    toggles are then learned on visited states (:func:`~dnnexplain.systems.cran.visited_training.learn_visited`).

    All weights are averages over the last steps; those are kept that cost least on the validation days.

    Args:
        system: its action says which of the two.
        options: ``days``, ``steps``, ``rounds`` of policy iteration, ``outage_charge`` (W), ``told`` (of links),
            ``seed``, ``fresh``.
        out: where the network will be saved; an unfinished run lies beside it.
        report: called as it goes.

    Raises:
        DnnExplainError: an unfinished run with other settings lies there; or sets of more heads than can be recorded.
    """
    if system.scene.heads > RECORDED and isinstance(system.output, MultiBinary):
        msg = f"sets are learned from the cost of every set, of up to {RECORDED} heads; with {system.scene.heads} heads train toggles: --action toggle"
        raise DnnExplainError(msg)
    started = time.process_time()
    settings = {key: options[key] for key in ("days", "steps", "rounds", "outage_charge", "told", "seed")}
    steps, seed = int(settings["steps"]), int(settings["seed"])
    strict = type(system)(**{**system.parameters, "outage_power": float(settings["outage_charge"])})
    known = {**settings, "system": system.parameters}
    module = Alike(system, UNITS, seed, str(settings["told"]))
    student = Trainee(
        module, out.with_name(f"{out.name}.progress"), known, steps, RATE, fresh=bool(options.get("fresh"))
    )
    if student.step:
        report(student.step, steps, "resumed")
    if system.scene.heads > RECORDED:
        learn_visited(strict, student, settings, toggle_losses, _turned, report)
    else:
        _learn_recorded(strict, student, settings, report)
    trained: Alike = student.best  # type: ignore[assignment]
    return trained.dense(), {"description": DESCRIPTIONS[system.action]} | _story(
        student, settings, time.process_time() - started
    )


def _learn_recorded(system: CloudRan, student: Trainee, settings: Mapping[str, Any], report: Report) -> None:
    """Train to the last step on days of which the cost of every set is recorded."""
    steps = student.steps
    data = record(system, int(settings["days"]), int(settings["seed"]), report)
    lesson = _Lesson(system, data, student, settings)
    while student.step < steps:
        lesson.step()
        if student.step % CHECKPOINT == 0 or student.step == steps:
            excess = _validated(system, student.average, data)
            student.measured(excess)
            report(student.step, steps, f"steps; {excess:.3f} W above the optimum on validation days")


class _Lesson:
    """Steps of training: states, what their actions cost, and a loss."""

    def __init__(self, system: CloudRan, data: Recordings, student: Trainee, settings: Mapping[str, Any]) -> None:
        self.system, self.data, self.student, self.seed = system, data, student, int(settings["seed"])
        self.table, self.moves = torch.as_tensor(data.awake), torch.as_tensor(data.moves())
        self.successors = _successors(system)
        self.losses = set_losses(self.table) if isinstance(system.output, MultiBinary) else toggle_losses
        self.most = float(settings["outage_charge"]) + BEYOND
        self.own = student.steps // 2
        self.each = max(1, (student.steps - self.own) // int(settings["rounds"]))
        self.following: NDArray[np.float32] | None = None
        self.led: NDArray[np.int64] | None = None

    def step(self) -> None:
        """One step."""
        student, data = self.student, self.data
        self._follow()
        rng = np.random.default_rng([self.seed, student.step])
        day, slot, before = _states(data, rng, BATCH, self.led)
        shown = torch.as_tensor(data.shown[day, slot])
        shown[:, self.system.codec.awake] = self.table[before]
        following = data.ahead if self.following is None else self.following
        value = torch.as_tensor(data.excess[day, slot] + following[day, slot + 1]) + self.moves[before]
        value = value.gather(1, torch.as_tensor(self.successors[before]))  # [B, actions]
        worse = (value - value.min(1, keepdim=True).values).clamp(max=self.most)
        imitation, expected = self.losses(student.module(_turned(self.system, shown, rng)), worse)
        student.learn(imitation if student.step < student.steps // 4 else expected + 0.1 * imitation)

    def _follow(self) -> None:
        """In the second half of the steps, from time to time: what the network's own actions cost, and whereto they lead."""
        late = self.student.step - self.own
        if late >= 0 and late % self.each == 0:
            self.student.act()
            self.following = None
        if late >= 0 and self.following is None:
            self.following, self.led = self.data.follow(_chooser(self.system, self.student.acting), slice(None))


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


def _turned(system: CloudRan, shown: Tensor, rng: np.random.Generator) -> Tensor:
    """The states with users in another order, each user's links turned by a phase, and all phases mirrored or not.

    None of this changes what any set costs.
    """
    codec, users = system.codec, system.scene.users
    rows, order = shown.clone(), torch.as_tensor(rng.permutation(users))
    turn = torch.as_tensor(rng.uniform(-180, 180, (len(shown), users, 1)).astype(np.float32))
    mirror = torch.as_tensor(rng.choice(np.array([-1, 1], dtype=np.float32), (len(shown), 1, 1)))
    gain, phase = (shown[:, part].reshape(len(shown), users, -1)[:, order] for part in (codec.gain, codec.phase))
    rows[:, codec.demand] = shown[:, codec.demand][:, order]
    rows[:, codec.gain] = gain.reshape(len(shown), -1)
    rows[:, codec.phase] = (mirror * phase + turn).reshape(len(shown), -1)
    return rows


def _successors(system: CloudRan) -> NDArray[np.int64]:
    """The set after each action from every set ``[2^R, actions]``; a set's own actions are all sets."""
    sets = np.arange(2**system.scene.heads)
    if isinstance(system.output, MultiBinary):
        return np.broadcast_to(sets, (len(sets), len(sets))).copy()
    return np.asarray(sets[:, None] ^ np.concatenate([[0], 1 << np.arange(system.scene.heads)]))


def _states(
    data: Recordings, rng: np.random.Generator, count: int, led: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], ...]:
    """Days, slots and sets before them ``[B]``: half of the sets are a plan's, others differ from it, some are any.

    Where it is known whereto a network's own actions lead, three of four plan's sets are replaced by these.
    """
    days, slots, sets = data.excess.shape
    day, slot = rng.integers(0, days - VALIDATION, count), rng.integers(0, slots, count)
    heads = sets.bit_length() - 1
    flipped = ((rng.random((count, heads)) < 0.25) << np.arange(heads)).sum(axis=1)
    kind = rng.random(count)
    usual = data.planned[day, slot]
    if led is not None:
        usual = np.where(rng.random(count) < OWN, led[day, slot], usual)
    before = usual ^ np.where(kind < 0.5, flipped, 0)
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


def _story(student: Trainee, settings: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What the model card tells of the training."""
    return {
        "seed": int(settings["seed"]),
        "workload": (
            f"{settings['days']} generated days (3 of 5 diurnal, 1 walk, 1 flash), "
            f"outages charged {settings['outage_charge']:g} W"
        ),
        "training_time": f"{seconds:.0f} CPU seconds (of a resumed run: since), {counted(student.steps, 'step')} of {BATCH} states",
        "recipe": dict(settings),
    }
