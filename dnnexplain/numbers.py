"""How a figure is written, for Python, the command line and pages alike (``widgets/page/src/shared/numbers.js`` is its twin).

A measured figure has three significant digits, a count is whole, thousands are separated, and nothing between
0.0001 and 1,000,000 has an exponent. ``tests/numbers.json`` holds what both twins must write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.counts import unit_of

if TYPE_CHECKING:
    from dnnexplain.contract import Metric

__all__ = [
    "TRIFLE",
    "as_told",
    "beside",
    "between",
    "both_ends",
    "figure",
    "from_to",
    "gap",
    "interval",
    "number",
    "owned",
    "percent",
    "probability",
    "share",
    "span_as_told",
    "tally",
    "thing",
    "went_wrong",
    "with_minus",
    "with_unit",
]

_NEGATED = ("minus", "negative")
"""First words of the names of costs that are something earned with its sign changed."""

DIGITS = 3
_ROUNDING = Context(prec=DIGITS, rounding=ROUND_HALF_UP)
"""As JavaScript's ``toExponential`` has it."""

TRIFLE = 0.001
"""A loss or a difference below this is told as that: its digits would say nothing."""
_THOUSANDTH = Decimal("0.001")
_SMALLEST, _LARGEST = -4, 10**6
"""The least power of ten, and the largest number, that are written without an exponent."""


_MINUS = re.compile(r"(?<![^\W]|[.)\]-])-(?=\.?\d|infinite)|(?<=\d[eE])-(?=\d)")


def with_minus(text: str) -> str:
    """A text with true minus signs before its numbers, for pages; hyphens of names and ranges stay: ``job-3: −1.5``."""
    return _MINUS.sub("\N{MINUS SIGN}", text)


def number(value: float, *, sign: bool = False) -> str:
    """A figure in a sentence, to three significant digits, zeros at the end left out: ``0.41``, ``-12.3``, ``1,240``.

    A whole number (of type ``int``) is a count and written in full. With ``sign``, what is above zero has a plus.
    """
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "-"
    text = _counted(value) if _is_count(value) else _measured(float(value), trim=True)
    return f"+{text}" if sign and value > 0 and text != "0" else text


def from_to(before: float, after: float) -> str:
    """A change with the same decimals at both ends, as many as show it: ``from 23.6 to 23.5``, ``from 3 to 2``."""
    first, last = both_ends(before, after)
    return f"from {first} to {last}"


def both_ends(before: float, after: float) -> tuple[str, str]:
    """The two figures of :func:`from_to`."""
    if float(before).is_integer() and float(after).is_integer():
        return f"{int(before):,}", f"{int(after):,}"
    change = abs(after - before) or abs(before)
    largest = max(abs(before), abs(after))
    if not (math.isfinite(largest) and change >= 1e-3 and largest <= _LARGEST):
        return number(before), number(after)
    places = max(DIGITS - 1 - math.floor(math.log10(largest)), -math.floor(math.log10(change)), 0)
    if any(end and round(end, places) == 0 for end in (before, after)):
        return number(before), number(after)
    return f"{before:,.{places}f}", f"{after:,.{places}f}"


def between(low: str, high: str) -> str:
    """What lies between two figures, as they are shown; of ends that are shown alike one: ``about 158``."""
    return f"about {low}" if low == high else f"{low} to {high}"


def figure(value: Any, unit: str = "") -> str:
    """A figure in a table: as :func:`number`, but with its zeros, so that columns align: ``5.40``; "-" for none."""
    if value is None or isinstance(value, str):
        return value or "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not _is_count(value) and math.isnan(value):
        return "-"
    text = _counted(value) if _is_count(value) else _measured(float(value), trim=False)
    return f"{text} {unit}".rstrip()


def percent(share: float, *, sign: bool = False) -> str:
    """A share as a percentage to three significant digits: ``3.17%``; below a hundredth of one, ``under 0.01%``.

    No number has no percent sign: ``-``, ``infinite``.
    """
    if not math.isfinite(share):
        return number(share, sign=sign)
    if not sign and 0.0 < abs(share) < 1e-4:
        return "under 0.01%"
    if sign and abs(share) < 5e-5:
        return "0%"
    return f"{number(100.0 * share, sign=sign)}%"


_MANY_TIMES = 1e6
"""From here on a part is no part: it is told with three digits."""


def share(part: float, places: int = 0) -> str:
    """A part of a whole as a percentage with so many decimals; what would read 0% or 100% but is not says so.

    ``share(0.004)`` is ``under 1%``, ``share(0.9996, 1)`` is ``over 99.9%``.
    """
    if not math.isfinite(part):
        return "none"
    if abs(part) >= _MANY_TIMES:
        return percent(part)
    step = Decimal(1).scaleb(-places)
    rounded = (100 * Decimal(float(part) + 0.0)).quantize(step, ROUND_HALF_UP)
    if part > 0.0 and not rounded:
        return f"under {step}%"
    if part < 1.0 and rounded == 100:
        return f"over {100 - step}%"
    return f"{rounded:,}%"


