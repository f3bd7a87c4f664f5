"""Train a network by a recipe: imitate, improve, check on held-out workloads, keep the best.

Every iteration draws its workloads and actions from its own seed and is saved when it ends, so that a
run that was stopped or killed goes on to the same weights as one that was not.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dnnexplain.policies.networks import build
from dnnexplain.policies.sparse import ByteNetwork
from dnnexplain.policies.torch_policy import TorchPolicy
from dnnexplain.policies.training.learning import follow_gradient, imitate, make_optimizer, published_step
from dnnexplain.policies.training.recipe import Recipe
from dnnexplain.policies.training.returns import index_advantages, time_advantages
from dnnexplain.policies.training.rollout import Rollout, join_rollouts, roll_out
from dnnexplain.policies.training.store import Progress, load_progress, progress_path, save_progress

__all__ = ["Report", "Trainer", "held_out"]

_IMITATION, _WORKLOADS, _ACTIONS, _HELD_OUT, _SHUFFLE = range(5)
_HELD_OUT_SETS = 100
_PARTS = 2


@dataclass(frozen=True)
class Report:
    """What a running training says of itself after each round or iteration."""

    phase: str
    done: int
    total: int
    progress: Progress


def derived_seed(seed: int, *path: int) -> int:
    """A seed for one purpose and position of a run."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0])


def held_out(system: Any, recipe: Recipe, seed: int, count: int = _HELD_OUT_SETS) -> Sequence[Any]:
    """The workloads that pick the best checkpoint: of the training distribution, never trained on."""
    return _draw(system, recipe, count, derived_seed(seed, _HELD_OUT))


def _draw(system: Any, recipe: Recipe, count: int, seed: int) -> Sequence[Any]:
    settings = dict(recipe.workload)
    workloads: Sequence[Any] = system.workloads(settings.pop("name"), count, seed, **settings)
    return workloads


def _seeded(architecture: Mapping[str, Any], seed: int) -> dict[str, Any]:
    arguments = {**architecture.get("arguments", {}), "seed": seed}
    return {"name": architecture["name"], "arguments": arguments}


