"""What a policy does in a changed state, and what the oracle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import DecisionOracle, Discrete, DnnExplainError, Policy, State, System
from dnnexplain.explain.decision import decide, probabilities, valid_of
from dnnexplain.results import register

__all__ = ["Answers", "Kind", "Verdict", "Witness", "classify"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-9


class Kind(StrEnum):
    """What a flip is.

    ``ADVERSARIAL``: the new decision is worse, by the oracle, than the old one was before.
    ``DOMAIN``: the new decision is right: the change moved the true best decision, and the policy followed.
    ``HARMLESS``: old and new decision are equally good after the change.
    ``NO_WORSE``: the new decision is wrong, but no more so than the old one was before.
    ``UNDECIDED``: the oracle ran out of time.
    """

    ADVERSARIAL = "adversarial"
    DOMAIN = "domain change"
    HARMLESS = "harmless"
    NO_WORSE = "no worse"
    UNDECIDED = "undecided"


@register
@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision beside the truth.

    Attributes:
        action, name: what the policy does, by index and in words.
        probability: of that action.
        best_actions, best_names: the actions whose best continuation is optimal.
        loss: how much worse the action's best continuation is than the best one's.
        losses: the same for every action; NaN where invalid.
        exact: whether the oracle proved all of it.
        unit: of the loss.
    """

    action: int
    name: str
    probability: float
    best_actions: tuple[int, ...]
    best_names: tuple[str, ...]
    loss: float
    losses: tuple[float, ...]
    exact: bool
    unit: str


@dataclass(frozen=True, eq=False)
class Answers:
    """What the policy does in a batch of states: actions ``[B]``, and the margin towards a flip ``[B]``.

    The margin is the best score among the actions wished for minus the present action's; above 0 the
    decision flips. Scores are logits of a network; actions that are not valid do not count.
    ``probability`` is that of the action taken ``[B]``.
    """

    actions: NDArray[np.int64]
    margin: Floats
    probability: Floats


class Witness:
    """Asks a policy and the oracle about changed states of one state.

    Args:
        system: must have an oracle (``judge``) and a choice as output.
        policy: a network or a rule.
        base: the state before.
        target: the action that is wished for; any other than the present one if ``None``.
        judge_seconds: for the oracle, per state.

    Raises:
        DnnExplainError: the system has no oracle or emits no choice, or the policy does not fit it.
    """

    def __init__(
        self, system: System, policy: Policy, base: State, target: int | None = None, judge_seconds: float = 2.0
    ) -> None:
        if not isinstance(system.output, Discrete) or not hasattr(system, "judge"):
            msg = (
                f"{system.name} has no oracle for single decisions (judge), so what is adversarial in it cannot be said"
            )
            raise DnnExplainError(msg)
        self.system, self.policy, self.base, self.target = system, policy, base, target
        self.judge_seconds = judge_seconds
        self.judged = 0
        self._memory: dict[bytes, Verdict] = {}
        decision = decide(system, policy, base)
        assert decision.action is not None
        self.action = int(decision.action)
        self.before = self.verdict(base.values)

    def observe(self, values: Floats) -> NDArray[np.float32]:
        """Observations of states ``[B, K]`` on the base's background."""
        return self.system.encode(values, self.base.background)

    def ask(self, values: Floats) -> Answers:
        """The policy's decisions in states ``[B, K]``."""
        seen = self.observe(values)
        outputs = np.asarray(self.policy.outputs(seen), dtype=np.float64)
        valid = self._valid(values, seen)
        actions = sampling.choose(outputs, valid)
        scores = np.where(valid, outputs, -np.inf)
        own = scores[:, self.action]
        if self.target is None:
            scores[:, self.action] = -np.inf
            wished = scores.max(axis=1)
        else:
            wished = scores[:, self.target]
        margin = np.where(np.isinf(wished), -np.inf, np.inf)
        np.subtract(wished, own, out=margin, where=np.isfinite(wished) & np.isfinite(own))
        likely = probabilities(self.policy, outputs, valid)[np.arange(len(actions)), actions]
        return Answers(actions, margin, likely)

    def flipped(self, answers: Answers) -> NDArray[np.bool_]:
        """Which decisions are others than before, and the wished one if there is one ``[B]``."""
        changed = answers.actions != self.action
        if self.target is not None:
            changed &= answers.actions == self.target
        return np.asarray(changed, dtype=np.bool_)

    def verdict(self, values: Floats, answers: Answers | None = None, row: int = 0) -> Verdict:
        """The policy's decision in one state ``[K]`` and the oracle's word on it; remembered.

        Args:
            values: the state.
            answers: what the policy said, where it was asked about the state already, as number ``row``.
        """
        key = values.tobytes()
        if key not in self._memory:
            self.judged += 1
            known = self.ask(values[None]) if answers is None else answers
            self._memory[key] = self._judge(values, known, row)
        return self._memory[key]

    def _judge(self, values: Floats, answers: Answers, row: int) -> Verdict:
        state = State(values, self.base.background)
        judgement = cast("DecisionOracle", self.system).judge(state, seconds=self.judge_seconds)
        action = int(answers.actions[row])
        names = self.system.output.names
        loss = float(judgement.loss[action])
        if np.isnan(loss):
            # An unmasked policy may pick an action that the system takes for a wait, or at worst refuses.
            stands_for = names.index("wait") if "wait" in names else int(np.nanargmax(judgement.loss))
            loss = float(judgement.loss[stands_for])
        return Verdict(
            action=action,
            name=names[action],
            probability=float(answers.probability[row]),
            best_actions=tuple(int(best) for best in judgement.best),
            best_names=tuple(names[best] for best in judgement.best),
            loss=loss,
            losses=tuple(float(one) for one in judgement.loss),
            exact=bool(judgement.exact),
            unit=judgement.unit,
        )

    def _valid(self, values: Floats, seen: NDArray[np.float32]) -> NDArray[np.bool_]:
        quick: Any = getattr(self.system, "valid_values", None)
        if quick is not None and getattr(self.policy, "masked", True):
            return np.asarray(quick(values), dtype=np.bool_)
        return valid_of(self.system, self.policy, seen)


def classify(before: Verdict, after: Verdict) -> Kind:
    """What a flip from one decision to another is; ``loss`` of an oracle without proof is a lower bound."""
    if before.exact and after.loss > before.loss + TOLERANCE and after.action not in after.best_actions:
        return Kind.ADVERSARIAL
    if not (before.exact and after.exact):
        return Kind.UNDECIDED
    if after.action in after.best_actions:
        return Kind.HARMLESS if before.action in after.best_actions else Kind.DOMAIN
    return Kind.NO_WORSE