def probability(value: float) -> str:
    """A probability with three decimals; what would read 0.000 or 1.000 but is not says so."""
    if not math.isfinite(value):
        return "none"
    if 0 < value < 0.0005:
        return "under 0.001"
    if 0.9995 <= value < 1:
        return "over 0.999"
    return f"{Decimal(float(value) + 0.0).quantize(_THOUSANDTH, ROUND_HALF_UP)}"  # ties as on the page


def with_unit(value: float, unit: str) -> str:
    """A number with its unit: ``3 steps``, ``1 step``."""
    text = number(value)
    return f"{text} {unit_of(text, unit)}".rstrip()


def gap(value: float, *, ratio: bool, unit: str = "") -> str:
    """By how much something costs more: ``+13.2%`` on a ratio scale, else ``+0.41 kWh``, in the cost's unit."""
    if math.isnan(value):
        return "-"
    return percent(value, sign=True) if ratio else f"{number(value, sign=True)} {unit}".rstrip()


def interval(low: float, high: float, *, ratio: bool | None = None) -> str:
    """``4.83 to 5.48``; with ``ratio`` as :func:`gap` has it; ``no interval`` where there is none."""
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    if ratio is None:
        return f"{figure(low)} to {figure(high)}"
    return f"{gap(low, ratio=ratio)} to {gap(high, ratio=ratio)}"


def beside(low: float, high: float, *, ratio: bool, unit: str = "") -> str:
    """An interval of a gap in words, without signs: ``1.3% to 5.1% below``, ``2% below to 1% above``."""
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    first, last = (gap(abs(end), ratio=ratio, unit=unit).removeprefix("+") for end in (low, high))
    if low < 0 < high:
        return f"{first} below to {last} above"
    return f"{first} to {last} above" if low >= 0 else f"{last} to {first} below"


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer)


def _counted(value: float) -> str:
    return f"{value:,}"


def _measured(value: float, *, trim: bool) -> str:
    if not math.isfinite(value):
        return "infinite" if value > 0 else "-infinite"
    rounded = _ROUNDING.create_decimal_from_float(value)
    exponent = rounded.adjusted() if value else 0
    if value and (exponent < _SMALLEST or abs(rounded) > _LARGEST):
        mantissa = f"{rounded.scaleb(-exponent):.{DIGITS - 1}f}"
        mantissa = mantissa.rstrip("0").rstrip(".") if trim else mantissa
        return f"{mantissa}e{exponent:+03d}"
    places = max(0, DIGITS - 1 - exponent)
    text = f"{rounded:,.{places}f}"
    if trim and places:
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("-") if value == 0 else text


def tally(value: float) -> str:
    """How often something was: in full where that is whole, as of a total (``2,006``), else as measured (``20.1``)."""
    return number(int(value) if math.isfinite(value) and value == int(value) else value)


def went_wrong(metrics: Iterable[Metric], values: Mapping[str, float]) -> str:
    """What must not happen and did, from a spec's metrics and their values: ``"3 jobs lost, 1 chunk late"``; else empty."""
    parts = [
        thing(tally(values[metric.name]), metric.words or metric.title)
        for metric in metrics
        if metric.wrong and values.get(metric.name, 0) > 0
    ]
    return ", ".join(parts)


def as_told(cost_name: str, *costs: float) -> tuple[str, list[float]]:
    """A cost as people are told of it: of ``"minus QoE"`` −45.2 the QoE, 45.2; any other as it is.

    Costs are lower-better, so what is earned is a cost with its sign changed; its name then says so in its first word.
    """
    first, _, earned = cost_name.partition(" ")
    if first in _NEGATED and earned:
        return earned, [0.0 - cost for cost in costs]
    return cost_name, list(costs)


def owned(name: str) -> str:
    """A name behind "its": ``"the return"`` is "its return"."""
    return f"its {name.removeprefix('the ')}"


def span_as_told(cost_name: str, mean: float, low: float, high: float) -> tuple[float, float, float]:
    """A difference of costs with its interval, as people are told of it: of what is earned with the other sign, the ends swapped."""
    name, (middle, first, last) = as_told(cost_name, mean, low, high)
    return (middle, first, last) if name == cost_name else (middle, last, first)


def thing(shown: str, words: str) -> str:
    """A figure with the plural words of what it counts: ``1 job lost``, ``2 jobs lost``."""
    noun, space, rest = words.partition(" ")
    return f"{shown} {unit_of(shown, noun)}{space}{rest}"
