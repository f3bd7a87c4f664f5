"""Which inputs moved a decision: methods, references, targets, and their maps; over one state or thousands."""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Attribution": "one_state",
    "UnitAttribution": "one_state",
    "attribute": "one_state",
    "attribute_units": "one_state",
    "layer_named": "one_state",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
