"""Train a bitrate network by policy gradient on the batched simulator.

Proximal policy optimisation (Schulman et al. 2017) with generalised advantages. The critic, which only
training uses, also sees what the link will carry next ("asymmetric actor-critic", Pinto et al. 2018), so
that a session's luck with its trace is not taken for the merit of its decisions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import Params, columns_of
from dnnexplain.systems.abr.outlook import OUTLOOK, Outlook
from dnnexplain.systems.abr.own_links import varied
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.teachers import Teachers
from dnnexplain.systems.abr.trace_families import generate
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video, default_video
from dnnexplain.systems.abr.wiring import wired
from dnnexplain.tensor_files import read_saved_state

__all__ = ["Recipe", "Report", "Trainer", "actor", "evaluate"]

_POOL, _HELD_OUT, _START, _ACTION, _SHUFFLE, _NOISE, _VARIED = range(7)
_REWARD_SCALE = 0.1
_OF_TEACHERS = ("teacher", "teaching")
_OF_GIVEN = ("vary", "generated", "warm")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every number of a training.

    Args:
        families: share of each family of generated traces; not used where traces are given.
        means: of a family, where its own is not meant, Mbit/s.
        spread: standard deviation, over traces, of the logarithm of their mean.
        pool: how many traces are drawn in all.
        checks: held-out traces, drawn in the same way, by which the best weights are chosen.
        iterations, sessions: policy gradient steps; each runs that many sessions side by side.
        epochs, batch, clip: passes over an iteration's decisions, decisions per step, and how far a
            probability may move.
        learning_rate: of Adam, falling linearly to a twentieth.
        entropy: weight of the entropy bonus at the beginning and at the end, falling geometrically.
        gamma, smoothing: discount, and lambda of the generalised advantage.
        noise: of downloads while training (the published environment: 0.1).
        remaining_row: where the network reads the chunks remaining; see ``wiring``.
        units: of each branch and of the layer that joins them.
        qoe: what is learned: ``"linear"``, ``"log"`` or ``"hd"``.
        floor: a chunk's QoE counts as at least this much in training, and a session's where weights are chosen: links that
            hardly carry the lowest bitrate would decide otherwise.
        vary: where traces are given, how far each is varied; see ``own_links.varied``.
        generated: where traces are given, the share of generated ones among all that are trained on.
        teacher: rules that are followed softly at first, each with its strength; see ``teachers``.
        teaching: weight of following them in the first iteration, what it is multiplied by in each, and the least
            weight that still counts.
        check_every: iterations between checks.
        warm: iterations at the beginning in which only the critic learns: for weights that were learned before.
    """

    families: Mapping[str, float] = field(default_factory=lambda: {"markov-3g": 1.0})
    means: Mapping[str, float] = field(default_factory=dict)
    spread: float = 0.6
    pool: int = 4000
    checks: int = 400
    iterations: int = 600
    sessions: int = 512
    epochs: int = 4
    batch: int = 4096
    clip: float = 0.2
    learning_rate: float = 5e-4
    entropy: tuple[float, float] = (0.1, 0.002)
    gamma: float = 0.99
    smoothing: float = 0.95
    noise: float = 0.1
    remaining_row: int = 5
    units: int = 128
    qoe: str = "linear"
    floor: float = -60.0
    vary: float = 0.0
    generated: float = 0.0
    check_every: int = 10
    warm: int = 0
    teacher: tuple[tuple[str, float], ...] = ()
    teaching: tuple[float, float, float] = (1.0, 0.95, 0.01)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint's metadata; what nobody asked for is not told."""
        data = asdict(self)
        unasked = {*(() if self.teacher else _OF_TEACHERS), *(name for name in _OF_GIVEN if not data[name])}
        return {name: item for name, item in data.items() if name not in unasked}


@dataclass(frozen=True)
class Report:
    """What a running training says of itself."""

    iteration: int
    iterations: int
    reward: float
    score: float
    entropy: float
    best: float


