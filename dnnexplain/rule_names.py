"""What rules are called where people read: in menus, sentences and keys of charts. Options take the plain names."""

from __future__ import annotations

from functools import cache

from dnnexplain.registry import specs

__all__ = ["rule_entry", "rule_label"]

_ACRONYM = 4
_VOWELS = set("aeiouy")


def rule_label(name: str) -> str:
    """A rule's name for people: ``sjf`` becomes ``SJF``, ``packer`` ``Packer``, ``robust-mpc`` ``Robust MPC``; others stay.

    A rule whose title in its system's spec begins with its name is written as there.
    """
    return _as_titled().get(name) or _spelled(name)


@cache
def _as_titled() -> dict[str, str]:
    """Rules whose titles begin with their names, as they are written there: ``easy`` is ``EASY`` of "EASY backfilling"."""
    titled: dict[str, str] = {}
    for spec in specs().values():
        for name, title in spec.rules.items():
            head = title[: len(name)]
            if head.lower().replace(" ", "-") == name and not title[len(name) : len(name) + 1].isalnum():
                titled.setdefault(name, head)
    return titled


def _spelled(name: str) -> str:
    first, *rest = name.split("-")
    if not all(part.isalpha() and part.islower() for part in (first, *rest)):
        return name
    if rest:
        return " ".join([first.capitalize(), *(part if set(part) & _VOWELS else part.upper() for part in rest)])
    return name.upper() if len(name) <= _ACRONYM else name.capitalize()


def rule_entry(name: str, title: str) -> str:
    """A rule in a menu of networks, by the label it has everywhere and what it does: ``Rule ECMP: all shortest paths alike``."""
    label = rule_label(name)
    if title.lower().startswith(label.lower()):
        return f"Rule {title}"
    return f"Rule {label}: {title[:1].lower() if title[1:2].islower() or title[1:2] == ' ' else title[:1]}{title[1:]}"
