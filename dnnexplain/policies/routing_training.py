"""Train a router: minimise the logarithm of MLU over the optimum by its own gradient.

The optimum of a traffic matrix does not depend on the network, so the gradient of log(MLU / optimum) is
that of log MLU (DOTE, Perry et al., NSDI 2023): no linear program is solved while training. Every step
draws fresh matrices from a seed of its own, so that a run that was stopped goes on with the very
numbers it would have had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from dnnexplain.contract import Choice, DnnExplainError, EpisodeSystem
from dnnexplain.policies.torch_policy import TorchPolicy
from dnnexplain.policies.training.store import Progress, load_progress, progress_path, save_progress

__all__ = ["RECIPES", "RoutableSystem", "RoutingRecipe", "RoutingTrainer"]

HELD_OUT, HELD_OUT_SEED = 200, 770_001
"""Matrices, and their seed, by which the best weights are chosen."""

_STREAM = 7919  # parts the training stream from every workload seed


class RoutableSystem(EpisodeSystem, Protocol):
    """What training asks of a system beside the contract."""

    history: int
    oracle: Any

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again."""
        ...

    @property
    def networks(self) -> Mapping[str, Callable[..., nn.Module]]:
        """Architectures by name."""
        ...

    @property
    def policy_kinds(self) -> Mapping[str, Any]:
        """Policies by name, each with the ``architecture`` and ``history`` that it needs."""
        ...

    def traffic(self, name: str, count: int, seed: int | Sequence[int], **parameters: Any) -> NDArray[np.float64]:
        """Sequences ``[count, history + 1, P]`` of matrices; the last of each must be routed."""
        ...

    def tensors(self, **options: Any) -> Any:
        """The routing model in torch, with ``mlu(splits, demands)``."""
        ...

    def mlu(self, splits: ArrayLike, demands: ArrayLike) -> NDArray[np.float64]:
        """Maximum link utilisation of checked splits and demands."""
        ...


@dataclass(frozen=True, slots=True)
class RoutingRecipe:
    """How long and on what a router is trained.

    Attributes:
        steps: gradient steps, over which the step size falls to 0 along a cosine.
        batch: matrices per step.
        learning_rate: Adam's first step size.
        minutes: the run ends after this much processor time even if steps are left.
        check_every: steps between two looks at the held-out matrices.
        workload: family of traffic, and its parameters.
    """

    steps: int = 2400
    batch: int = 64
    learning_rate: float = 1e-3
    minutes: float = 5.0
    check_every: int = 200
    workload: Mapping[str, Any] = field(default_factory=lambda: {"name": "gravity"})

    def __post_init__(self) -> None:
        numbers = (self.steps, self.batch, self.learning_rate, self.minutes, self.check_every)
        if not all(number > 0 for number in numbers):
            msg = f"steps, batch, learning rate, minutes and check_every must all be positive, not {numbers}"
            raise DnnExplainError(msg)


RECIPES: dict[str, RoutingRecipe] = {
    "dote-current": RoutingRecipe(),
    "dote-history": RoutingRecipe(),
    "learning-to-route": RoutingRecipe(steps=12000),
}
"""The recipes of the shipped routers, by the policy's name."""


