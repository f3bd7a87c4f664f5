"""What rules are called where people read: in menus, sentences and keys of charts. Options take the plain names."""

from __future__ import annotations

__all__ = ["rule_entry", "rule_label"]

_ACRONYM = 4
_VOWELS = set("aeiouy")


def rule_label(name: str) -> str:
    """A rule's name for people: ``sjf`` becomes ``SJF``, ``packer`` ``Packer``, ``robust-mpc`` ``Robust MPC``; others stay."""
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
