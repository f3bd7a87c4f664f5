"""A DeepRM state in words and in JSON, and the named reference pictures of attributions.

The JSON form: ``{"slots": [{"length": 3, "cpu": 7, "memory": 1}, ...], "running": [{"remaining": 4,
"cpu": 2, "memory": 5}, ...], "backlog": 0, "since_last_arrival": 1}``. Running jobs are painted in
order, each into the first free cells, from now on (``starts_in`` steps later if given). Instead of
``running``, ``cluster`` gives the cells themselves: ``{"cpu": ["###.......", ...], "memory": [...]}``,
one string per time step, ``#`` in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.counts import counted
from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.observation.knobs import RESOURCES

__all__ = ["describe", "from_json", "to_json"]

_FIELDS = ("slots", "running", "cluster", "backlog", "since_last_arrival")


def to_json(codec: Codec, state: State) -> dict[str, Any]:
    """A state as JSON data; ``from_json`` gives it back, cell by cell."""
    picture = codec.encode(state.values[None], state.background)[0]
    jobs = codec.jobs(state.values[None])[0]
    cluster = {}
    for resource, name in enumerate(RESOURCES):
        cells = picture[:, codec.layout.cluster_columns(resource)] > 0
        cluster[name] = ["".join("#" if cell else "." for cell in row) for row in cells]
    return {
        "slots": [{"length": int(n), "cpu": int(c), "memory": int(m)} for n, c, m in jobs],
        "cluster": cluster,
        "backlog": int(state.values[codec.layout.backlog_knob]),
        "since_last_arrival": int(state.values[codec.layout.since_knob]),
    }


def from_json(codec: Codec, data: Mapping[str, Any]) -> State:
    """A state from JSON data.

    Raises:
        DnnExplainError: names the field that is missing, unknown, not a whole number, or out of bounds.
    """
    if not isinstance(data, Mapping):
        msg = f"a state is an object with {', '.join(_FIELDS)}, not {type(data).__name__}"
        raise DnnExplainError(msg)
    unknown = sorted(set(data) - set(_FIELDS))
    if unknown:
        msg = f"a state has no field {unknown[0]!r}; its fields are {', '.join(_FIELDS)}"
        raise DnnExplainError(msg)
    layout, p = codec.layout, codec.params
    values = np.zeros(len(layout.knobs))
    values[: layout.use_first] = _slots(codec, data.get("slots", [])).ravel()
    values[layout.backlog_knob] = _whole(data.get("backlog", 0), "backlog", 0, p.backlog)
    values[layout.since_knob] = _whole(data.get("since_last_arrival", 0), "since_last_arrival", 0, p.tracking)
    cells = _cluster(codec, data["cluster"]) if "cluster" in data else _running(codec, data.get("running", []))
    values[layout.use_first : layout.backlog_knob] = cells.sum(axis=2).ravel()
    background = np.zeros(p.shape, dtype=np.float32)
    for resource in range(2):
        background[:, layout.cluster_columns(resource)] = cells[resource]
    return State(values, codec.encode(values[None], background)[0])


def describe(codec: Codec, state: State) -> str:
    """One plain sentence: who waits, what runs, how long the queue is."""
    jobs = codec.jobs(state.values[None])[0]
    waiting = [
        f"job {slot} ({n} step{'s' if n != 1 else ''}, {c} CPU, {m} memory)"
        for slot, (n, c, m) in enumerate(jobs, 1)
        if n > 0
    ]
    now = codec.params.units - codec.free(state.values[None])[0, :, 0]
    backlog = int(state.values[codec.layout.backlog_knob])
    who = "No job waits" if not waiting else f"{', '.join(waiting)} wait{'s' if len(waiting) == 1 else ''}"
    units = codec.params.units
    tail = f"; {backlog} more in the backlog" if backlog else ""
    return f"{who[0].upper()}{who[1:]}; the cluster uses {now[0]} of {units} CPU and {now[1]} of {units} memory{tail}."


def _whole(value: Any, name: str, low: int, high: int) -> int:
    whole = (
        isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value) and value == int(value)
    )
    if not whole or not low <= value <= high:
        msg = f"{name} must be a whole number from {low} to {high}, not {value!r}"
        raise DnnExplainError(msg)
    return int(value)


def _fields(item: Any, where: str, limits: Mapping[str, tuple[int, int]], optional: frozenset[str]) -> list[int]:
    if not isinstance(item, Mapping):
        msg = f"{where} must be an object with {', '.join(limits)}, not {item!r}"
        raise DnnExplainError(msg)
    missing = [name for name in limits if name not in item and name not in optional]
    unknown = [name for name in item if name not in limits]
    if missing or unknown:
        what = f"misses {missing[0]!r}" if missing else f"has an unknown field {unknown[0]!r}"
        msg = f"{where} {what}; it needs {', '.join(limits)}"
        raise DnnExplainError(msg)
    return [_whole(item.get(name, 0), f"{name} of {where}", low, high) for name, (low, high) in limits.items()]


def _slots(codec: Codec, items: Any) -> NDArray[np.int64]:
    p = codec.params
    if not isinstance(items, list) or len(items) > p.slots:
        count = len(items) if isinstance(items, list) else repr(items)
        msg = f"slots must be a list of at most {p.slots} jobs, not {count}; for more slots choose a larger system (slots=...)"
        raise DnnExplainError(msg)
    limits = {"length": (0, p.max_job_length), "cpu": (0, p.max_job_units), "memory": (0, p.max_job_units)}
    jobs = np.zeros((p.slots, 3), dtype=np.int64)
    for index, item in enumerate(items):
        if item is None:
            continue
        jobs[index] = _fields(item, f"slot {index + 1}", limits, frozenset())
        present = jobs[index, 0] > 0
        asks = jobs[index, 1:].sum() > 0
        if present != asks:
            msg = f"slot {index + 1} has length {jobs[index, 0]} and asks for {jobs[index, 1]} CPU and {jobs[index, 2]} memory; an empty slot has 0 in all three, a job has none of length or demand at 0"
            raise DnnExplainError(msg)
    return jobs


def _running(codec: Codec, items: Any) -> NDArray[np.bool_]:
    p = codec.params
    if not isinstance(items, list):
        msg = f"running must be a list of jobs, not {items!r}"
        raise DnnExplainError(msg)
    cells = np.zeros((2, p.horizon, p.units), dtype=bool)
    limits = {
        "remaining": (1, p.horizon),
        "cpu": (0, p.units),
        "memory": (0, p.units),
        "starts_in": (0, p.horizon - 1),
    }
    for index, item in enumerate(items, 1):
        remaining, cpu, memory, first = _fields(item, f"running job {index}", limits, frozenset({"starts_in"}))
        for resource, amount in enumerate((cpu, memory)):
            for row in range(first, min(first + remaining, p.horizon)):
                empty = np.flatnonzero(~cells[resource, row])
                if len(empty) < amount:
                    msg = (
                        f"running job {index} needs {amount} {RESOURCES[resource]} units at step {row}, "
                        f"but the jobs before it leave {len(empty)} of {p.units}"
                    )
                    raise DnnExplainError(msg)
                cells[resource, row, empty[:amount]] = True
    return cells


def _cluster(codec: Codec, data: Any) -> NDArray[np.bool_]:
    p = codec.params
    cells = np.zeros((2, p.horizon, p.units), dtype=bool)
    for resource, name in enumerate(RESOURCES):
        rows = data.get(name) if isinstance(data, Mapping) else None
        if not isinstance(rows, list) or len(rows) != p.horizon or not all(_is_row(row, p.units) for row in rows):
            msg = f"cluster.{name} must be {counted(p.horizon, 'string')} of {p.units} characters, '#' in use and '.' free"
            raise DnnExplainError(msg)
        cells[resource] = [[character == "#" for character in row] for row in rows]
    return cells


def _is_row(row: Any, units: int) -> bool:
    return isinstance(row, str) and len(row) == units and set(row) <= {"#", "."}
