"""A policy with a guard around it: the policy itself is untouched, and every stepping in is counted and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Box, Choice, Course, Discrete, DnnExplainError, Policy, System
from dnnexplain.counts import counted
from dnnexplain.explain.guards.guard import Guard
from dnnexplain.explain.guards.memory import Memory
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.gone import instead
from dnnexplain.numbers import percent

__all__ = ["Guarded", "StepsIn", "told_steps"]

FIRM = 1e3
"""Raw output of what a guard chooses: drawn with probability one to the last bit, even where actions are drawn."""

Outputs = Callable[[NDArray[Any]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class StepsIn:
    """How often a guard decided.

    Attributes:
        decisions: that were asked for.
        by_rule: in how many of them each of the guard's rules decided.
        changed: in how many its decision was another one than the policy's.
        rule_words: the guard's rules in words.
    """

    decisions: int
    by_rule: tuple[int, ...]
    changed: int
    rule_words: tuple[str, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """The old name of ``rule_words``."""
        instead("StepsIn.told", "rule_words")
        return self.rule_words

    @property
    def share(self) -> float:
        """Of the decisions, those in which a rule decided."""
        return sum(self.by_rule) / self.decisions if self.decisions else 0.0

    @property
    def share_changed(self) -> float:
        """Of the decisions, those in which a rule decided otherwise than the policy."""
        return self.changed / self.decisions if self.decisions else 0.0

    @property
    def words(self) -> str:
        """In a sentence or two."""
        if not self.decisions:
            return "The guard was never asked."
        if not any(self.by_rule):
            return f"The guard never stepped in ({counted(self.decisions, 'decision')})."
        parts = [
            f"{percent(n / self.decisions)} {rule}" for n, rule in zip(self.by_rule, self.rule_words, strict=True) if n
        ]
        return (
            f"The guard decided {percent(self.share)} of {counted(self.decisions, 'decision')}, "
            f"{percent(self.share_changed)} otherwise than the network: {'; '.join(parts)}."
        )

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        rules = [{"rule": rule, "decisions": count} for rule, count in zip(self.rule_words, self.by_rule, strict=True)]
        return {
            "decisions": self.decisions,
            "stepped_in": self.share,
            "changed": self.share_changed,
            "rules": rules,
            "words": self.words,
        }


class Guarded:
    """A policy that is followed except where a guard's rules hold; see :class:`Guard`.

    A rule with a memory remembers episode by episode, as whoever runs them asks by ``contract.in_episodes``.

    It has no ``module``: gradients of the network say nothing of what the guard decides, so searches treat it as
    what it is, a function that can be asked.

    Args:
        policy: of any space; it is asked as ever, and not changed.
        guard: made for the same system.
        system: tells the quantities and the rules.
        compare: whether to count where the guard decides otherwise than the policy, which takes a little longer.

    Raises:
        DnnExplainError: a guard of another system, or one that names a quantity, rule or action that is not there.
    """

    def __init__(self, policy: Policy, guard: Guard, system: System, *, compare: bool = True) -> None:
        if guard.system != system.name:
            msg = f"the guard was made for {guard.system}, not for {system.name}"
            raise DnnExplainError(msg)
        self.policy, self.guard, self.system, self.compare = policy, guard, system, compare
        self.quantities = quantities_of(system)
        self.name = f"{policy.name} with a guard"
        self.masked = bool(getattr(policy, "masked", True))
        self.checkpoint = f"{getattr(policy, 'checkpoint', '')}+guard:{guard.digest}"
        self.assumed = (*getattr(policy, "assumed", ()), *_strangers(policy, guard))
        self.rule_words = tuple(rule.words(self.quantities) for rule in guard.rules)
        self._instead = [_doing(system, rule.do) for rule in guard.rules]
        for rule in guard.rules:
            rule.when.columns(self.quantities.names)
            if rule.stay is not None and rule.stay.until is not None:
                rule.stay.until.columns(self.quantities.names)
        if guard.remembers:
            self.begin = self._begin
        if hasattr(policy, "outputs_of_bytes"):
            self.outputs_of_bytes = self._of_bytes
        self.forget()

    def copy(self) -> Guarded:
        """One with a policy of its own, counting from zero; the guard and the system are the same."""
        policy: Any = self.policy
        inside = policy.copy() if hasattr(policy, "copy") else deepcopy(policy)
        return Guarded(inside, self.guard, self.system, compare=self.compare)

    def forget(self) -> None:
        """Count from zero."""
        self._decisions, self._changed = 0, 0
        self._by_rule = np.zeros(len(self.guard.rules), dtype=np.int64)

    @property
    def told(self) -> tuple[str, ...]:
        """The old name of ``rule_words``."""
        instead("Guarded.told", "rule_words")
        return self.rule_words

    @property
    def steps_in(self) -> StepsIn:
        """What was counted since the beginning, or since :meth:`forget`."""
        return StepsIn(self._decisions, tuple(int(n) for n in self._by_rule), self._changed, self.rule_words)

    def deciding(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Which of the guard's rules decides in each state ``[B]``, by index; -1 where the policy does.

        Each state counts as the first of an episode: a rule with a memory does not know what came before.
        """
        return self.deciding_in(self.memory(len(observations)), observations, np.arange(len(observations)))

    def deciding_in(
        self, memory: Memory, observations: NDArray[Any], rows: NDArray[np.int64], *, keep: bool = True
    ) -> NDArray[np.int64]:
        """The same in the course of episodes; see :meth:`Memory.deciding`."""
        if not self.guard.rules or not len(observations):
            return np.full(len(observations), -1, dtype=np.int64)
        return memory.deciding(np.asarray(self.quantities(observations), dtype=np.float64), rows, keep=keep)

    def deciding_through(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Which rule decides in each state of one episode ``[T]``, from its first one on."""
        if not self.guard.remembers:
            return self.deciding(observations)
        memory, row = self.memory(1), np.zeros(1, dtype=np.int64)
        values = np.asarray(self.quantities(observations), dtype=np.float64)
        return np.concatenate([memory.deciding(values[at : at + 1], row) for at in range(len(values))])

    def memory(self, episodes: int) -> Memory:
        """Nothing remembered yet of so many episodes."""
        return Memory([self.guard.rules], self.quantities.names, np.zeros(episodes, dtype=np.int64))

    @property
    def instead(self) -> Mapping[str, Outputs]:
        """What is done where a rule decides, by its name."""
        return {rule.do: does for rule, does in zip(self.guard.rules, self._instead, strict=True)}

    @property
    def settles(self) -> int:
        """Asked about one state on end, it decides alike for ever after so many decisions (``contract.Course``)."""
        lasts = (rule.stay.decisions if rule.stay is not None else 0 for rule in self.guard.rules)
        after = (rule.after for rule in self.guard.rules)
        return max((*lasts, *after), default=0) if self.guard.remembers else 0

    def _begin(self, episodes: int) -> GuardedCourse:
        return GuardedCourse(self, episodes)

    def why(self, observation: NDArray[Any]) -> str:
        """What decides in one state ``[*observation_shape]``, in a sentence."""
        place = int(self.deciding(observation[None])[0])
        if place < 0:
            later = (
                " A rule with a memory may decide all the same, by what came before." if self.guard.remembers else ""
            )
            return f"No rule of the guard holds here, so {self.policy.name} decides.{later}"
        rule = self.guard.rules[place]
        return f"Rule {place + 1} of the guard decides, {self.rule_words[place]}." + (
            f" {rule.why}" if rule.why else ""
        )

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The policy's raw outputs ``[B, A]``, with those of the guard's rules where they hold."""
        return self.with_rules(self.policy.outputs(observations), observations, self.deciding(observations))

    def _of_bytes(self, pictures: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
        """The same for observations given as bytes, where the policy reads them faster."""
        policy: Any = self.policy
        seen = (pictures * scale).astype(np.float32)
        return self.with_rules(policy.outputs_of_bytes(pictures, scale), seen, self.deciding(seen))

    def with_rules(
        self, outputs: NDArray[Any], observations: NDArray[Any], deciding: NDArray[np.int64], *, counts: bool = True
    ) -> NDArray[np.float64]:
        """The policy's outputs ``[B, A]`` with those of the rules that decide ``[B]``, counted if they were taken."""
        own = np.array(outputs, dtype=np.float64)
        stepped = np.flatnonzero(deciding >= 0)
        self._decisions += len(own) if counts else 0
        if not len(stepped):
            return own
        before = own[stepped]
        for place in np.unique(deciding[stepped]):
            rows = np.flatnonzero(deciding == place)
            own[rows] = self._instead[place](observations[rows])
            self._by_rule[place] += len(rows) if counts else 0
        if self.compare and counts:
            self._changed += self._otherwise(before, own[stepped], observations[stepped])
        return own

    def _otherwise(self, before: NDArray[Any], after: NDArray[Any], observations: NDArray[Any]) -> int:
        """In how many states two outputs are different decisions."""
        valid = self.system.valid_actions(observations) if self.masked else None
        space = self.system.output
        return int((~space.same(space.decide(before, valid), space.decide(after, valid))).sum())


class GuardedCourse(Course):
    """A guarded policy whose guard has a memory, in the course of episodes; see :class:`~dnnexplain.contract.Course`.

    The policy inside has no memory of its own.

    Args:
        guarded: the policy with its guard.
        episodes: how many.
    """

    def __init__(self, guarded: Guarded, episodes: int) -> None:
        self.guarded, self.memory = guarded, guarded.memory(episodes)
        self.name, self.masked = guarded.name, guarded.masked
        self.settles = guarded.settles
        if hasattr(guarded.policy, "outputs_of_bytes"):
            self.outputs_of_bytes = self._of_bytes

    def outputs(
        self, observations: NDArray[Any], rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]``, with those of the rules that decide, here or from before."""
        return self._with_rules(self.guarded.policy.outputs(observations), observations, rows, keep=keep)

    def _of_bytes(
        self, pictures: NDArray[np.uint8], scale: float, rows: NDArray[np.int64] | None = None, *, keep: bool = True
    ) -> NDArray[np.float64]:
        """The same for observations given as bytes, where the policy reads them faster."""
        policy: Any = self.guarded.policy
        seen = (pictures * scale).astype(np.float32)
        return self._with_rules(policy.outputs_of_bytes(pictures, scale), seen, rows, keep=keep)

    def _with_rules(
        self, outputs: NDArray[Any], seen: NDArray[Any], rows: NDArray[np.int64] | None, *, keep: bool
    ) -> NDArray[np.float64]:
        at = np.arange(len(seen)) if rows is None else rows
        deciding = self.guarded.deciding_in(self.memory, seen, at, keep=keep)
        return self.guarded.with_rules(outputs, seen, deciding, counts=keep)


def _strangers(policy: Policy, guard: Guard) -> tuple[str, ...]:
    """What to say where a guard was made for another network."""
    theirs = getattr(policy, "checkpoint", "")
    if not guard.checkpoint or not theirs or guard.checkpoint == theirs:
        return ()
    return (f"The guard was made for another network than {policy.name} ({guard.policy}, other weights).",)


def _doing(system: System, name: str) -> Outputs:
    """Raw outputs of what a guard's rule does, firm enough that it is also what is drawn."""
    space, rules = system.output, system.rules()
    if name in rules:
        return _firm(system, rules[name])
    if isinstance(space, Discrete):
        moves: tuple[str, ...] = getattr(getattr(system, "features", None), "moves", ())
        if name in moves:
            place, features = moves.index(name), system.features  # type: ignore[attr-defined]
            return lambda seen: FIRM * space.as_outputs(features.actions(seen)[:, place])
        if name in space.names:
            action = space.names.index(name)
            return lambda seen: FIRM * space.as_outputs(np.full(len(seen), action))
        raise Choice("rule, move or action", name, (*rules, *moves, *space.names)).error()
    raise Choice("rule", name, tuple(rules)).error()


def _firm(system: System, rule: Policy) -> Outputs:
    if isinstance(system.output, Box):
        return rule.outputs
    return lambda seen: FIRM * rule.outputs(seen)


def told_steps(policy: Any) -> Mapping[str, Any] | None:
    """What a policy's guard did, for reports; ``None`` of a policy without one."""
    return policy.steps_in.to_json() if isinstance(policy, Guarded) else None
