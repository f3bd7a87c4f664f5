"""A system's sizes in words, for messages about networks that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, is_dataclass
from typing import Any

from dnnexplain.contract import Discrete, System
from dnnexplain.counts import joined

__all__ = ["describe_outputs", "size_hint", "system_parameters"]


def system_parameters(system: System) -> dict[str, Any]:
    """The parameters a system was made with, by name: its ``parameters``, or its ``params`` dataclass."""
    for attribute in ("parameters", "params"):
        value = getattr(system, attribute, None)
        if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        if isinstance(value, dict):
            return dict(value)
    return {}


def describe_outputs(system: System) -> str:
    """The outputs in words: ``11 actions (10 jobs and wait)``."""
    names = system.output.names
    what = "actions" if isinstance(system.output, Discrete) else "values"
    stems = Counter(_stem(name) for name in names)
    parts = [f"{count} {stem}s" if count > 1 else stem for stem, count in stems.items()]
    if len(parts) > 4:
        return f"{len(names)} {what}"
    return f"{len(names)} {what} ({joined(parts)})"


def _stem(name: str) -> str:
    return re.sub(r"\s*\d+$", "", name) or name


def size_hint(system: System, outputs: int) -> str:
    """What to pass to the system so that it has ``outputs`` outputs, as far as its names show it."""
    stems = Counter(_stem(name) for name in system.output.names)
    stem, count = stems.most_common(1)[0]
    wanted = outputs - (len(system.output.names) - count)
    plural = f"{stem}s"
    if count > 1 and wanted >= 1:
        for name, value in system_parameters(system).items():
            if type(value) is int and value == count:
                return f"was it trained with {wanted} {name}? Then set {name} to {wanted}."
        return f"was it trained with {wanted} {plural}? Make the system of that size."
    return f"was it trained for another size of {system.name}, or for another system?"