def actor(video: Video, units: int = 128, seed: int = 0, remaining_row: int = 5) -> nn.Sequential:
    """The paper's network as dense layers, its branches joined; see ``wiring``.

    Layers are ``flatten, hidden_1, relu_1, hidden_2, relu_2, output``; weights that no branch has are zero and stay so.
    """
    columns, rates = columns_of(video), len(video.bitrates)
    mask = torch.from_numpy(wired(units, rates, columns, remaining_row))
    module = _stack([mask.shape[1], mask.shape[0], units, rates], seed)
    first: Any = module.get_submodule("hidden_1")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(seed + 1)
        # Each branch on its own scale: He et al. (2015) by the cells that a unit reads.
        spread = (2.0 / mask.sum(dim=1, keepdim=True)).sqrt()
        first.weight.copy_(torch.randn(mask.shape, generator=generator) * spread * mask)
        last: Any = module.get_submodule("output")
        last.weight.mul_(0.05)
    first.weight.register_hook(lambda gradient: gradient * mask)
    return module


def _stack(sizes: Sequence[int], seed: int) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    module = nn.Sequential()
    module.add_module("flatten", nn.Flatten())
    for number, (inputs, units) in enumerate(pairwise(sizes[:-1]), start=1):
        module.add_module(f"hidden_{number}", nn.utils.skip_init(nn.Linear, inputs, units))
        module.add_module(f"relu_{number}", nn.ReLU())
    module.add_module("output", nn.utils.skip_init(nn.Linear, sizes[-2], sizes[-1]))
    for layer in module:
        if isinstance(layer, nn.Linear):
            with torch.no_grad():
                layer.weight.normal_(0.0, (2.0 / layer.in_features) ** 0.5, generator=generator)
                layer.bias.zero_()
    return module


