"""What a policy does in a changed state, and what the oracle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Box,
    Costed,
    DecisionOracle,
    Discrete,
    DnnExplainError,
    EpisodeSystem,
    ExactLosses,
    MultiBinary,
    NetworkPolicy,
    Policy,
    Space,
    State,
    System,
    ValidByKnobs,
    need,
)
from dnnexplain.explain.decisions.decision import decide, probabilities, valid_of
from dnnexplain.results import register

__all__ = ["WORSE", "Answers", "Examiner", "Kind", "Verdict", "classify"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-9


class Kind(StrEnum):
    """What a flip is.

    ``ADVERSARIAL``: the new decision is worse, by the oracle, than the old one was before.
    ``DOMAIN``: the new decision is right: the change moved the true best decision, and the policy followed.
    ``HARMLESS``: old and new decision are equally good after the change.
    ``NO_WORSE``: the new decision is wrong, but no more so than the old one was before.
    ``ESTIMATED``: the new decision is worse by losses that the oracle does not prove, however long it takes (on a grid, say).
    ``UNDECIDED``: the oracle ran out of time, or what it says is no proof.
    """

    ADVERSARIAL = "adversarial"
    ESTIMATED = "worse by an estimate"
    DOMAIN = "domain change"
    HARMLESS = "harmless"
    NO_WORSE = "no worse"
    UNDECIDED = "undecided"


WORSE = (Kind.ADVERSARIAL, Kind.ESTIMATED)
"""What an attack looks for; which of the two it can be lies with the system's oracle."""


