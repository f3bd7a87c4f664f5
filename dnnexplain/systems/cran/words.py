"""States in words: JSON of users, heads and links, and one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError, State
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.power import least_power

__all__ = ["clock", "describe_state", "state_to_words", "words_to_state"]


def state_to_words(codec: Codec, state: State) -> dict[str, Any]:
    """A state as JSON.

    ``{"time": 12.0, "users": {"user 1": {"demand": 10.0, "x": 800.0, "y": 800.0}, ...}, "awake": ["head 1", ...],
    "links": {"user 1 - head 3": {"margin": -4.2, "phase": 30.0}, ...}}`` in h, Mb/s, m, dB and degrees.
    """
    scene, row = codec.scene, state.values
    place = row[codec.place].reshape(-1, 2)
    demand, margin, phase = row[codec.demand], row[codec.gain], row[codec.phase]
    return {
        "time": float(row[0]),
        "users": {
            f"user {user + 1}": {
                "demand": float(demand[user]),
                "x": float(place[user, 0]),
                "y": float(place[user, 1]),
            }
            for user in range(scene.users)
        },
        "awake": [f"head {head + 1}" for head in range(scene.heads) if row[codec.awake][head] > 0.5],
        "links": {
            name: {"margin": float(margin[link]), "phase": float(phase[link])}
            for link, name in enumerate(codec.link_names)
        },
    }


def words_to_state(codec: Codec, data: Mapping[str, Any]) -> State:
    """The inverse; what is not said stays at the knob's start.

    Raises:
        DnnExplainError: an unknown name, or something that is no number; says which field.
    """
    row = np.array([knob.start for knob in codec.knobs])
    users = tuple(f"user {user + 1}" for user in range(codec.scene.users))
    heads = tuple(f"head {head + 1}" for head in range(codec.scene.heads))
    _known("field of a state", data, ("time", "users", "awake", "links"))
    row[0] = _number(data.get("time", row[0]), "time")
    for name, values in _table(data, "users").items():
        _known("user", [name], users)
        _known(f"field of {name}", values, ("demand", "x", "y"))
        user = users.index(name)
        cells = {"demand": codec.demand.start + user}
        cells |= {axis: codec.place.start + 2 * user + at for at, axis in enumerate("xy")}
        for field, value in values.items():
            row[cells[field]] = _number(value, f"{name} {field}")
    if "awake" in data:
        if not isinstance(data["awake"], list):
            msg = f"'awake' must be a list of heads such as ['head 1'], not {data['awake']!r}"
            raise DnnExplainError(msg)
        _known("head", data["awake"], heads)
        row[codec.awake] = [head in data["awake"] for head in heads]
    for name, values in _table(data, "links").items():
        _known("link", [name], codec.link_names)
        _known(f"field of {name}", values, ("margin", "phase"))
        link = codec.link_names.index(name)
        for field, part in (("margin", codec.gain), ("phase", codec.phase)):
            if field in values:
                row[part.start + link] = _number(values[field], f"{name} {field}")
    return State(codec.repair(row[None])[0])


def describe_state(codec: Codec, state: State) -> str:
    """Who wants how much, who is awake, and whether and at what radiated power these can serve all."""
    scene = codec.scene
    seen = codec.encode(state.values[None], state.background)
    channels, demand = codec.program(seen)
    on = seen[0, codec.awake] > 0.5
    wants = [
        f"user {user + 1} {'wants ' if user == 0 else ''}{demand[0, user]:.1f} Mb/s" for user in range(scene.users)
    ]
    solution = least_power(scene, channels[0], demand[0], on)
    named = [str(head + 1) for head in np.flatnonzero(on)]
    which = f"head{'s' if len(named) > 1 else ''} {joined(named)} of {scene.heads}" if named else "no head"
    verb = "are" if len(named) > 1 else "is"
    if solution.served:
        power = solution.radiated / scene.efficiency
        outcome = f"and can serve {'all' if scene.users > 1 else 'it'}: the amplifiers draw {power:.3g} W"
    else:
        outcome = "and cannot serve all of that"
    return f"At {clock(float(state.values[0]))} {joined(wants)}; {which} {verb} awake {outcome}."


def clock(hours: float) -> str:
    """``13:45``."""
    minutes = round(hours * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def joined(parts: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def _known(what: str, given: Any, known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise Choice(what, str(name), known).error()


def _table(data: Mapping[str, Any], field: str) -> Mapping[str, Mapping[str, Any]]:
    table = data.get(field, {})
    if not isinstance(table, Mapping) or not all(isinstance(part, Mapping) for part in table.values()):
        msg = f"'{field}' must be an object of objects, as state_to_json writes it, not {table!r}"
        raise DnnExplainError(msg)
    return table


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        msg = f"{what} must be a finite number, not {value!r}"
        raise DnnExplainError(msg)
    return float(value)
