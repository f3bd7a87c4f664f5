"""A system's sizes in words, for messages about networks that do not fit."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import asdict, is_dataclass
from typing import Any

from dnnexplain.contract import Discrete, System
from dnnexplain.counts import counted, joined

__all__ = ["describe_outputs", "frames_of", "size_hint", "stacked_refusal", "system_parameters"]

_MOST_FRAMES = 64


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


def frames_of(takes: int, system: System) -> int:
    """How many observations of a system a network that takes so many numbers may see at a time; 0 if that does not fit."""
    now = int(getattr(system, "frames", 1))
    shows = math.prod(system.observation_shape) // now
    return (
        takes // shows
        if takes % shows == 0 and takes // shows not in {0, 1, now} and takes // shows <= _MOST_FRAMES
        else 0
    )


def stacked_refusal(count: int, system: System) -> str:
    """What a network that takes so many times a system's numbers may be, and what to write: its size alone does not tell."""
    shows = math.prod(system.observation_shape)
    return (
        f"{system.name} shows {counted(shows, 'number')}; the network may belong to another world, or to another size of this one, or it "
        f"sees {counted(count, 'observation')} at a time (as VecFrameStack of stable-baselines3 gives them): if so, make the system of the "
        f"environment that it was trained on with frames={count}: GymSystem(env, frames={count})"
    )
