"""The smallest valid change that fools a policy: adversarial states by knobs, judged by an oracle.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

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
    return lazy_attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
