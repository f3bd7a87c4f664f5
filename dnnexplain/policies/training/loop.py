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
from numpy.typing import NDArray
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies.networks import build
from dnnexplain.policies.sparse import ByteNetwork
from dnnexplain.policies.torch_policy import TorchPolicy
from dnnexplain.policies.training.learning import Lesson, follow_gradient, imitate, make_optimizer, published_step
from dnnexplain.policies.training.recipe import Recipe
from dnnexplain.policies.training.returns import even_out, index_advantages, time_advantages
from dnnexplain.policies.training.rollout import Rollout, join_rollouts, roll_out
from dnnexplain.policies.training.rules import SoftRule, make_rule
from dnnexplain.policies.training.store import Progress, load_progress, progress_path, save_progress
from dnnexplain.policies.training.workload_mix import Checks, draw, seed_of

__all__ = ["Report", "Trainer"]

_IMITATION, _WORKLOADS, _ACTIONS, _, _SHUFFLE = range(5)  # the one left out draws held-out workloads
_PARTS = 2


@dataclass(frozen=True)
class Report:
    """What a running training says of itself after each round or iteration."""

    phase: str
    done: int
    total: int
    progress: Progress


def _seeded(architecture: Mapping[str, Any], seed: int) -> dict[str, Any]:
    arguments = {**architecture.get("arguments", {}), "seed": seed}
    return {"name": architecture["name"], "arguments": arguments}


def _first_module(system: Any, recipe: Recipe, seed: int, start: TorchPolicy | None) -> nn.Module:
    if start is None and not recipe.start:
        return build(_seeded(recipe.architecture, seed), system)
    if start is None or start.checkpoint != recipe.start:
        msg = f"the recipe begins from the network {recipe.start[:12] or 'none'}, so that one must be given as start"
        raise DnnExplainError(msg)
    return copy.deepcopy(start.module).train()


