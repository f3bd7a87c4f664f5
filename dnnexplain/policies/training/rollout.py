"""Many episodes of one network at once: what it saw, what it did, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain.policies.sparse import ByteNetwork

__all__ = ["BatchEnvironment", "Rollout", "SoftRule", "join_rollouts", "roll_out", "sample_actions"]


class BatchEnvironment(Protocol):
    """What training asks of a simulator: chosen rows of a batch of episodes."""

    scale: float

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which episodes have ended ``[B]``."""
        ...

    @property
    def time(self) -> NDArray[np.int32]:
        """The clock of each episode ``[B]``."""
        ...

    def active(self) -> NDArray[np.int64]:
        """Rows that have not ended."""
        ...

    def observe(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures of the rows as bytes; times ``scale`` they are the network's input."""
        ...

    def valid(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Valid actions of the rows ``[rows, A]``."""
        ...

    def step(self, actions: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Act in the rows; returns rewards ``[rows]``."""
        ...

    def rule_actions(self, rule: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """What a rule does in the rows, for imitation."""
        ...


class SoftRule(Protocol):
    """A rule as a soft constraint."""

    @property
    def name(self) -> str:
        """For reports; names the rule and its numbers."""
        ...

    def truth(
        self,
        environment: BatchEnvironment,
        rows: NDArray[np.int64],
        pictures: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """How true it is of each action, 0 to 1 ``[rows, A]``.

        Args:
            environment: whose episodes stand in the states asked about.
            rows: which episodes.
            pictures: of these states, bytes ``[rows, *shape]``.
            valid: allowed actions ``[rows, A]``.
        """
        ...


@dataclass(frozen=True, eq=False)
class Rollout:
    """``N`` decisions of ``B`` episodes, in the order in which they were taken.

    Attributes:
        pictures: bytes ``[N, *shape]``.
        valid: allowed actions ``[N, A]``; all true when unmasked.
        actions, episode, time, index, rewards: ``[N]``; ``time`` is the clock at the decision and
            ``index`` counts the episode's decisions.
        log_probability: of the action, under the policy that took it ``[N]``.
        episodes: ``B``.
        truths: how true each of ``L`` soft rules is of each action ``[N, L, A]``; ``None`` without rules.
    """

    pictures: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    actions: NDArray[np.int64]
    episode: NDArray[np.int64]
    time: NDArray[np.int64]
    index: NDArray[np.int64]
    rewards: NDArray[np.float64]
    log_probability: NDArray[np.float32]
    episodes: int
    truths: NDArray[np.float32] | None = None


def sample_actions(
    logits: torch.Tensor, valid: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw one valid action per row; also its log probability."""
    masked = logits.masked_fill(~torch.from_numpy(valid), float("-inf"))
    logp = torch.log_softmax(masked, dim=1).numpy()
    cumulative = np.exp(logp, dtype=np.float64).cumsum(axis=1)
    draws = rng.random(len(logp))[:, None] * cumulative[:, -1:]
    actions = (cumulative <= draws).sum(axis=1)
    return actions, logp[np.arange(len(logp)), actions]


def roll_out(
    environment: BatchEnvironment,
    module: nn.Module,
    rng: np.random.Generator,
    *,
    masked: bool = True,
    action_limit: int | None = None,
    rules: Sequence[SoftRule] = (),
) -> Rollout:
    """Run every episode of a fresh environment to its end, drawing actions from the network.

    Args:
        environment: reset; its episodes end by themselves or are cut after ``action_limit`` actions.
        module: maps ``[B, *shape]`` to ``[B, A]``.
        rng: draws the actions.
        masked: leave invalid actions out.
        action_limit: actions per episode at most, as in the original's training.
        rules: asked in every state how true they are of each action; they draw nothing.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    network = ByteNetwork(module, environment.scale)
    step = 0
    with torch.no_grad():
        while len(rows := environment.active()) and (action_limit is None or step < action_limit):
            pictures = environment.observe(rows)
            logits = network(pictures)
            valid = environment.valid(rows) if masked else np.ones(logits.shape, dtype=np.bool_)
            actions, logp = sample_actions(logits, valid, rng)
            truths = [rule.truth(environment, rows, pictures, valid) for rule in rules]  # before the state moves on
            clock = environment.time[rows].astype(np.int64)
            rewards = environment.step(actions, rows)
            count = np.full(len(rows), step)
            parts.append(
                {
                    "pictures": pictures,
                    "valid": valid,
                    "actions": actions,
                    "episode": rows,
                    "time": clock,
                    "index": count,
                    "rewards": rewards,
                    "log_probability": logp,
                    **({"truths": np.stack(truths, axis=1).astype(np.float32)} if truths else {}),
                }
            )
            step += 1
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Rollout(**columns, episodes=len(environment.done))


def join_rollouts(rollouts: Sequence[Rollout]) -> Rollout:
    """Rollouts of different episodes as one; the episodes are numbered on."""
    first = np.cumsum([0, *(part.episodes for part in rollouts)])
    names = ["pictures", "valid", "actions", "time", "index", "rewards", "log_probability"]
    if all(part.truths is not None for part in rollouts):
        names.append("truths")
    columns = {name: np.concatenate([getattr(part, name) for part in rollouts]) for name in names}
    episode = np.concatenate([part.episode + start for part, start in zip(rollouts, first, strict=False)])
    return Rollout(**columns, episode=episode, episodes=int(first[-1]))
