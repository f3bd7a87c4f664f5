"""Whether one decision is optimal, and by how much it is not: the oracle's word on what a policy does in a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnnexplain.contract import Costed, DecisionOracle, Discrete, ExactLosses, Policy, State, System
from dnnexplain.explain.decisions.decision import observe, valid_of
from dnnexplain.numbers import TRIFLE, with_unit
from dnnexplain.registry import spec_of

__all__ = ["Optimality", "judged", "optimality"]


@dataclass(frozen=True, slots=True)
class Optimality:
    """What a decision costs beside the best one.

    Attributes:
        loss: how much worse its best continuation is than that of the best decision, at least 0.
        unit: of the loss.
        proved: whether the losses come from a proved optimum; else they are estimates or bounds.
        best: the best actions by name, where there are names.
    """

    loss: float
    unit: str
    proved: bool
    best: tuple[str, ...] = ()

    @property
    def optimal(self) -> bool:
        """Whether nothing is lost."""
        return self.loss <= 1e-9

    def sentence(self) -> str:
        """In words, with what is known of the proof."""
        how = "proved" if self.proved else "as far as is known, not proved"
        if self.optimal:
            return f"The decision is optimal here ({how})."
        best = f"Best is {' or '.join(self.best)}; the" if self.best else "The"
        return f"{best} decision costs {self.more} than the best ({how})."

    @property
    def more(self) -> str:
        """``0.742 steps more``; a trifle has no digits."""
        small = self.loss < TRIFLE
        return f"{'under ' if small else ''}{with_unit(TRIFLE if small else self.loss, self.unit)} more"


def judged(system: System) -> bool:
    """Whether a system's oracle judges single decisions."""
    return isinstance(system, Costed) or (isinstance(system, DecisionOracle) and isinstance(system.output, Discrete))


def optimality(system: System, policy: Policy, state: State, *, seconds: float = 10.0) -> Optimality | None:
    """What a policy's decision in a state loses; ``None`` if the system has no oracle for it, or knows no answer.

    Args:
        system, policy, state: the decision.
        seconds: at most about this long; what is not proved by then says so.
    """
    seen = observe(system, [state])
    outputs = np.asarray(policy.outputs(seen))
    if isinstance(system, DecisionOracle) and isinstance(system.output, Discrete):
        action = int(system.output.decide(outputs, valid_of(system, policy, seen))[0])
        judgement = system.judge(state, seconds=seconds)
        loss = float(judgement.loss[action])
        names = tuple(system.output.names[item] for item in judgement.best)
        return None if np.isnan(loss) else Optimality(loss, judgement.unit, judgement.exact, names)
    if isinstance(system, Costed):
        valid = valid_of(system, policy, seen) if isinstance(system.output, Discrete) else None
        action_taken = system.output.decide(outputs, valid)
        loss = float(system.losses(state, action_taken, seconds=seconds)[0])
        exact = isinstance(system, ExactLosses) and system.losses_exact
        return None if np.isnan(loss) else Optimality(loss, spec_of(system).cost.unit, exact)
    return None
