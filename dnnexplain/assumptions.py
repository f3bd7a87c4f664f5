"""What was assumed rather than known, so that every output can say it.

A file may leave open what an answer depends on: the activation between layers, a link's speed. Whoever
has to assume it says so here in one sentence; a command then prints it, in JSON under ``"assumed"``, and
results keep it with their question.
"""

from __future__ import annotations

__all__ = ["assume", "assumed", "forget", "notice", "noticed"]

_SAID: dict[str, None] = {}
_READ: dict[str, None] = {}


def assume(sentence: str) -> str:
    """Say what was assumed, once; the sentence comes back."""
    _SAID.setdefault(sentence)
    return sentence


def assumed() -> tuple[str, ...]:
    """All that was assumed since the process began, or since :func:`forget`, in order."""
    return tuple(_SAID)


def notice(sentence: str) -> None:
    """Keep what was found, mended or left out in workloads that were read; JSON has it under ``"read"``."""
    _READ.setdefault(sentence)


def noticed() -> tuple[str, ...]:
    """All that :func:`notice` kept, in order."""
    return tuple(_READ)


def forget() -> None:
    """Begin anew, as each command does."""
    _SAID.clear()
    _READ.clear()
