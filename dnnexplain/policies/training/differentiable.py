"""Train a network by the gradient of its own cost, where the system's cost has one.

Every step draws fresh samples from a seed of its own, so that a run that was stopped goes on with the very
numbers it would have had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies.torch_policy import TorchPolicy
from dnnexplain.policies.training.store import Progress, load_progress, progress_path, save_progress

__all__ = ["GradientRecipe", "GradientTrainer"]

HELD_OUT, HELD_OUT_SEED = 200, 770_001
"""Samples, and their seed, by which the best weights are chosen."""

_STREAM = 7919  # parts the training stream from every workload seed


@dataclass(frozen=True, slots=True)
class GradientRecipe:
    """How long and on what a network is trained.

    Attributes:
        steps: gradient steps, over which the step size falls to 0 along a cosine.
        batch: samples per step.
        learning_rate: Adam's first step size.
        minutes: the run ends after this much processor time even if steps are left.
        check_every: steps between two looks at the held-out samples.
        workload: family of workloads as ``name``, and its parameters.
    """

    steps: int = 2400
    batch: int = 64
    learning_rate: float = 1e-3
    minutes: float = 5.0
    check_every: int = 200
    workload: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = (self.steps, self.batch, self.learning_rate, self.minutes, self.check_every)
        if not all(number > 0 for number in numbers):
            msg = f"steps, batch, learning rate, minutes and check_every must all be positive, not {numbers}"
            raise DnnExplainError(msg)


class GradientTrainer:
    """One training run: call :meth:`run`, then :meth:`best`.

    Args:
        system: one whose cost has a gradient (``contract.Differentiable``).
        network: which of its networks.
        recipe: its numbers.
        seed: of weights and samples.
        out: the weights file to be; the unfinished run is kept beside it, and taken up again if there.
        fresh: start again instead.

    Raises:
        DnnExplainError: for an unknown network, a system that shows something else than it sees, or an
            unfinished run with other settings.
    """

    def __init__(
        self,
        system: Any,
        network: str,
        recipe: GradientRecipe,
        *,
        seed: int = 1,
        out: Path | None = None,
        fresh: bool = False,
    ) -> None:
        self.task = system.gradient_task(network)
        self.system, self.network, self.seed, self.recipe = system, network, seed, recipe
        self.module = self.task.network(seed)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=recipe.learning_rate)
        self.path = None if out is None else progress_path(out)
        if fresh and self.path is not None:
            self.path.unlink(missing_ok=True)
        progress = None if self.path is None else load_progress(self.path, self.module, self.optimizer, self.story())
        self.progress = progress or Progress()
        seen, charged = self.task.draw(recipe.workload, HELD_OUT, HELD_OUT_SEED)
        self._seen, self._score = torch.as_tensor(seen), self.task.scorer(charged)

    def run(self, report: Callable[[Progress], None] | None = None) -> None:
        """Train to the end of the recipe, or until its time is up; a stop (Ctrl-C) saves what is done.

        Args:
            report: called after each look at the held-out samples.
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
        """The policy with the weights that did best on the held-out samples."""
        if self.progress.best_weights:
            self.module.load_state_dict(self.progress.best_weights)
        return TorchPolicy(self.module, self.system, name=self.network)

    def story(self) -> dict[str, Any]:
        """What must agree for an unfinished run to be taken up; the time limit may change."""
        settings = {key: value for key, value in asdict(self.recipe).items() if key != "minutes"}
        return {"system": self.system.parameters, "policy": self.network, "seed": self.seed, "recipe": settings}

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """What the network sees, and what it is charged on, of one batch."""
        seen, charged = self.task.draw(self.recipe.workload, self.recipe.batch, (self.seed, _STREAM, step))
        return torch.as_tensor(seen), torch.as_tensor(charged.astype(np.float32))

    def _step(self) -> None:
        rate = 0.5 * self.recipe.learning_rate * (1 + np.cos(np.pi * self.progress.iteration / self.recipe.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.progress.iteration += 1
        seen, charged = self.draw(self.progress.iteration)
        loss = self.task.loss(self.module(seen), charged)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.progress.decisions += len(charged)

    def _outputs(self) -> NDArray[np.float64]:
        with torch.no_grad():
            outputs: NDArray[np.float64] = self.module(self._seen).double().numpy()
        return outputs

    def _check(self) -> None:
        """Measure on the held-out samples, keep the best weights, save the run."""
        scores = self._score(self._outputs())
        figures = {"mean": scores.mean(), "p95": np.quantile(scores, 0.95), "max": scores.max()}
        entry = {"iteration": float(self.progress.iteration)} | {key: float(value) for key, value in figures.items()}
        self.progress.curve.append(entry)
        if entry["mean"] < self.progress.best:
            self.progress.best = entry["mean"]
            self.progress.best_weights = {name: value.clone() for name, value in self.module.state_dict().items()}
        self._save()

    def _save(self) -> None:
        if self.path is not None:
            save_progress(self.path, self.module, self.optimizer, self.progress, self.story())
