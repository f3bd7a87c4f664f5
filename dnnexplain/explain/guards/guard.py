"""A guard: a short list of rules that say where a policy is not to be followed, and what is done there instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.guards.stay import Stay, count_of
from dnnexplain.explain.regions.where import Quantities, Where
from dnnexplain.files import atomic_write
from dnnexplain.reading import parse_json, read_text

__all__ = ["Guard", "GuardRule"]

KIND = "dnnexplain guard"
MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class GuardRule:
    """Where a guard steps in, and what is done there.

    Attributes:
        when: the states.
        do: one of the system's rules by name, a move that its features name, or an action by its name.
        why: what it is against, for people.
        after: in so many decisions on end the states must have held, this one counted.
        stay: how long it goes on from there; ``None``: only where the states hold.
    """

    when: Where
    do: str
    why: str = ""
    after: int = 1
    stay: Stay | None = None

    @property
    def remembers(self) -> bool:
        """Whether what it does depends on earlier states of the episode."""
        return self.after > 1 or self.stay is not None

    @property
    def memory(self) -> list[Any]:
        """The memory as plain data; empty without one."""
        return [self.after, None if self.stay is None else self.stay.to_json()] if self.remembers else []

    def words(self, quantities: Quantities) -> str:
        """``"where backlog is at least 4 jobs: do as sjf"``."""
        where = self.when.words(quantities)
        place = "everywhere" if where == "always" else f"where {where}"
        long = f", in {counted(self.after, 'decision')} on end" if self.after > 1 else ""
        stay = "" if self.stay is None else f"{',' if long else ''} and {self.stay.words(quantities)}"
        return f"{place}{long}{stay}: do as {self.do}"

    def to_json(self) -> dict[str, Any]:
        """What it does and why; a memory only where it has one."""
        after = {"after": self.after} if self.after > 1 else {}
        stay = {} if self.stay is None else {"stay": self.stay.to_json()}
        return {"when": self.when.to_json(), **after, **stay, "do": self.do, "why": self.why}


@dataclass(frozen=True)
class Guard:
    """Rules in order; of those whose states hold the first one counts, and where none holds the policy decides.

    Attributes:
        system: the system's name.
        rules: in order.
        policy, checkpoint: for which policy it was made (``""``: for any), with its weights' SHA-256.
        notes: how it was made and what of it was measured, a sentence each.
        ended_by: which limit ended its making, ``"seconds"`` or ``"runs"``, or ``"cancelled"``; empty if all that was asked
            for was done, and of a guard that was read from a file, whose notes say it.
    """

    system: str
    rules: tuple[GuardRule, ...] = ()
    policy: str = ""
    checkpoint: str = ""
    notes: tuple[str, ...] = ()
    ended_by: str = field(default="", compare=False)

    @property
    def remembers(self) -> bool:
        """Whether any rule has a memory."""
        return any(rule.remembers for rule in self.rules)

    @property
    def digest(self) -> str:
        """A SHA-256 of what the rules do, so that results can say which guard they speak of."""
        plain = [[rule.when.to_json(), rule.do, *rule.memory] for rule in self.rules]
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()

    def to_json(self) -> str:
        """As text that people may edit."""
        rules = [rule.to_json() for rule in self.rules]
        data = {
            "kind": KIND,
            "system": self.system,
            "policy": self.policy,
            "checkpoint": self.checkpoint,
            "rules": rules,
            "notes": list(self.notes),
        }
        return json.dumps(data, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Guard:
        """The inverse.

        Raises:
            DnnExplainError: not JSON, or no guard; the message says which part is wrong.
        """
        data = parse_json(text, "a guard")
        if not isinstance(data, Mapping) or not isinstance(data.get("system"), str):
            msg = 'a guard is a JSON object with "system" and "rules"; dnnexplain guard --out writes one'
            raise DnnExplainError(msg)
        rules, notes = data.get("rules"), data.get("notes", [])
        if not isinstance(rules, list) or len(rules) > MOST_RULES or not isinstance(notes, list):
            msg = (
                f'"rules" of a guard must be a list of at most {MOST_RULES}, each with "when" and "do"; "notes" a list'
            )
            raise DnnExplainError(msg)
        return cls(
            data["system"],
            tuple(_rule(place, rule) for place, rule in enumerate(rules, start=1)),
            str(data.get("policy", "")),
            str(data.get("checkpoint", "")),
            tuple(str(note) for note in notes),
        )

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self.to_json())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Guard:
        """Read it from a file."""
        return cls.from_json(read_text(path, "a guard"))


def _rule(place: int, data: Any) -> GuardRule:
    if not isinstance(data, Mapping) or not isinstance(data.get("do"), str) or not data["do"]:
        msg = f'rule {place} of the guard must say "when" (bounds) and "do" (a rule or an action)'
        raise DnnExplainError(msg)
    try:
        when = Where.from_json(data.get("when", []))
        after = count_of(data.get("after", 1), "after", least=1)
        stay = Stay.from_json(data["stay"]) if data.get("stay") is not None else None
    except DnnExplainError as error:
        msg = f"rule {place} of the guard: {error}"
        raise DnnExplainError(msg) from None
    return GuardRule(when, data["do"], str(data.get("why", "")), after, stay)
