"""Whole episodes of a :class:`~dnnexplain.systems.small.SmallSystem`: run, watched, played, gone on with, changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Box,
    Choice,
    Curve,
    Discrete,
    DnnExplainError,
    Knob,
    MultiBinary,
    Played,
    Policy,
    Replay,
    Space,
    Track,
    in_episodes,
    periods_on,
)
from dnnexplain.counts import counted
from dnnexplain.reading import read_json
from dnnexplain.sampling import own_streams
from dnnexplain.systems.small_parts import Beginning, OwnChance, Values

__all__ = [
    "Walked",
    "beginning_from_json",
    "beginning_to_json",
    "between",
    "changed_beginning",
    "deciding",
    "narrowed",
    "played",
    "read_beginning",
    "replay_of",
    "walk",
]

_MOST_LANES = 12
"""Knobs that are drawn over time below what was done."""


class Walked(NamedTuple):
    """One step of a batch of episodes: knob values ``[W, K]``, what was seen and done, what it cost ``[W]``."""

    values: Values
    seen: NDArray[np.float32]
    actions: NDArray[Any]
    cost: Values


def walk(
    system: Any, workloads: Sequence[Beginning], decide: Callable[[int, NDArray[np.float32], Values], NDArray[Any]]
) -> Iterator[Walked]:
    """The steps of episodes, one after another.

    Args:
        system: the small system.
        workloads: beginnings ``[W]``.
        decide: from the step's number, what is seen ``[W, V]`` and the knob values ``[W, K]`` to actions in the space's
            form.
    """
    values = np.stack([workload.values for workload in workloads])
    chance = OwnChance(system.step, [workload.seed for workload in workloads])
    for step in range(system.steps):
        seen = system.encode(values)
        actions = decide(step, seen, values)
        after, cost = chance.step(values, actions)
        yield Walked(values, seen, actions, np.asarray(cost, dtype=np.float64))
        values = system.repair(np.asarray(after, dtype=np.float64))


def deciding(
    system: Any, policy: Policy, workloads: Sequence[Beginning], seed: int, *, sample: bool
) -> Callable[[int, NDArray[np.float32], Values], NDArray[Any]]:
    """A policy as what decides in :func:`walk`; drawn actions have a stream for each workload."""
    contents = [workload.values.tobytes() + str(workload.seed).encode() for workload in workloads]
    draw = own_streams(seed, contents) if sample else []
    space: Space = system.output
    course = in_episodes(policy, len(workloads))

    def decide(_step: int, seen: NDArray[np.float32], values: Values) -> NDArray[Any]:
        outputs, allowed = course.outputs(seen), system.allowed(values)
        if isinstance(space, Discrete):
            scores = np.where(allowed, outputs, -np.inf)
            noise = np.stack([stream.gumbel(size=scores.shape[1]) for stream in draw]) if draw else 0.0
            return np.asarray((scores + noise).argmax(axis=1))
        if not draw or isinstance(space, Box):
            return np.asarray(space.decide(outputs, allowed))
        rows = range(len(outputs))
        return np.concatenate([space.draw(outputs[[row]], allowed[[row]], draw[row]) for row in rows])

    return decide


# --- what can be watched ---


def replay_of(
    system: Any, name: str, steps: Sequence[Walked], cost: float, metrics: Mapping[str, float], seed: int
) -> Replay:
    """The first episode of a walk: a lane for each action or switch, the step's cost, and knobs over time.

    An object is a period in which the same was done; a rate is a curve.
    """
    space: Space = system.output
    actions = np.stack([step.actions[0] for step in steps])
    lane, first, last = periods_on(_lanes_on(space, actions))
    times, count = np.arange(len(steps), dtype=np.float64), len(steps)
    chosen = np.full(count, -1, dtype=np.int64)
    chosen[first] = np.arange(len(first))
    tracks, curves = _tracks(system, space, steps, actions)
    start, finish = first.astype(np.float64), (last + 1).astype(np.float64)
    return Replay(
        policy=name,
        observations=np.concatenate([step.seen[:1] for step in steps]),
        actions=actions,
        times=times,
        chosen=chosen,
        objects=tuple(f"{space.names[at]} from step {begun}" for at, begun in zip(lane, first, strict=True)),
        arrival=start,
        start=start,
        finish=finish,
        colours=lane,
        tracks=tracks,
        bar_object=np.arange(len(lane)),
        bar_track=lane,
        bars=np.stack([start, finish, np.zeros(len(lane)), np.ones(len(lane))], axis=1).reshape(-1, 4),
        cost=cost,
        cost_name=system.cost_name,
        metrics=metrics,
        seed=seed,
        curves=curves,
    )


def _lanes_on(space: Space, actions: NDArray[Any]) -> NDArray[np.bool_]:
    """Which lanes have a bar in each step ``[T, A]``; a rate has none."""
    if isinstance(space, Discrete):
        return np.asarray(np.arange(len(space.names)) == actions[:, None])
    return np.asarray(actions, dtype=np.bool_) if isinstance(space, MultiBinary) else np.zeros((len(actions), 0), bool)


def _tracks(
    system: Any, space: Space, steps: Sequence[Walked], actions: NDArray[Any]
) -> tuple[tuple[Track, ...], tuple[Curve, ...]]:
    """The lanes from top to bottom, and the curves on them; a quantity below zero has no lane, for lanes begin at 0."""
    names = () if isinstance(space, Box) else space.names
    tracks = [Track(name, "chosen" if isinstance(space, Discrete) else "on", 1.0, thin=True) for name in names]
    values = np.stack([step.values[0] for step in steps])
    lines = [("cost of the step", "", np.array([step.cost[0] for step in steps]))]
    if isinstance(space, Box):
        lines = [*((name, space.unit, actions[:, at]) for at, name in enumerate(space.names)), *lines]
    lines += [(knob.name, knob.unit, values[:, at]) for at, knob in enumerate(system.knobs)][:_MOST_LANES]
    times, curves = np.arange(len(steps) + 1, dtype=np.float64), []
    for name, unit, curve in lines:
        if (curve >= 0).all():
            curves.append(Curve(name, len(tracks), times, np.append(curve, curve[-1]), steps=True))
            tracks.append(Track(name, unit, float(max(curve.max(), 1e-9))))
    return tuple(tracks), tuple(curves)


# --- what can be played ---


def read_beginning(system: Any, path: Path) -> tuple[Beginning, str]:
    """The beginning in a JSON file: values by knob, and ``seed`` of its chance (0)."""
    data = read_json(path, "the beginning of an episode")
    if not isinstance(data, Mapping):
        msg = f"{path} must be a JSON object of knob values, such as {{{system.knobs[0].name!r}: {system.knobs[0].start:g}}}"
        raise DnnExplainError(msg)
    return beginning_from_json(system, data), ""


def played(system: Any, workload: Beginning, actions: Sequence[Any] | None, policy: Policy | None, seed: int) -> Played:
    """Given actions, or a policy's, step by step: values, what was seen, done and paid; see ``contract.Acting``."""
    if actions is not None:
        given = _checked(system.output, actions, system.steps)
        steps = list(_given(system, workload, given))
    elif policy is not None:
        steps = list(walk(system, [workload], deciding(system, policy, [workload], seed, sample=False)))
    else:
        msg = "playing an episode needs actions, or a policy that takes them"
        raise DnnExplainError(msg)
    cost = np.array([step.cost[0] for step in steps])
    arrays = {
        "values": np.stack([step.values[0] for step in steps]),
        "observations": np.stack([step.seen[0] for step in steps]),
        "actions": np.stack([step.actions[0] for step in steps]),
        "cost": cost,
    }
    data = {"cost": float(cost.sum()), "steps": len(steps)}
    return Played(arrays, data, f"{counted(len(steps), 'decision')}, {system.cost_name} {cost.sum():.3g} in all.")