@register
@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision beside the truth.

    Attributes:
        action, name: what the policy does: an index, numbers, or which switches are on; and in words.
        probability: of that action; NaN where numbers are set.
        best_actions, best_names: the actions whose best continuation is optimal; where they cannot be listed, one of
            them, and the policy's own if it loses nothing.
        loss: how much worse the action's best continuation is than the best one's.
        losses: the same for every action, NaN where invalid; where they cannot be listed, of the policy's own.
        exact: whether the oracle proved all of it.
        unit: of the loss.
        estimated: whether the losses are the oracle's whole word, but not proved.
    """

    action: Any
    name: str
    probability: float
    best_actions: tuple[Any, ...]
    best_names: tuple[str, ...]
    loss: float
    losses: tuple[float, ...]
    exact: bool
    unit: str
    estimated: bool = False


@dataclass(frozen=True, eq=False)
class Answers:
    """What the policy does in a batch of states: actions ``[B]`` or ``[B, A]``, and the margin towards a flip ``[B]``.

    Above 0 the decision flips. Of a choice it is the best score among the actions wished for minus the present
    action's (logits of a network; actions that are not valid do not count); of switches the largest log-odds of a
    switch being the other way; of numbers the largest change beyond the tolerance. ``probability`` is that of the
    action taken ``[B]``.
    """

    actions: NDArray[Any]
    margin: Floats
    probability: Floats


class Examiner:
    """Asks a policy and the oracle about changed states of one state.

    Args:
        system: must have an oracle: ``judge`` of a choice (``DecisionOracle``), else ``losses`` (``Costed``).
        policy: a network or a rule.
        base: the state before.
        target: the action that is wished for, in the space's form; any other than the present one if ``None``.
        judge_seconds: for the oracle, per state.
        amount: of numbers, by how much one must change for the decision to be another one, in its unit; the space's
            own word (``Box.another``) if not given.

    Raises:
        DnnExplainError: the system has no oracle, the policy does not fit it, or an amount that no number can change by.
    """

    def __init__(
        self,
        system: System,
        policy: Policy,
        base: State,
        target: Any = None,
        judge_seconds: float = 2.0,
        amount: float | None = None,
    ) -> None:
        ability = DecisionOracle if isinstance(system.output, Discrete) else Costed
        need(system, ability, "telling which change of a decision is adversarial")
        self.system, self.policy, self.base, self.target = system, policy, base, target
        self.judge_seconds = judge_seconds
        self.judged = 0
        self._memory: dict[bytes, Verdict] = {}
        self.space = system.output
        self.amount = _amount(system.output, amount)
        self.action: Any = decide(system, policy, base).taken
        self.before = self.verdict(base.values)

    def observe(self, values: Floats) -> NDArray[np.float32]:
        """Observations of states ``[B, K]`` on the base's background."""
        return self.system.encode(values, self.base.background)

    def ask(self, values: Floats) -> Answers:
        """The policy's decisions in states ``[B, K]``."""
        seen = self.observe(values)
        outputs = np.asarray(self.policy.outputs(seen), dtype=np.float64)
        valid = self._valid(values, seen)
        actions = self.space.decide(outputs, valid)
        return Answers(actions, self._margin(outputs, actions, valid), self._likely(outputs, actions, valid))

    def _margin(self, outputs: Floats, actions: NDArray[Any], valid: NDArray[np.bool_]) -> Floats:
        if isinstance(self.space, MultiBinary):
            wished = ~np.asarray(self.action) if self.target is None else np.asarray(self.target)
            towards = np.where(valid, np.where(wished, outputs, -outputs), -np.inf if self.target is None else np.inf)
            return np.asarray(towards.max(axis=1) if self.target is None else towards.min(axis=1))
        if isinstance(self.space, Box):
            other = self.action if self.target is None else self.target
            apart = np.abs(actions - other).max(axis=1) - self.amount
            return np.asarray(apart if self.target is None else -apart)
        scores = np.where(valid, outputs, -np.inf)
        own = scores[:, self.action]
        if self.target is None:
            scores[:, self.action] = -np.inf
            wished = scores.max(axis=1)
        else:
            wished = scores[:, self.target]
        margin = np.where(np.isinf(wished), -np.inf, np.inf)
        np.subtract(wished, own, out=margin, where=np.isfinite(wished) & np.isfinite(own))
        return margin

    def _likely(self, outputs: Floats, actions: NDArray[Any], valid: NDArray[np.bool_]) -> Floats:
        if isinstance(self.space, Discrete):
            likely = probabilities(self.policy, outputs, valid)
            return np.asarray(likely[np.arange(len(actions)), actions], dtype=np.float64)
        known = self.space.log_probability(outputs, actions, valid) if isinstance(self.policy, NetworkPolicy) else None
        if known is not None:
            return np.asarray(np.exp(known), dtype=np.float64)
        return np.full(len(actions), np.nan if isinstance(self.space, Box) else 1.0)

    def flipped(self, answers: Answers) -> NDArray[np.bool_]:
        """Which decisions are others than before, and the wished one if there is one ``[B]``."""
        changed = ~self.space.same(answers.actions, self.action)
        if isinstance(self.space, Box):
            changed = np.abs(answers.actions - self.action).max(axis=1) > self.amount * (1 + 1e-12)
        if self.target is not None:
            changed &= self.space.same(answers.actions, self.target)
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
        if not isinstance(self.space, Discrete):
            return self._weigh(state, answers.actions[row], float(answers.probability[row]))
        assert isinstance(self.system, DecisionOracle)
        judgement = self.system.judge(state, seconds=self.judge_seconds)
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
            losses=tuple(float(item) for item in judgement.loss),
            exact=bool(judgement.exact),
            unit=judgement.unit,
            estimated=bool(judgement.final and not judgement.exact and np.isfinite(loss)),
        )

    @property
    def _exact(self) -> bool:
        """Whether the losses are proved, by the system's own word."""
        return isinstance(self.system, ExactLosses) and self.system.losses_exact

    def _weigh(self, state: State, action: NDArray[Any], likely: float) -> Verdict:
        """The word of an oracle that answers for the actions it is asked about."""
        assert isinstance(self.system, Costed)
        best = np.asarray(self.system.best_action(state, seconds=self.judge_seconds))
        own, least = self.system.losses(state, np.stack([action, best]), seconds=self.judge_seconds)
        right = [best, action] if own <= TOLERANCE and not (action == best).all() else [best]
        return Verdict(
            action=tuple(action.tolist()),
            name=self.space.tell(action),
            probability=likely,
            best_actions=tuple(tuple(item.tolist()) for item in right),
            best_names=tuple(dict.fromkeys(self.space.tell(item) for item in right)),
            loss=float(own),
            losses=(float(own),),
            exact=bool(self._exact and np.isfinite(own) and abs(least) <= TOLERANCE),
            unit=self.system.cost_name if isinstance(self.system, EpisodeSystem) else "",
            estimated=bool(not self._exact and np.isfinite(own)),
        )

    def _valid(self, values: Floats, seen: NDArray[np.float32]) -> NDArray[np.bool_]:
        if isinstance(self.system, ValidByKnobs) and getattr(self.policy, "masked", True):
            return np.asarray(self.system.valid_values(values), dtype=np.bool_)
        return valid_of(self.system, self.policy, seen)


def classify(before: Verdict, after: Verdict) -> Kind:
    """What a flip from one decision to another is; ``loss`` of an oracle without proof is a lower bound."""
    if before.exact and after.loss > before.loss + TOLERANCE and after.action not in after.best_actions:
        return Kind.ADVERSARIAL
    if before.estimated and (after.estimated or after.exact) and after.loss > before.loss + TOLERANCE:
        return Kind.ESTIMATED
    if not (before.exact and after.exact):
        return Kind.UNDECIDED
    if after.action in after.best_actions:
        return Kind.HARMLESS if before.action in after.best_actions else Kind.DOMAIN
    return Kind.NO_WORSE


def _amount(space: Space, amount: float | None) -> float:
    """By how much a number must change."""
    if not isinstance(space, Box):
        if amount is not None:
            msg = (
                "amount says by how much a number must change; this system's decisions are no numbers, so leave it out"
            )
            raise DnnExplainError(msg)
        return 0.0
    if amount is None:
        return space.another
    low, high = space.bounds
    reach = float((high - low).max())
    if not 0 < amount < reach:
        msg = f"amount must be above 0 and below {reach:g}, the most that a number can change, not {amount:g}"
        raise DnnExplainError(msg)
    return float(amount)
