"""The workload on which a network falls furthest behind a rule or the optimum.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

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
    return lazy_attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
