"""What rules are called where people read: in menus, sentences and keys of charts. Options take the plain names."""

from __future__ import annotations

__all__ = ["rule_label"]

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
