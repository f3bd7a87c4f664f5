"""Job sets: generated families, files and logs, and what searches change in them."""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "FAMILIES": "families",
    "Family": "families",
    "Load": "families",
    "expected_load": "families",
    "family_parameters": "families",
    "job_sets": "families",
    "load": "families",
    "plausibility": "families",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