class RoutingTrainer:
    """One training run: call :meth:`run`, then :meth:`best`.

    Args:
        system: a routing system that shows the history that ``kind`` reads.
        kind: ``"dote-current"``, ``"dote-history"`` or ``"learning-to-route"``.
        recipe: :data:`RECIPES` of the kind if not given.
        seed: of weights and traffic.
        out: the weights file to be; the unfinished run is kept beside it, and taken up again if there.
        fresh: start again instead.

    Raises:
        DnnExplainError: for an unknown kind, a system with another history, or an unfinished run with
            other settings.
    """

    def __init__(
        self,
        system: RoutableSystem,
        kind: str,
        recipe: RoutingRecipe | None = None,
        *,
        seed: int = 1,
        out: Path | None = None,
        fresh: bool = False,
    ) -> None:
        if kind not in system.policy_kinds:
            raise Choice("routing policy", kind, tuple(system.policy_kinds)).error()
        wanted = system.policy_kinds[kind]
        if wanted.history != system.history:
            msg = f"{kind} reads a history of {wanted.history} matrices, the system shows {system.history}; "
            raise DnnExplainError(msg + f"make it with history={wanted.history}")
        self.system, self.kind, self.seed = system, kind, seed
        self.recipe = recipe or RECIPES[kind]
        self.module = system.networks[wanted.architecture](system, seed=seed)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=self.recipe.learning_rate)
        self.routing = system.tensors()
        self.path = None if out is None else progress_path(out)
        if fresh and self.path is not None:
            self.path.unlink(missing_ok=True)
        found = None if self.path is None else load_progress(self.path, self.module, self.optimizer, self._story())
        self.progress = found or Progress()
        self._held_out = self._make_held_out()

    def run(self, report: Callable[[Progress], None] | None = None) -> None:
        """Train to the end of the recipe, or until its time is up; a stop (Ctrl-C) saves what is done.

        Args:
            report: called after each look at the held-out matrices.
        """
        begun, spent = time.process_time(), self.progress.seconds
        try:
            while self.progress.iteration < self.recipe.steps and self.progress.seconds < 60 * self.recipe.minutes:
                self._step()
                self.progress.seconds = spent + time.process_time() - begun
                if self.progress.iteration % self.recipe.check_every == 0:
                    self._check()
                    if report is not None:
                        report(self.progress)
        except KeyboardInterrupt:
            self._save()
            raise
        if not self.progress.curve or self.progress.curve[-1]["iteration"] != self.progress.iteration:
            self._check()

    def best(self) -> TorchPolicy:
        """The policy with the weights that did best on the held-out matrices."""
        if self.progress.best_weights:
            self.module.load_state_dict(self.progress.best_weights)
        return TorchPolicy(self.module, self.system, name=self.kind)

    def _step(self) -> None:
        rate = 0.5 * self.recipe.learning_rate * (1 + np.cos(np.pi * self.progress.iteration / self.recipe.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.progress.iteration += 1
        seen, demands = self._draw(self.progress.iteration)
        loss = self.routing.mlu(self.module(seen), demands).log().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.progress.decisions += len(demands)

    def _draw(self, step: int) -> tuple[Tensor, Tensor]:
        """What the network sees, and the demands to route, of one batch."""
        workload = dict(self.recipe.workload)
        traffic = self.system.traffic(workload.pop("name"), self.recipe.batch, (self.seed, _STREAM, step), **workload)
        tensor = torch.as_tensor(traffic.astype(np.float32))
        demands = tensor[:, -1]
        return (tensor[:, :-1] if self.system.history else demands), demands

    def _make_held_out(self) -> tuple[Tensor, NDArray[np.float64], NDArray[np.float64]]:
        workload = dict(self.recipe.workload)
        traffic = self.system.traffic(workload.pop("name"), HELD_OUT, HELD_OUT_SEED, **workload)
        demands = traffic[:, -1]
        seen = torch.as_tensor((traffic[:, :-1] if self.system.history else demands).astype(np.float32))
        return seen, demands, self.system.oracle.mlu(demands)

    def _check(self) -> None:
        """Measure on the held-out matrices, keep the best weights, save the run."""
        seen, demands, optimum = self._held_out
        with torch.no_grad():
            splits = self.module(seen).double().numpy()
        ratio = self.system.mlu(splits, demands) / optimum
        figures = {"mean": ratio.mean(), "p95": np.quantile(ratio, 0.95), "max": ratio.max()}
        entry = {"iteration": float(self.progress.iteration)} | {key: float(value) for key, value in figures.items()}
        self.progress.curve.append(entry)
        if entry["mean"] < self.progress.best:
            self.progress.best = entry["mean"]
            self.progress.best_weights = {name: value.clone() for name, value in self.module.state_dict().items()}
        self._save()

    def _save(self) -> None:
        if self.path is not None:
            save_progress(self.path, self.module, self.optimizer, self.progress, self._story())

    def _story(self) -> dict[str, Any]:
        """What must agree for an unfinished run to be taken up; the time limit may change."""
        settings = {key: value for key, value in asdict(self.recipe).items() if key != "minutes"}
        return {"system": self.system.parameters, "policy": self.kind, "seed": self.seed, "recipe": settings}
