"""Given actions, or a policy's, over one day, slot by slot, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Played, Policy
from dnnexplain.counts import counted
from dnnexplain.reading import read_json
from dnnexplain.systems.cran.mutation import from_json
from dnnexplain.systems.cran.power import awake_of
from dnnexplain.systems.cran.runner import run_days

if TYPE_CHECKING:
    from dnnexplain.systems.cran.days import Day
    from dnnexplain.systems.cran.radio import Radio

__all__ = ["played", "read_day"]


def read_day(system: Radio, path: Path) -> tuple[Day, str]:
    """The day in a JSON file, as ``CloudRan.workload_to_json`` has it, alone or as ``workload`` of what an attack found."""
    data = read_json(path, "a day")
    if isinstance(data, Mapping) and isinstance(data.get("workload"), Mapping):
        data = data["workload"]
    if not isinstance(data, Mapping):
        msg = f"{path} must be a JSON object with slots, rows of numbers"
        raise DnnExplainError(msg)
    return from_json(system.scene, data), ""


def played(system: Radio, day: Day, actions: Sequence[Any] | None, policy: Policy | None, seed: int) -> Played:
    """A day with given actions ``[T]`` or ``[T, R]``, or a policy's; see ``contract.Acting``."""
    if actions is not None:
        given = iter(_checked(system, actions, len(day)))
        run = run_days(system.codec, system.output, lambda _seen: next(given)[None], [day])
    elif policy is not None:
        run = system.simulate(policy, [day], seed=seed)
    else:
        msg = "playing a day needs actions, or a policy that takes them"
        raise DnnExplainError(msg)
    episodes = system.episodes("" if policy is None else policy.name, run, [day], seed)
    figures = {name: float(values[0]) for name, values in episodes.metrics.items()}
    arrays = {
        "observations": run.observations[0],
        "actions": run.actions[0],
        "awake": awake_of(run.sets[0], system.scene.heads),
        "radiated": run.radiated[0],
        "power": run.power[0],
        "served": run.served[0],
    }
    cost = float(episodes.cost[0])
    words = (
        f"{cost:.4g} W are charged on average over {counted(len(day), 'slot')}, with {figures['heads awake']:.3g} heads awake and "
        f"{counted(round(figures['switches']), 'switch', 'switches')}; {counted(round(figures['unserved slots']), 'slot')} not served."
    )
    return Played(arrays, {"cost": cost, "steps": len(day), **figures}, words)


def _checked(system: Radio, actions: Sequence[Any], slots: int) -> NDArray[Any]:
    """Actions as JSON holds them, by number or name, or as switches: one for each slot."""
    toggles, names = system.action == "toggle", system.output.names
    each = f"a number from 0 to {len(names) - 1}" if toggles else f"a list of {len(names)} switches, 0 or 1"
    if len(actions) != slots:
        msg = f"the day has {counted(slots, 'slot')} and needs as many actions, each {each}; there are {len(actions)}"
        raise DnnExplainError(msg)
    indices = [
        names.index(action) if toggles and isinstance(action, str) and action in names else action for action in actions
    ]
    try:
        table = np.asarray(indices)
    except ValueError:
        table = np.empty(0, dtype=object)
    fits = table.shape == ((slots,) if toggles else (slots, len(names)))
    if not fits or table.dtype.kind not in "bi" or table.min() < 0 or table.max() >= (len(names) if toggles else 2):
        place = next((at for at, item in enumerate(indices) if not _is_one(item, toggles, len(names))), 0)
        msg = f"each action of a slot is {each}; the action of slot {place + 1} is {str(actions[place])[:60]}"
        raise DnnExplainError(msg)
    return table.astype(np.int64) if toggles else table.astype(bool)


def _is_one(action: Any, toggles: bool, count: int) -> bool:
    """Whether this is one toggle's number, or the switches of all heads."""
    if toggles:
        return isinstance(action, int) and 0 <= action < count
    return (
        isinstance(action, list)
        and len(action) == count
        and all(isinstance(item, int) and item in {0, 1} for item in action)
    )
