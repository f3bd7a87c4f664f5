"""The smallest valid change that fools a policy: adversarial states by knobs, judged by an oracle.

Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Adversarial": "result",
    "Change": "result",
    "METHODS": "search",
    "MethodTable": "compare",
    "Moves": "moves",
    "OrderPair": "pairs",
    "OrderPairs": "pairs",
    "Verdict": "verdicts",
    "attack": "search",
    "compare_methods": "compare",
    "make_moves": "moves",
    "order_pairs": "pairs",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
