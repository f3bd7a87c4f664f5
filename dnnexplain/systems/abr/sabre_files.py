"""Links as Sabre has them (Spiteri et al. 2018): a JSON list of periods, each with a duration, a bandwidth and a latency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, parse_json
from dnnexplain.systems.abr.tables import Samples

__all__ = ["read_sabre"]

_DURATION, _RATE, _LATENCY = "duration_ms", "bandwidth_kbps", "latency_ms"
_FORM = f'[{{"{_DURATION}": 1000, "{_RATE}": 3000, "{_LATENCY}": 40}}, ...]'


def read_sabre(name: str, text: str) -> Samples:
    """The link in the text of such a file; its latencies are told and not used.

    Raises:
        DnnExplainError: JSON of another form; the first period that is none is named.
    """
    periods = parse_json(text, name)
    if not isinstance(periods, list) or not periods:
        msg = f"{name} is JSON, but no list of a link's periods; written as Sabre does it is {_FORM}"
        raise DnnExplainError(msg)
    check_count(len(periods), name, "samples")
    rows = [_row(name, place, period) for place, period in enumerate(periods)]
    lasting = [row for row in rows if row[0] > 0]
    if not lasting:
        msg = f"no period of {name} lasts; each needs a {_DURATION} above 0"
        raise DnnExplainError(msg)
    lost = len(rows) - len(lasting)
    notes = [f"{name}: {counted(lost, 'period')} of 0 ms left out."] if lost else []
    durations, rates, latencies = np.array(lasting).T
    if (some := latencies[np.isfinite(latencies)]).size:
        ends = f"{some.min():g} ms" if some.min() == some.max() else f"{some.min():g} to {some.max():g} ms"
        notes.append(f"{name}: its latency ({ends}) was not used: a download begins after the player's own delay.")
    ends_at = np.cumsum(durations) / 1000.0
    seconds, shown = np.concatenate([[0.0], ends_at]), np.concatenate([rates[:1], rates])
    return Samples(name, seconds, shown, "kb/s", clock=True, notes=notes)


def _row(name: str, place: int, period: Any) -> tuple[float, float, float]:
    """Duration in ms, kb/s, and latency in ms (NaN if there is none) of a period."""
    given = period if isinstance(period, Mapping) else {}
    numbers = [given.get(key) for key in (_DURATION, _RATE)]
    if not all(_fits(number) for number in numbers) or not isinstance(period, Mapping):
        msg = f"{name}: period {place + 1} is {str(period)[:80]!r}; each needs a {_DURATION} and a {_RATE}, numbers from 0 on: {_FORM}"
        raise DnnExplainError(msg)
    latency = given.get(_LATENCY)
    return float(numbers[0]), float(numbers[1]), float(latency) if _fits(latency) else math.nan  # type: ignore[arg-type]


def _fits(number: Any) -> bool:
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return plain and 0 <= number < math.inf
