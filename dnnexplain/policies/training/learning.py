"""One step of learning: imitate a rule, or follow the policy gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.policies.sparse import ByteNetwork
from dnnexplain.policies.training.recipe import Recipe
from dnnexplain.policies.training.rollout import BatchEnvironment, Rollout
from dnnexplain.policies.training.teacher import project

__all__ = ["Lesson", "follow_gradient", "imitate", "make_optimizer", "published_step"]

_IMITATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the teacher wants in one iteration.

    Args:
        weight: of imitation beside the policy gradient.
        strengths: of the rules, in the order of ``Rollout.truths``.
    """

    weight: float
    strengths: tuple[float, ...]

    def loss(self, logp: torch.Tensor, rollout: Rollout, chosen: NDArray[np.int64]) -> torch.Tensor:
        """Cross-entropy from the teacher to the student, mean over the chosen decisions.

        The teacher is the student's distribution of this moment projected onto the rules; no gradient
        flows into it (Hu et al. 2016, Equations 2 and 4).
        """
        if rollout.truths is None:
            msg = "the rollout was made without rules; pass them to roll_out"
            raise ValueError(msg)
        truths = rollout.truths[chosen].astype(np.float64)
        student = logp.detach().exp().double().numpy()
        teacher = project(
            student, [truths[:, i] for i in range(truths.shape[1])], self.strengths, valid=rollout.valid[chosen]
        )
        return -(torch.from_numpy(teacher).float() * logp).sum(dim=1).mean()


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam; for the published recipe RMSProp with its decay, 1e-9 under the root as 3.2e-5 beside it."""
    if recipe.as_published:
        return torch.optim.RMSprop(module.parameters(), lr=recipe.learning_rate, alpha=0.9, eps=1e-9**0.5)
    return torch.optim.Adam(module.parameters(), lr=recipe.learning_rate)


def imitate(
    network: ByteNetwork,
    optimizer: torch.optim.Optimizer,
    environment: BatchEnvironment,
    rule: str,
    rng: np.random.Generator,
) -> float:
    """Run a rule to the end and learn its actions by cross-entropy; returns the last batch's loss."""
    seen: list[NDArray[np.uint8]] = []
    done: list[NDArray[np.int64]] = []
    while len(rows := environment.active()):
        actions = environment.rule_actions(rule, rows)
        seen.append(environment.observe(rows))
        done.append(actions)
        environment.step(actions, rows)
    pictures, labels = np.concatenate(seen), torch.from_numpy(np.concatenate(done))
    loss = torch.zeros(())
    for chosen in np.array_split(rng.permutation(len(pictures)), max(1, len(pictures) // _IMITATION_BATCH)):
        loss = nn.functional.cross_entropy(network(pictures[chosen]), labels[chosen])
        _descend(optimizer, loss)
    return float(loss.detach())


def follow_gradient(
    network: ByteNetwork,
    optimizer: torch.optim.Optimizer,
    rollout: Rollout,
    advantages: NDArray[np.float64],
    recipe: Recipe,
    entropy: float,
    rng: np.random.Generator,
    lesson: Lesson | None = None,
) -> float:
    """Clipped policy gradient (Schulman et al. 2017) over decisions that had a choice; returns entropy.

    With a ``lesson``, the student learns from its reward and from its teacher at once.
    """
    scaled = advantages / (advantages.std() + 1e-8)
    open_rows = np.flatnonzero(rollout.valid.sum(axis=1) > 1)
    spread = 0.0
    for _ in range(recipe.epochs):
        for chosen in np.array_split(rng.permutation(open_rows), max(1, len(open_rows) // recipe.batch)):
            logp = _log_policy(network, rollout, chosen)
            taken = logp.gather(1, torch.from_numpy(rollout.actions[chosen])[:, None])[:, 0]
            ratio = (taken - torch.from_numpy(rollout.log_probability[chosen])).exp()
            gain = torch.from_numpy(scaled[chosen]).float()
            clipped = ratio.clamp(1 - recipe.clip, 1 + recipe.clip)
            uncertainty = -(logp.exp() * logp).sum(dim=1).mean()
            loss = -torch.min(ratio * gain, clipped * gain).mean() - entropy * uncertainty
            if lesson is not None and lesson.weight > 0:
                loss = loss + lesson.weight * lesson.loss(logp, rollout, chosen)
            _descend(optimizer, loss)
            spread = float(uncertainty.detach())
    return spread


def published_step(
    network: ByteNetwork, optimizer: torch.optim.Optimizer, rollout: Rollout, advantages: NDArray[np.float64]
) -> float:
    """One gradient of the mean over all decisions of log-probability times advantage; returns entropy."""
    logp = _log_policy(network, rollout, np.arange(len(rollout.actions)))
    taken = logp.gather(1, torch.from_numpy(rollout.actions)[:, None])[:, 0]
    _descend(optimizer, -(taken * torch.from_numpy(advantages).float()).mean())
    return float(-(logp.exp() * logp).sum(dim=1).mean().detach())


def _log_policy(network: ByteNetwork, rollout: Rollout, chosen: NDArray[np.int64]) -> torch.Tensor:
    """Log-probabilities, masked with a large finite number so that 0 times log 0 stays 0."""
    logits = network(rollout.pictures[chosen])
    return torch.log_softmax(logits.masked_fill(~torch.from_numpy(rollout.valid[chosen]), -1e9), dim=1)


def _descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
