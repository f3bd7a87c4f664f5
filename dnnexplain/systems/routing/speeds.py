"""What a link carries, as people write it: numbers with a unit, and the names of carriers' and Ethernet's rates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from dnnexplain.contract import DnnExplainError

__all__ = ["Capacity", "Source", "capacity_of", "speed_of"]

_PREFIX = {"": 1e-9, "k": 1e-6, "m": 1e-3, "g": 1.0, "t": 1e3}
_NAMED = {"t1": 1.544e-3, "ds1": 1.544e-3, "t3": 0.044736, "ds3": 0.044736, "e1": 2.048e-3, "e3": 0.034368}
_STEPS = {"oc": 0.05184, "sts": 0.05184, "stm": 0.15552}
"""Gb/s of the first step of SONET and SDH, of which the others are multiples."""
_WITH_UNIT = re.compile(r"[<>=~]*\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(b(?:it)?(?:/sec|/s|ps)|bit|b|bE|E|)$", re.ASCII)
_STEP = re.compile(r"(oc|sts|stm)[\s-]?(\d+)c?$", re.ASCII)
_OTHER_NAMES = ("bandwidth", "speed", "bw", "rate")


def speed_of(text: str) -> float | None:
    """Gb/s of a rate as people write it: ``"10 Gbps"``, ``"1G"``, ``"OC-48"``, ``"STM-16"``, ``"T1"``, ``"40GE"``.

    ``None`` for a number without a unit, for bytes (``"10 GB/s"``), and for what is no rate.
    """
    plain = text.strip()
    if plain.lower() in _NAMED:
        return _NAMED[plain.lower()]
    step = _STEP.match(plain.lower())
    if step is not None:
        return _STEPS[step[1]] * int(step[2])
    match = _WITH_UNIT.match(plain)
    if match is None or not (match[2] or match[3]) or (match[3].endswith("E") and not match[2]):
        return None
    return float(match[1]) * _PREFIX[match[2].lower()]


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


class Source(Enum):
    """Where a link's capacity was read, and what has to be said of that."""

    PLAIN = "an attribute that says it"
    LABEL = "the label"
    NO_UNIT = "an attribute without a unit, taken as Gb/s"
    NO_RATE = "an attribute that is no rate, and was not used"


class Capacity(NamedTuple):
    """Gb/s of a link, or ``None``; where it was read, and the attribute's name where that matters."""

    gbps: float | None
    source: Source = Source.PLAIN
    key: str = ""


def capacity_of(data: Mapping[str, Any], link: str, name: str, unit: float | None = None) -> Capacity:
    """Gb/s that a link's attributes say, if they do, and from where.

    Read are ``capacity`` (Gb/s, or with a unit), the Topology Zoo's ``LinkSpeedRaw`` (b/s), ``LinkSpeed`` with
    ``LinkSpeedUnits``, and ``LinkLabel``, and what others call ``bandwidth``, ``speed``, ``bw`` or ``rate``; of the
    latter what is no rate (``rate: "A+"``) means something else, and is not used.

    Args:
        data: the attributes.
        link: its ends, for messages.
        name: the topology's.
        unit: of plain numbers, in Gb/s, where somebody said it.

    Raises:
        DnnExplainError: a capacity that is no rate; says how one is written.
    """
    for key, factor in (("capacity", unit or 1.0), ("LinkSpeedRaw", 1e-9)):
        if data.get(key) is not None and data[key] != "":
            return Capacity(_stated(data[key], factor, f"topology {name!r}: the {key} of link {link}"))
    parted = speed_of(f"{data.get('LinkSpeed', '')} {data.get('LinkSpeedUnits', '')}")
    if parted is not None:
        return Capacity(parted)
    unused = ""
    for key in (*_OTHER_NAMES, *(word.capitalize() for word in _OTHER_NAMES)):
        if data.get(key) is not None and data[key] != "":
            with_unit = speed_of(str(data[key]))
            if with_unit is not None:
                return Capacity(with_unit)
            number = _number(data[key])
            if number is not None:
                return Capacity(number * (unit or 1.0), Source.PLAIN if unit else Source.NO_UNIT, key)
            unused = key
    label = speed_of(str(data.get("LinkLabel", "")))
    if label is not None:
        return Capacity(label, Source.LABEL)
    return Capacity(None, Source.NO_RATE, unused) if unused else Capacity(None)


def _stated(value: Any, factor: float, what: str) -> float:
    number = _number(value)
    if number is not None:
        return number * factor
    speed = speed_of(str(value))
    if speed is None:
        msg = (
            f"{what} is {value!r}, which is not a number of Gb/s and no rate that is known; write a number, or one with "
            "its unit: '10 Gbps', '622 Mb/s', 'OC-48', 'STM-16'"
        )
        raise DnnExplainError(msg)
    return speed
