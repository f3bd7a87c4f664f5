"""What follows a decision on heads: days that go on from one slot, as others did from that hour on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy, Space, in_episodes
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.runner import Run, run_days

__all__ = ["ASSUMED", "KEPT", "entered", "gone_on", "gone_on_together"]

KEPT = 0.9
"""What is kept of a difference from slot to slot: the correlation of demands' noise and of fading in days as they are drawn."""
ASSUMED = (
    "The slot itself is the state's; then each day goes on from this hour, with users where the state has them. What "
    f"demands and channels differ from the day's shrinks by {1 - KEPT:.0%} a slot, as noise and fading of generated days "
    "forget. Figures are of the state's slot and the rest of the day."
)


def entered(codec: Codec, observation: NDArray[Any], days: Sequence[Day]) -> tuple[list[Day], int]:
    """The rest of each day as if it had come to the state, from its slot on; the slot.

    Of a stationary first-order process, a path plus what the present differs from it, shrunk by the correlation in every
    step, is a path given the present (conditioning by kriging: Journel and Huijbregts, 1978).
    """
    row, scene = codec.check(observation[None])[0], codec.scene
    slot = round(float(row[0]) / scene.slot_hours) % scene.slots
    count = scene.slots - slot
    kept = KEPT ** np.arange(count)
    demand, place = row[codec.demand], row[codec.place].reshape(scene.users, 2)
    links = (scene.users, scene.heads * scene.antennas)
    fade = _amplitude(row[codec.gain].reshape(links) - _mean(codec, place), row[codec.phase].reshape(links))
    rest = []
    for day in days:
        at = (slot + np.arange(count)) % len(day)
        wanted = day.demand[at] + kept[:, None] * (demand - day.demand[at[0]])
        where = np.clip(place + day.place[at] - day.place[at[0]], 0.0, scene.side)
        own = _amplitude(day.gain[at] - _mean(codec, day.place[at]), day.phase[at])
        links_on = own + kept[:, None, None] * (fade - own[0])
        gain = _mean(codec, where) + 20 * np.log10(np.maximum(np.abs(links_on), 1e-9))
        phase = np.rad2deg(np.angle(links_on))
        gain[0], phase[0] = row[codec.gain].reshape(links), row[codec.phase].reshape(links)
        rest.append(Day(np.maximum(wanted, 0.0), where, gain, phase))
    return rest, slot


def _mean(codec: Codec, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gains by distance alone ``[..., U, N]``, dB."""
    return np.repeat(codec.scene.mean_gain(place), codec.scene.antennas, axis=-1)


def _amplitude(margin: NDArray[np.float64], phase: NDArray[np.float64]) -> NDArray[np.complex128]:
    """What shadowing and fading make of a link, for margins in dB and phases in degrees."""
    return np.asarray(10 ** (margin / 20) * np.exp(1j * np.deg2rad(phase)))


def gone_on(
    codec: Codec, space: Space, observation: NDArray[Any], policy: Policy, action: Any, days: Sequence[Day]
) -> tuple[list[Day], Run]:
    """Take an action in a state, then let a policy go on to the end of each day; see ``contract.Continuing``."""
    rest, slot = entered(codec, observation, days)
    course = in_episodes(policy, len(rest))
    first = iter([np.repeat(np.asarray(action)[None], len(rest), axis=0)])

    def decide(seen: NDArray[np.float32]) -> NDArray[Any]:
        given = next(first, None)
        return space.decide(course.outputs(seen)) if given is None else given

    awake = int(codec.awake_sets(observation[None])[0])
    return rest, run_days(codec, space, decide, rest, awake=awake, slot=slot)


def gone_on_together(
    codec: Codec,
    space: Space,
    observations: NDArray[Any],
    policy: Policy,
    which: NDArray[np.int64],
    actions: NDArray[Any],
    days: Sequence[Day],
) -> NDArray[np.float64]:
    """The mean power, W, that :func:`gone_on` gives for ``N`` pairs of a state and an action ``[N, W]``.

    All pairs whose states are of one slot run side by side, so that the policy is asked once per slot for all of them.

    Args:
        codec, space, policy, days: as of :func:`gone_on`.
        observations: the states ``[S, n]``.
        which: the state of each pair ``[N]``.
        actions: the action of each pair ``[N, ...]``.
    """
    entries = [entered(codec, row, days) for row in observations]
    slots, awake = np.array([slot for _, slot in entries]), codec.awake_sets(observations)
    cost = np.empty((len(which), len(days)))
    for slot in np.unique(slots[which]):
        pairs = np.flatnonzero(slots[which] == slot)
        rest = [day for pair in pairs for day in entries[which[pair]][0]]
        course = in_episodes(policy, len(rest))
        first = iter([np.repeat(actions[pairs], len(days), axis=0)])

        def decide(
            seen: NDArray[np.float32], course: Policy = course, first: Iterator[NDArray[Any]] = first
        ) -> NDArray[Any]:
            given = next(first, None)
            return space.decide(course.outputs(seen)) if given is None else given

        start = np.repeat(awake[which[pairs]], len(days))
        run = run_days(codec, space, decide, rest, awake=start, slot=int(slot))
        cost[pairs] = run.power.mean(axis=1).reshape(len(pairs), len(days))
    return cost
