"""The workload on which a network falls furthest behind a rule or the optimum.

Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "METHODS": "search",
    "MEASURES": "gap",
    "Mutable": "gap",
    "SequenceAttack": "result",
    "attack_sequence": "search",
    "first_parting": "parting",
    "replay_sequence": "parting",
    "verify": "rerun",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
