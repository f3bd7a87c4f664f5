"""Explainers: functions over the contract that return frozen results.

Names are loaded when first used, so that importing this package does not import torch or captum.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Attribution": "maps",
    "Comparison": "agreement",
    "LIMITS": "badge",
    "METHODS": "methods",
    "Survey": "surveys",
    "TrustBadge": "badge",
    "UnitAttribution": "maps",
    "attribute": "attribution",
    "attribute_units": "attribution",
    "compare": "agreement",
    "decide": "decision",
    "decide_many": "decision",
    "fits": "methods",
    "menu": "targets",
    "observe": "decision",
    "reference_names": "baselines",
    "resolve": "targets",
    "survey": "surveys",
    "trust": "badge",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
