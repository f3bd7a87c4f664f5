"""A panel's saved result beside its present one: the one mechanism behind "Compare with a saved result"."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.results import Result
from dnnexplain_widgets.uploads import text_of
from dnnexplain_widgets.words import number, with_unit

if TYPE_CHECKING:
    from dnnexplain.explain.saved_results import SavedAndNow

__all__ = ["compared", "read_result"]

_COMPARING = "dnnexplain.explain.saved_results"
"""Imported when it is needed: it knows every kind of result, and a page should not wait for them all."""


def read_result(content: bytes, file: str) -> Result:
    """Any saved result, from the bytes of a file.

    Raises:
        DnnExplainError: it is not text, not JSON, no result, or of a kind that is not known here.
    """
    import_module(_COMPARING)  # a kind is known once it is imported
    import_module("dnnexplain.explain.faithfulness.compared")
    return Result.from_json(text_of(file, content))


def compared(then: Result, now: Any, file: str, colours: dict[str, int | None]) -> dict[str, Any]:
    """What the page draws of a comparison: ``{file, sentence, changes}``.

    Raises:
        DnnExplainError: there is no present result, or the two cannot be compared.
    """
    if not isinstance(now, Result):
        msg = "there is no result here to compare with; press the panel's own button first"
        raise DnnExplainError(msg)
    comparison: SavedAndNow = import_module(_COMPARING).compare_with_saved(then, now)
    return {"file": file, "sentence": comparison.sentence(), "changes": [_table(comparison, colours)]}


def _table(comparison: SavedAndNow, colours: dict[str, int | None]) -> dict[str, Any]:
    """The rows as ring and dot on one rail; what was not found has no mark."""
    both = np.concatenate([comparison.before, comparison.after])
    finite = [float(value) for value in both if math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    rows = []
    for label, before, after in zip(comparison.labels, comparison.before, comparison.after, strict=True):
        ends = [float(value) if math.isfinite(value) else None for value in (before, after)]
        lines = ["none" if value is None else number(value) for value in ends]
        row = {"label": label, "from": ends[0], "to": ends[1], "text": " → ".join(lines)}
        rows.append(row | ({"colour": colours[label]} if label in colours else {}))
    ends_told = [with_unit(value, comparison.unit) for value in (low, high)]
    return {
        "caption": f"{comparison.what[:1].upper()}{comparison.what[1:]}, saved and now",
        "low": low, "high": high, "ends": ends_told, "marks": [f"{comparison.what}, saved", "now"], "rows": rows,
    }  # fmt: skip
