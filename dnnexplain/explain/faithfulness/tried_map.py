"""A map on trial: the question asked again on a private network, and the states that it is tried in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Policy, State, System, Target
from dnnexplain.explain.attribution.captum_question import CaptumQuestion, ResolvedQuestion, ask
from dnnexplain.explain.attribution.maps import Attribution
from dnnexplain.explain.attribution.methods import Method, method_named
from dnnexplain.explain.decisions.decision import decide_observed, observe
from dnnexplain.explain.decisions.real_changes import (
    FEW_OBJECTS,
    MOST_OBJECTS,
    Intervention,
    physical_reference,
    predicted,
    without,
)
from dnnexplain.explain.networks.hooks import tensor

__all__ = ["Case"]

_NONE = float("nan")

_AT_ONCE = 1 << 22
"""So many numbers a block of changed states may have, as inputs or as outputs."""


@dataclass(frozen=True, eq=False)
class Case:
    """A map on trial, with a private network and everything that several figures need."""

    system: System
    policy: Policy
    attribution: Attribution
    entry: Method
    question: ResolvedQuestion
    observation: NDArray[np.float32]
    seed: int
    full: bool

    @classmethod
    def of(
        cls, system: System, policy: Policy, attribution: Attribution, *, seed: int, full: bool, target: Target | None
    ) -> Case:
        """Ask the map's question again."""
        state = attribution.decision.state
        resolved = ask(
            system,
            policy,
            state,
            target=target or attribution.target,
            baseline=attribution.references,
            seed=attribution.question.seed or 0,
            settings=attribution.question.settings,
        )
        seen = resolved.observation
        return cls(system, policy, attribution, method_named(attribution.method), resolved, seen, seed, full)

    @property
    def state(self) -> State:
        """The state explained."""
        return self.attribution.decision.state

    @property
    def skipped(self) -> bool:
        """Whether the method is too slow to be repeated in a light badge."""
        return self.entry.heavy and not self.full

    @cached_property
    def reference(self) -> tuple[str, NDArray[np.float64]]:
        """The baseline as a state: its name and knob values ``[K]``."""
        return physical_reference(self.system, self.state, self.attribution.baseline, self.attribution.references)

    def paint(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Observations of changed states, with this state's background."""
        return observe(self.system, [State(row, self.state.background) for row in values])

    def weights(self, after: NDArray[np.float32]) -> NDArray[np.float64]:
        """See :func:`predicted`."""
        mean = self.attribution.references.mean(axis=0, dtype=np.float64)
        return predicted(self.observation, after, mean, str(self.entry.measure))

    def losses(self, after: NDArray[np.float32]) -> NDArray[np.float64]:
        """``F(state) - F(changed)`` for each changed observation ``[n]``."""
        problem, seen = self.question.problem, np.concatenate([self.observation[None], after])
        values = problem.values(tensor(seen), torch.zeros(len(seen), dtype=torch.long)).numpy()
        return np.asarray(values[0] - values[1:])

    @property
    def problem(self) -> CaptumQuestion:
        """The question with fewer references, for what has to be computed many times."""
        return self.question.problem.first_pairs(16 if self.full else 4)

    def map_of(self, inputs: Tensor, module: nn.Module | None = None) -> Tensor:
        """The method's maps at other inputs ``[N, *observation_shape]``, or of another network.

        A light badge limits steps and samples.
        """
        problem = self.problem
        settings = dict(problem.settings)
        if self.attribution.steps is not None:
            name, most = ("steps", 32) if self.attribution.method == "integrated-gradients" else ("samples", 16)
            settings[name] = self.attribution.steps if self.full else min(self.attribution.steps, most)
        return self.entry.apply(replace(problem, settings=settings, module=module or problem.module).at(inputs)).map

    @cached_property
    def interventions(self) -> tuple[Intervention, ...]:
        """Every object put back to the baseline, one at a time; of very many, some drawn at random."""
        drawn = MOST_OBJECTS if self.full else FEW_OBJECTS
        names, rows = without(self.system, self.state, self.reference[1], drawn=drawn)
        size = max(1, _AT_ONCE // max(self.observation.size, len(self.system.output.names)))
        blocks = [slice(first, first + size) for first in range(0, len(names), size)]
        return tuple(chain.from_iterable(self._put_back(names[block], rows[block]) for block in blocks))

    def _put_back(self, names: list[str], rows: NDArray[np.float64]) -> list[Intervention]:
        """What each of some changed states ``rows [n, K]`` does."""
        after, before = self.paint(rows), self.attribution.decision
        foretold = (self.weights(after) * self.attribution.map).reshape(len(names), -1).sum(axis=1)
        lost = self.losses(after)
        gone = [bool((row[row != self.state.values] == 0.0).all()) for row in rows]
        if before.probabilities is None or before.action is None:
            shares: list[tuple[float, float, int | None]] = [(_NONE, _NONE, None)] * len(names)
        else:
            states, now = (
                [State(row, self.state.background) for row in rows],
                float(before.probabilities[before.action]),
            )
            then = [
                (decision.probabilities, decision.action)
                for decision in decide_observed(self.system, self.policy, states, after)
            ]
            shares = [(now, _NONE if p is None else float(p[before.action]), action) for p, action in then]
        rest = zip(names, gone, foretold.tolist(), lost.tolist(), shares, strict=True)
        return [Intervention(name, left, said, real, *share) for name, left, said, real, share in rest]