class Trainer:
    """One training run.

    Args:
        system: has ``workloads``, ``environment`` and ``run`` (an :class:`EpisodeSystem` that can be
            stepped in batches).
        recipe: every number of the training.
        seed: of weights, workloads and actions.
        out: the unfinished run is kept in ``<out>.progress``; ``None`` keeps nothing.
        fresh: start again even if there is an unfinished run.
    """

    def __init__(
        self, system: Any, recipe: Recipe, *, seed: int = 0, out: Path | None = None, fresh: bool = False
    ) -> None:
        self.system, self.recipe, self.seed = system, recipe, seed
        self.module: nn.Module = build(_seeded(recipe.architecture, seed), system)
        self.optimizer = make_optimizer(self.module, recipe)
        self.path = None if out is None else progress_path(out)
        self.story = {"recipe": recipe.to_dict(), "seed": seed, "system": system.parameters}
        if self.path is not None and fresh:
            self.path.unlink(missing_ok=True)
        found = None if self.path is None else load_progress(self.path, self.module, self.optimizer, self.story)
        self.progress = found or Progress()
        self.checks = held_out(system, recipe, seed)

    def run(self, report: Callable[[Report], None] | None = None, stop: Callable[[], bool] | None = None) -> bool:
        """Train to the end; returns whether it was reached (``stop`` may end it earlier)."""
        recipe, progress = self.recipe, self.progress
        said = report or (lambda _: None)
        while progress.imitated < recipe.imitation_rounds:
            if stop is not None and stop():
                return False
            self._timed(self._imitate)
            said(Report("imitation", progress.imitated, recipe.imitation_rounds, progress))
        while progress.iteration < recipe.iterations:
            if stop is not None and stop():
                return False
            self._timed(self._improve)
            said(Report("policy gradient", progress.iteration, recipe.iterations, progress))
        return True

    def best(self) -> TorchPolicy:
        """The best network so far by its held-out score; the current one before the first check."""
        module = copy.deepcopy(self.module)
        if self.progress.best_weights:
            module.load_state_dict(self.progress.best_weights)
        return TorchPolicy(module, self.system, name=self.recipe.role, masked=self.recipe.masked)

    def _timed(self, action: Callable[[], None]) -> None:
        begun = time.monotonic()
        action()
        self.progress.seconds += time.monotonic() - begun
        if self.path is not None:
            save_progress(self.path, self.module, self.optimizer, self.progress, self.story)

    def _rng(self, purpose: int, *path: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self.seed, purpose, *path]))

    def _network(self) -> ByteNetwork:
        return ByteNetwork(self.module, self.system.byte_scale)

    def _imitate(self) -> None:
        position = self.progress.imitated
        workloads = _draw(
            self.system, self.recipe, self.recipe.imitation_sets, derived_seed(self.seed, _IMITATION, position)
        )
        environment = self.system.environment(workloads)
        imitate(self._network(), self.optimizer, environment, self.recipe.imitate, self._rng(_SHUFFLE, 0, position))
        self.progress.imitated += 1
        if self.progress.imitated == self.recipe.imitation_rounds:
            self.optimizer = make_optimizer(self.module, self.recipe)

    def _improve(self) -> None:
        recipe, progress = self.recipe, self.progress
        position = progress.iteration
        rollout = self._roll_out(position)
        group = np.repeat(np.arange(recipe.job_sets), recipe.episodes)
        if recipe.as_published:
            published_step(self._network(), self.optimizer, rollout, index_advantages(rollout, group))
        else:
            left = 1 - position / recipe.iterations
            for settings in self.optimizer.param_groups:
                settings["lr"] = recipe.learning_rate * (0.1 + 0.9 * left)
            follow_gradient(
                self._network(),
                self.optimizer,
                rollout,
                time_advantages(rollout, group),
                recipe,
                recipe.entropy * left,
                self._rng(_SHUFFLE, 1, position),
            )
        progress.decisions += len(rollout.actions)
        progress.iteration += 1
        if progress.iteration % recipe.check_every == 0 or progress.iteration == recipe.iterations:
            self._check()

    def _roll_out(self, position: int) -> Rollout:
        recipe = self.recipe
        drawn = derived_seed(self.seed, _WORKLOADS, 0 if recipe.fixed_sets else position)
        workloads = _draw(self.system, recipe, recipe.job_sets, drawn)
        chunks = [list(chunk) for chunk in np.array_split(np.arange(len(workloads)), _PARTS) if len(chunk)]

        def part(number: int) -> Rollout:
            environment = self.system.environment(
                [workloads[i] for i in chunks[number]], recipe.episodes, time_limit=recipe.time_limit
            )
            rng = self._rng(_ACTIONS, position, number)
            return roll_out(environment, self.module, rng, masked=recipe.masked, action_limit=recipe.action_limit)

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            return join_rollouts(list(pool.map(part, range(len(chunks)))))

    def _check(self) -> None:
        """Score on held-out workloads, all work charged; keep the weights if they are the best so far.

        The score is the mean of drawing actions and of taking the best. A network trained as published
        has no best: its last weights count.
        """
        progress = self.progress
        policy = TorchPolicy(self.module, self.system, name=self.recipe.role, masked=self.recipe.masked)
        entry: dict[str, float] = {"iteration": progress.iteration, "decisions": progress.decisions}
        for name, sample in (("sampled", True), ("greedy", False)):
            episodes = self.system.run(policy, self.checks, seed=self.seed, sample=sample)
            entry[name] = float(episodes.cost.mean())
            entry[f"{name}_starved"] = float(episodes.metrics["starved"].sum())
        progress.curve.append(entry)
        score = (entry["sampled"] + entry["greedy"]) / 2
        if score < progress.best or self.recipe.as_published:
            progress.best = score
            progress.best_weights = copy.deepcopy(self.module.state_dict())