class Trainer:
    """One training run.

    Args:
        system: has ``workloads``, ``environment`` and ``run`` (an :class:`EpisodeSystem` that can be
            stepped in batches).
        recipe: every number of the training.
        seed: of weights, workloads and actions.
        out: the unfinished run is kept in ``<out>.progress``; ``None`` keeps nothing.
        fresh: start again even if there is an unfinished run.
        start: the network to begin from; its checkpoint must be the recipe's ``start``.
        rules: the soft rules of ``recipe.teacher`` that are not known by their name alone.
        checks: held-out workloads, see :class:`Checks`; ``None`` for the usual number.
    """

    def __init__(
        self,
        system: Any,
        recipe: Recipe,
        *,
        seed: int = 0,
        out: Path | None = None,
        fresh: bool = False,
        start: TorchPolicy | None = None,
        rules: Mapping[str, SoftRule] | None = None,
        checks: int | None = None,
    ) -> None:
        self.system, self.recipe, self.seed = system, recipe, seed
        self.module: nn.Module = _first_module(system, recipe, seed, start)
        names = [str(item["rule"]) for item in recipe.teacher]
        self.rules = tuple((rules or {}).get(name) or make_rule(name, system) for name in names)
        self.optimizer = make_optimizer(self.module, recipe)
        self.path = None if out is None else progress_path(out)
        self.story = {"recipe": recipe.to_dict(), "seed": seed, "system": system.parameters}
        if self.path is not None and fresh:
            self.path.unlink(missing_ok=True)
        progress = None if self.path is None else load_progress(self.path, self.module, self.optimizer, self.story)
        self.progress = progress or Progress()
        self.checks = Checks(system, recipe, seed, checks)

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

    def survey(self) -> dict[str, float]:
        """Measure the network as it stands, like a point of the curve; nothing of the run changes."""
        rollout = self._roll_out(self.progress.iteration, self.rules)
        _, entry = self._measure(self._agreement(rollout))
        return entry

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
        drawn = seed_of(self.seed, _IMITATION, position)
        workloads = draw(self.system, self.recipe.workload, self.recipe.imitation_sets, drawn)
        environment = self.system.environment(workloads)
        imitate(self._network(), self.optimizer, environment, self.recipe.imitate, self._rng(_SHUFFLE, 0, position))
        self.progress.imitated += 1
        if self.progress.imitated == self.recipe.imitation_rounds:
            self.optimizer = make_optimizer(self.module, self.recipe)

    def _improve(self) -> None:
        recipe, progress = self.recipe, self.progress
        position = progress.iteration
        weight = recipe.schedule.weight(position) if self.rules else 0.0
        check = (position + 1) % recipe.check_every == 0 or position + 1 == recipe.iterations
        rollout = self._roll_out(position, self.rules if weight > 0 or check else ())
        group = np.repeat(np.arange(recipe.job_sets), recipe.episodes)
        if recipe.as_published:
            published_step(self._network(), self.optimizer, rollout, index_advantages(rollout, group))
        else:
            self._follow(rollout, group, position, weight)
        progress.decisions += len(rollout.actions)
        progress.iteration += 1
        if check:
            self._check({"weight": weight, **self._agreement(rollout)} if self.rules else {})

    def _follow(self, rollout: Rollout, group: NDArray[np.int64], position: int, weight: float) -> None:
        """One iteration of policy gradient, and of the teacher while it has a weight."""
        recipe = self.recipe
        left = 1 - position / recipe.iterations
        for settings in self.optimizer.param_groups:
            settings["lr"] = recipe.learning_rate * (0.1 + 0.9 * left)
        advantages = time_advantages(rollout, group)
        if recipe.even:
            advantages = even_out(advantages, group[rollout.episode])
        lesson = Lesson(weight, tuple(float(item["strength"]) for item in recipe.teacher)) if weight > 0 else None
        rng = self._rng(_SHUFFLE, 1, position)
        follow_gradient(
            self._network(), self.optimizer, rollout, advantages, recipe, recipe.entropy * left, rng, lesson
        )

    def _agreement(self, rollout: Rollout) -> dict[str, float]:
        """How true each rule was of what was done, mean over the decisions that had a choice."""
        if rollout.truths is None:
            return {}
        rows = np.flatnonzero(rollout.valid.sum(axis=1) > 1)
        each = rollout.truths[rows, :, rollout.actions[rows]].mean(axis=0)
        data = {f"agreement {rule.name}": float(value) for rule, value in zip(self.rules, each, strict=True)}
        return {"agreement": float(each.mean()), **data}

    def _roll_out(self, position: int, rules: Sequence[SoftRule]) -> Rollout:
        recipe = self.recipe
        drawn = seed_of(self.seed, _WORKLOADS, 0 if recipe.fixed_sets else position)
        workloads = draw(self.system, recipe.workload, recipe.job_sets, drawn)
        chunks = [list(chunk) for chunk in np.array_split(np.arange(len(workloads)), _PARTS) if len(chunk)]

        def part(number: int) -> Rollout:
            environment = self.system.environment(
                [workloads[i] for i in chunks[number]], recipe.episodes, time_limit=recipe.time_limit
            )
            rng = self._rng(_ACTIONS, position, number)
            return roll_out(
                environment, self.module, rng, masked=recipe.masked, action_limit=recipe.action_limit, rules=rules
            )

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            return join_rollouts(list(pool.map(part, range(len(chunks)))))

    def _check(self, more: Mapping[str, float]) -> None:
        """Score on held-out workloads, all work charged; keep the weights if they are the best so far.

        The score is the mean of drawing actions and of taking the best. A network trained as published
        has no best: its last weights count.
        """
        score, entry = self._measure(more)
        progress = self.progress
        progress.curve.append(entry)
        if score < progress.best or self.recipe.as_published:
            progress.best = score
            progress.best_weights = copy.deepcopy(self.module.state_dict())

    def _measure(self, more: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        policy = TorchPolicy(self.module, self.system, name=self.recipe.role, masked=self.recipe.masked)
        score, figures = self.checks.measure(policy)
        progress = self.progress
        entry = {"iteration": progress.iteration, "decisions": progress.decisions, "score": score}
        return score, {**entry, **figures, **more}