def _begin(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    own = module.state_dict()
    if {name: tuple(part.shape) for name, part in own.items()} != {
        name: tuple(part.shape) for name, part in weights.items()
    }:
        msg = "the weights to begin with are of another network; they must be of one that `dnnexplain train abr` made for this video"
        raise DnnExplainError(msg)
    module.load_state_dict(dict(weights))


def evaluate(module: nn.Module, simulator: Simulator) -> NDArray[np.float64]:
    """Total QoE of chunks 2 to the last of every session, best actions ``[B]``; the simulator is used up."""
    total = np.zeros(len(simulator))
    with torch.inference_mode():
        while not simulator.done.all():
            logits = module(torch.from_numpy(simulator.observe().astype(np.float32)))
            total += simulator.step(logits.argmax(dim=1).numpy())
    return total


@dataclass(frozen=True, eq=False)
class _Batch:
    """Decisions of one iteration, time first ``[T, B, ...]``, then flattened."""

    states: torch.Tensor
    views: torch.Tensor
    actions: torch.Tensor
    log_probability: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    reward: float
    penalty: torch.Tensor | None = None


class Trainer:
    """A training that can be stopped and resumed; each iteration has seeds of its own.

    Args:
        recipe: every number.
        seed: of everything drawn.
        traces: train on these instead of generated ones.
        checks: links that are held out, by which the weights are chosen, instead of generated ones.
        video: what is played.
        keep: after which iterations the weights of that moment are kept, in ``stages``.
        begin: weights to go on from, of a network of this wiring, instead of drawn ones.

    Raises:
        DnnExplainError: ``begin`` is of another network.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int = 0,
        *,
        traces: Sequence[Trace] | None = None,
        checks: Sequence[Trace] | None = None,
        video: Video | None = None,
        keep: Sequence[int] = (),
        begin: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.recipe, self.seed = recipe, seed
        self.video = default_video() if video is None else video
        self.traces = self._draw(_POOL, recipe.pool) if traces is None else self._given(traces)
        self.checks = list(checks) if checks is not None else self._draw(_HELD_OUT, recipe.checks)
        self.qoe = make_qoe(recipe.qoe, self.video.bitrates)
        self.teachers = Teachers(recipe.teacher, self.video, self.qoe)
        self.module = actor(self.video, recipe.units, seed, recipe.remaining_row)
        if begin is not None:
            _begin(self.module, begin)
        inputs = 6 * columns_of(self.video) + len(OUTLOOK)
        self.critic = _stack([inputs, 128, 128, 1], seed + 7)
        parameters = [*self.module.parameters(), *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=recipe.learning_rate, eps=1e-5)
        self.outlook = Outlook(self.traces)
        self.iteration = 0
        self.best = -np.inf
        self.best_weights: dict[str, torch.Tensor] = copy.deepcopy(self.module.state_dict())
        self.curve: list[dict[str, float]] = []
        self.keep = frozenset(keep)
        self.stages: dict[int, dict[str, torch.Tensor]] = {}

    def _draw(self, purpose: int, count: int) -> list[Trace]:
        recipe = self.recipe
        total = sum(recipe.families.values())
        drawn: list[Trace] = []
        for number, (name, share) in enumerate(recipe.families.items()):
            seed = int(self._rng(purpose, number).integers(2**31))
            wanted = max(1, round(count * share / total))
            drawn += generate(name, wanted, seed, mean=recipe.means.get(name), spread=recipe.spread)
        return drawn

    def _given(self, traces: Sequence[Trace]) -> list[Trace]:
        recipe = self.recipe
        beside = round(recipe.generated * recipe.pool)
        seed = int(self._rng(_VARIED).integers(2**31))
        own = varied(traces, recipe.pool - beside, recipe.vary, seed) if recipe.vary else list(traces)
        return [*own, *(self._draw(_POOL, beside) if beside else ())]

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def run(self, report: Callable[[Report], Any] | None = None, save: Path | None = None) -> nn.Sequential:
        """Train to the end and return the network with the best weights; ``save`` is resumed from, if it is there."""
        if save is not None and save.exists():
            self.load(save)
        recipe = self.recipe
        while self.iteration < recipe.iterations:
            reward, entropy = self._improve()
            if self.iteration in self.keep:
                self.stages[self.iteration] = copy.deepcopy(self.module.state_dict())
            if self.iteration % recipe.check_every == 0 or self.iteration == recipe.iterations:
                score = self._check()
                entry = {"iteration": self.iteration, "reward": reward, "score": score, "entropy": entropy}
                self.curve.append({name: float(value) for name, value in entry.items()})
                if save is not None:
                    self.save(save)
                if report is not None:
                    report(Report(self.iteration, recipe.iterations, reward, score, entropy, self.best))
        return self._with(self.best_weights)

    def stage(self, iteration: int) -> nn.Sequential:
        """The network as it was after one of the iterations of ``keep``."""
        return self._with(self.stages[iteration])

    def _with(self, weights: Mapping[str, torch.Tensor]) -> nn.Sequential:
        network = copy.deepcopy(self.module)
        network.load_state_dict(weights)
        return network

    def _check(self) -> float:
        simulator = Simulator(self.checks, self.video, qoe=self.qoe)
        score = float(np.maximum(evaluate(self.module, simulator), self.recipe.floor).mean())
        if score > self.best:
            self.best = score
            self.best_weights = copy.deepcopy(self.module.state_dict())
        return score

    def _improve(self) -> tuple[float, float]:
        recipe = self.recipe
        share = self.iteration / recipe.iterations
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * (1.0 - 0.95 * share)
        first, last = recipe.entropy
        weight = first * (last / first) ** share
        batch = self._roll_out()
        rng = self._rng(_SHUFFLE, self.iteration)
        spread = 0.0
        count = len(batch.actions)
        for _ in range(recipe.epochs):
            for chosen in np.array_split(rng.permutation(count), max(1, count // recipe.batch)):
                spread = self._descend(batch, torch.from_numpy(chosen), weight)
        self.iteration += 1
        return batch.reward, spread

    def _roll_out(self) -> _Batch:
        recipe = self.recipe
        rng = self._rng(_START, self.iteration)
        which = rng.integers(len(self.traces), size=recipe.sessions)
        start = np.array([rng.integers(1, len(self.traces[i].seconds)) for i in which])
        simulator = Simulator(
            self.traces, self.video, Params(noise=recipe.noise), self.qoe, trace=which, start=start,
            noise=self._rng(_NOISE, self.iteration),
        )  # fmt: skip
        draws = self._rng(_ACTION, self.iteration)
        steps = self.video.chunks - 1
        states, views, actions, chances, rewards, values = [], [], [], [], [], []
        with torch.inference_mode():
            for _ in range(steps):
                state = torch.from_numpy(simulator.observe().astype(np.float32))
                ahead = torch.from_numpy(self.outlook.of(simulator.arrays))
                logp = torch.log_softmax(self.module(state), dim=1)
                noise = torch.from_numpy(draws.gumbel(size=logp.shape).astype(np.float32))
                action = (logp + noise).argmax(dim=1)
                states.append(state)
                views.append(ahead)
                actions.append(action)
                chances.append(logp.gather(1, action[:, None])[:, 0])
                values.append(self._values(state, ahead).numpy())
                rewards.append(simulator.step(action.numpy()))
        gained = np.array(rewards)
        advantages, returns = self._advantages(np.maximum(gained, recipe.floor) * _REWARD_SCALE, np.array(values))

        def flat(parts: list[torch.Tensor]) -> torch.Tensor:
            return torch.cat(parts).clone()

        met = flat(states)
        penalty = torch.from_numpy(self.teachers.penalty(met.numpy())) if self._teaching() else None
        return _Batch(
            met, flat(views), flat(actions), flat(chances), torch.from_numpy(advantages.ravel()).float(),
            torch.from_numpy(returns.ravel()).float(), float(gained.sum(axis=0).mean()), penalty,
        )  # fmt: skip

    def _teaching(self) -> float:
        """The weight of following the teachers in this iteration; 0 once it no longer counts."""
        first, decay, least = self.recipe.teaching
        weight = first * decay**self.iteration
        return weight if self.recipe.teacher and weight >= least else 0.0

    def _values(self, states: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.critic(torch.cat([states.flatten(1), views], dim=1))[:, 0]
        return value

    def _advantages(
        self, rewards: NDArray[np.float64], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Generalised advantages and the critic's targets ``[T, B]``."""
        recipe = self.recipe
        advantages = np.zeros_like(rewards)
        running = np.zeros(rewards.shape[1])
        following = np.zeros(rewards.shape[1])
        for step in range(len(rewards) - 1, -1, -1):
            delta = rewards[step] + recipe.gamma * following - values[step]
            running = delta + recipe.gamma * recipe.smoothing * running
            advantages[step] = running
            following = values[step]
        return advantages, advantages + values

    def _descend(self, batch: _Batch, chosen: torch.Tensor, entropy_weight: float) -> float:
        recipe = self.recipe
        states = batch.states[chosen]
        logp = torch.log_softmax(self.module(states), dim=1)
        taken = logp.gather(1, batch.actions[chosen][:, None])[:, 0]
        ratio = (taken - batch.log_probability[chosen]).exp()
        gain = batch.advantages[chosen]
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        clipped = ratio.clamp(1 - recipe.clip, 1 + recipe.clip)
        entropy = -(logp.exp() * logp).sum(dim=1).mean()
        error = nn.functional.smooth_l1_loss(self._values(states, batch.views[chosen]), batch.returns[chosen])
        better = torch.min(ratio * gain, clipped * gain).mean() + entropy_weight * entropy
        loss = 0.5 * error - (better if self.iteration >= recipe.warm else 0.0 * better)
        if batch.penalty is not None:
            loss = loss + self._teaching() * self.teachers.loss(logp, batch.penalty[chosen])
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*self.module.parameters(), *self.critic.parameters()], 1.0)
        self.optimizer.step()
        return float(entropy.detach())

    def save(self, path: Path) -> None:
        """Everything that :meth:`load` needs to go on as though nothing had happened."""
        temporary = path.with_suffix(".part")
        torch.save(
            {
                "module": self.module.state_dict(), "critic": self.critic.state_dict(),
                "optimizer": self.optimizer.state_dict(), "iteration": self.iteration, "best": self.best,
                "best_weights": self.best_weights, "curve": self.curve, "recipe": self.recipe.to_dict(),
                "seed": self.seed, "stages": self.stages,
            },
            temporary,
        )  # fmt: skip
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote.

        Raises:
            DnnExplainError: the file is damaged, or of another recipe or seed.
        """
        held = read_saved_state(path)
        begun, kept = int(held.get("iteration", 0)), set(held.get("stages", {}))
        if held.get("recipe") != self.recipe.to_dict() or held.get("seed") != self.seed:
            msg = f"{path} was saved by a training with another recipe or seed; give this one a file of its own"
            raise DnnExplainError(msg)
        if any(item <= begun and item not in kept for item in self.keep):
            msg = f"{path} is of a training that kept no stages; begin again (--fresh), or go on without --stages"
            raise DnnExplainError(msg)
        self.module.load_state_dict(held["module"])
        self.critic.load_state_dict(held["critic"])
        self.optimizer.load_state_dict(held["optimizer"])
        self.iteration, self.best, self.curve = held["iteration"], held["best"], held["curve"]
        self.best_weights, self.stages = held["best_weights"], held.get("stages", {})