def _given(system: Any, workload: Beginning, given: NDArray[Any]) -> Iterator[Walked]:
    def decide(step: int, _seen: NDArray[np.float32], values: Values) -> NDArray[Any]:
        action, allowed = given[step], system.allowed(values)[0]
        space: Space = system.output
        wrong = (
            not allowed[action]
            if isinstance(space, Discrete)
            else isinstance(space, MultiBinary) and (action & ~allowed).any()
        )
        if wrong:
            msg = f"action {step}, {space.tell(action)}, is not possible in that state"
            raise DnnExplainError(msg)
        return given[step : step + 1]

    steps = walk(system, [workload], decide)
    return (step for step, _ in zip(steps, given, strict=False))


def _checked(space: Space, actions: Sequence[Any], most: int) -> NDArray[Any]:
    """Actions as JSON holds them, in the space's form: indices or names, numbers, yes or no."""
    if len(actions) > most:
        msg = f"an episode has {most} decisions, so at most that many actions can be played, not {len(actions)}"
        raise DnnExplainError(msg)
    return np.stack([_one_action(space, action, place) for place, action in enumerate(actions)])


def _one_action(space: Space, action: Any, place: int) -> NDArray[Any]:
    count = len(space.names)
    if isinstance(action, str):
        return np.asarray(space.parse(action))
    if isinstance(space, Discrete):
        if isinstance(action, int) and not isinstance(action, bool) and 0 <= action < count:
            return np.asarray(action)
        expected = f"a number from 0 to {count - 1}, or one of {', '.join(space.names)}"
    else:
        row = action if isinstance(action, list) else [action]
        if isinstance(space, MultiBinary) and len(row) == count and all(item in {0, 1} for item in row):
            return np.asarray(row, dtype=np.bool_)
        plain = all(isinstance(item, int | float) and not isinstance(item, bool) for item in row)
        if isinstance(space, Box) and len(row) == count and plain:
            low, high = space.bounds
            values = np.asarray(row, dtype=np.float64)
            if ((values >= low) & (values <= high)).all():
                return values
        expected = (
            f"{count} of yes or no"
            if isinstance(space, MultiBinary)
            else f"{count} numbers within the bounds of {', '.join(space.names)}"
        )
    msg = f"action {place} must be {expected}, not {action!r}"
    raise DnnExplainError(msg)


