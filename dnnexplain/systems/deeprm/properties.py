"""What can be proved of a scheduler: how jobs paint jointly, which states are valid, and ready properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.properties import Case, Change, Property, Relation, StateSet, chosen_over, monotone_choice
from dnnexplain.systems.deeprm.observation.knobs import RESOURCES
from dnnexplain.systems.deeprm.simulator.model import Params

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.cluster import Cluster

__all__ = ["joint_knobs", "monotone_length", "never_empty_slot", "rules_agree", "sure_actions", "valid_within"]


def joint_knobs(params: Params) -> tuple[tuple[str, ...], ...]:
    """A job paints one rectangle for each resource: its length by its demand."""
    return tuple(
        (f"job {slot} length", f"job {slot} {name}") for slot in range(1, params.slots + 1) for name in RESOURCES
    )


def job_relations(params: Params) -> tuple[Relation, ...]:
    """No demand without a length, no length without some demand."""
    relations = []
    for slot in range(1, params.slots + 1):
        length, demands = f"job {slot} length", [f"job {slot} {name}" for name in RESOURCES]
        relations += [Relation({length: float(params.max_job_units), demand: -1.0}, low=0.0) for demand in demands]
        relations.append(Relation({length: -1.0, **dict.fromkeys(demands, float(params.max_job_length))}, low=0.0))
    return tuple(relations)


def sure_actions(
    system: Cluster, low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which actions are valid in all states of a box, and which in some, or may be ``[slots + 1]`` each.

    A job fits less the longer it is, the more it needs, and the more is in use. Waiting is forbidden in an idle
    cluster with a job that fits, so it is surely valid where something runs or no job can be there.
    """
    slots, first, last = system.params.slots, system.codec.layout.use_first, system.codec.layout.backlog_knob
    hardest, easiest = high.copy(), low.copy()
    jobs = slice(0, 3 * slots)
    gone = low[jobs].reshape(slots, 3)
    always = system.valid_values(hardest[None])[0]
    always[:slots] &= (gone[:, 0] > 0) & (gone[:, 1:].sum(axis=1) > 0)
    can_be = high[jobs].reshape(slots, 3)
    small = easiest.copy().reshape(1, -1)
    shaped = small[0, jobs].reshape(slots, 3)
    shaped[:, 0] = np.maximum(shaped[:, 0], 1)
    bare = shaped[:, 1:].sum(axis=1) == 0
    shaped[bare, 1] = np.minimum(can_be[bare, 1], 1)
    shaped[bare & (shaped[:, 1:].sum(axis=1) == 0), 2] = 1
    small[0, jobs] = shaped.reshape(-1)
    ever = system.valid_values(small)[0]
    ever[:slots] &= (can_be[:, 0] > 0) & (can_be[:, 1:].sum(axis=1) > 0)
    runs = bool((low[first:last] > 0).any())
    always[slots] = runs or not (can_be[:, 0] > 0).any()
    ever[slots] = bool((high[first:last] > 0).any()) or not always[:slots].any()
    return always, ever


def valid_within(
    system: Cluster, action: int, low: NDArray[np.float64], high: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Boxes that hold all states of a box in which an action is valid: for a job, one for each step in which it may start.

    There the rows that its least length takes have room for the least that it needs.
    """
    params, first = system.params, system.codec.layout.use_first
    if action == params.slots:
        return [(low, high)]
    length, *needs = low[3 * action : 3 * action + 3]
    boxes = []
    for start in range(params.horizon - max(int(length), 1) + 1):
        within = high.copy()
        for resource, need in enumerate(needs):
            begin = first + resource * params.horizon + start
            rows = slice(begin, begin + max(int(length), 1))
            within[rows] = np.minimum(within[rows], params.units - need)
        if (within >= low).all():
            boxes.append((low, within))
        if (within == high).all():
            return [(low, high)]
    return boxes


def _idle(system: Cluster, *, backlog: bool = False) -> StateSet:
    """States of an idle cluster, with an empty backlog unless one is allowed."""
    rows = {f"{name} in use at step {row}": 0 for name in RESOURCES for row in range(system.params.horizon)}
    return StateSet.all_of(system).where(system, **rows, **({} if backlog else {"backlog": 0}))


def never_empty_slot(system: Cluster) -> Property:
    """With an idle cluster, an empty backlog and a job in another slot, no empty slot is ranked first (raw outputs)."""
    slots = system.params.slots
    cases = []
    for slot in range(1, slots + 1):
        empty = {f"job {slot} {what}": 0 for what in ("length", *RESOURCES)}
        others = {f"job {other} length": 1.0 for other in range(1, slots + 1) if other != slot}
        states = _idle(system).where(system, **empty).related(Relation(others, low=1.0))
        rows = chosen_over(slots + 1, slot - 1)
        cases.append(Case(f"slot {slot} is empty and is ranked first", states, rows, np.zeros(slots)))
    text = "With an idle cluster, an empty backlog and a job waiting in another slot, no empty slot is ranked first"
    return Property("never-empty-slot", text, tuple(cases), ("raw outputs are compared, without a mask",))


def monotone_length(system: Cluster) -> Property:
    """A job that is not ranked first is not ranked first either when it is longer, all else equal."""
    p = system.params
    cases: list[Case] = []
    for slot in range(1, p.slots + 1):
        states = StateSet.all_of(system).where(system, **{f"job {slot} length": (1, p.max_job_length - 1)})
        change = Change(f"job {slot} length", 1.0, float(p.max_job_length - 1))
        names = system.output.names
        for case in monotone_choice(states, change, p.slots + 1, [slot - 1], ("{other}", "")):
            words = f"job {slot}, ranked below {names[int(case.name)]}, is ranked first once it is longer"
            cases.append(Case(words, case.states, case.rows, case.offset, case.change))
    text = "A job that another action is preferred to is not ranked first once it is longer, all else equal"
    return Property("monotone-length", text, tuple(cases), ("raw outputs are compared, without a mask",))


def rules_agree(system: Cluster) -> Property:
    """In an idle cluster whose slots are all taken, the job that is first, shortest and largest is ranked first.

    There SJF (shortest), FCFS (first slot) and Tetris (largest aligned demand; in an idle cluster: most units) agree.
    """
    slots = system.params.slots
    states = _idle(system, backlog=True)
    present = {f"job {slot} length": (1, system.params.max_job_length) for slot in range(1, slots + 1)}
    states = states.where(system, **present)
    for other in range(2, slots + 1):
        longer = Relation({f"job {other} length": 1.0, "job 1 length": -1.0}, low=1.0)
        sums = {f"job 1 {name}": 1.0 for name in RESOURCES} | {f"job {other} {name}": -1.0 for name in RESOURCES}
        states = states.related(longer, Relation(sums, low=1.0))
    cases = []
    for action in range(1, slots + 1):
        rows = chosen_over(slots + 1, action, [0])
        cases.append(Case(f"{system.output.names[action]} is ranked above job 1", states, rows, np.zeros(1)))
    text = (
        "In an idle cluster with a job in every slot, where SJF, FCFS and Tetris all take job 1 (it is the shortest, the "
        "first and the one with the most units), the network ranks it first"
    )
    return Property("agrees-with-rules", text, tuple(cases), ("raw outputs are compared, without a mask",))