# --- what can be changed ---


def beginning_to_json(system: Any, workload: Beginning) -> dict[str, Any]:
    """Values by knob, and the seed of the chance."""
    values = {knob.name: float(value) for knob, value in zip(system.knobs, workload.values, strict=True)}
    return {**values, "seed": workload.seed}


def beginning_from_json(system: Any, data: Mapping[str, Any]) -> Beginning:
    """The inverse; knobs not named keep their defaults, and the seed is 0 unless given."""
    rest = dict(data)
    seed = rest.pop("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        msg = f"seed must be a whole number from 0, not {seed!r}"
        raise DnnExplainError(msg)
    values = system.state_from_json(rest).values
    return Beginning(system.repair(values[None])[0], seed)


def narrowed(knobs: Sequence[Knob], limits: Mapping[str, tuple[float, float]]) -> tuple[Values, Values]:
    """The bounds of knobs ``[K]`` within limits by name.

    Raises:
        DnnExplainError: an unknown name, or limits that leave no value.
    """
    low, high = (np.array([getattr(knob, end) for knob in knobs], dtype=np.float64) for end in ("low", "high"))
    names = [knob.name for knob in knobs]
    for name, (least, most) in limits.items():
        if name not in names:
            raise Choice("limit of a beginning", name, tuple(names)).error()
        at = names.index(name)
        low[at], high[at] = max(low[at], least), min(high[at], most)
        if low[at] > high[at]:
            msg = f"the limits of {name} leave no value: {least} to {most}, within {knobs[at].low:g} to {knobs[at].high:g}"
            raise DnnExplainError(msg)
    return low, high


def changed_beginning(
    system: Any,
    workload: Beginning,
    rng: np.random.Generator,
    limits: Mapping[str, tuple[float, float]],
    *,
    all_of_it: bool,
) -> Beginning:
    """A beginning in which some knobs (mostly one or two), or all of them, have other values within limits."""
    low, high = narrowed(system.knobs, limits)
    count = len(system.knobs)
    drawn = low + (high - low) * rng.random(count)
    some = np.ones(count, bool)
    if not all_of_it:
        some = np.zeros(count, bool)
        some[rng.choice(count, size=min(count, int(rng.geometric(0.6))), replace=False)] = True
    values = np.clip(np.where(some, drawn, workload.values), low, high)
    return Beginning(system.repair(values[None])[0], workload.seed)


def between(system: Any, first: Beginning, second: Beginning, rng: np.random.Generator) -> Beginning:
    """A beginning with some knobs of one and the rest of another; chance is the first's."""
    values = np.where(rng.random(len(system.knobs)) < 0.5, first.values, second.values)
    return Beginning(system.repair(values[None])[0], first.seed)
