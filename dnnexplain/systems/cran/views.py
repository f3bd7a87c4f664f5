"""How a cloud RAN is drawn: the square with heads and users, and who serves whom at what power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import Decision, GraphView, Node, Side, State, SweepAxis, SweepView, View
from dnnexplain.systems.cran.power import least_power, set_of, slot_power

if TYPE_CHECKING:
    from dnnexplain.systems.cran.system import CloudRan

__all__ = ["MOST_HEADS", "views"]

MOST_HEADS = 8
"""With more heads the optimum of a state takes longer than a step of a drag may; a rule is drawn beside the network."""


def views(system: CloudRan) -> tuple[View, ...]:
    """The map, and what is done over the demands of two users (of one: over demand and time)."""
    users = system.scene.users
    first = SweepAxis("demand of user 1", ("user 1 demand",), steps=41)
    second = SweepAxis("demand of user 2", ("user 2 demand",), steps=41) if users > 1 else SweepAxis("time", ("time",))
    note = "Places, channels and the heads that are awake are as they are now."
    return _map(system), SweepView("Over the users' demands" if users > 1 else "Over demand", first, second, note=note)


def _map(system: CloudRan) -> GraphView:
    scene = system.scene
    deciding = system.output.names[-scene.heads :]  # of toggles the first is "no change"
    heads = [
        Node(
            f"head {r + 1}", (float(x) / scene.side, 1 - float(y) / scene.side),
            switch=f"head {r + 1} awake", shape="square", output=deciding[r],
        )
        for r, (x, y) in enumerate(scene.positions)
    ]  # fmt: skip
    users = [
        Node(f"user {u}", moves=(f"user {u} x", f"user {u} y"), amount=f"user {u} demand")
        for u in range(1, scene.users + 1)
    ]
    edges = tuple((r, scene.heads + u) for u in range(scene.users) for r in range(scene.heads))
    exact = scene.heads <= MOST_HEADS
    rule = None if exact else system.rules()["greedy"]

    def show(state: State, decision: Decision) -> list[Side]:
        seen = system.encode(state.values[None], state.background)
        if rule is None:
            other, name = system.judging.best(seen), "Optimum"
        else:
            other, name = system.output.decide(rule.outputs(seen))[0], "Greedy rule"
        return [_side(system, state, decision.taken, "Network"), _side(system, state, other, name)]

    return GraphView(
        "Who serves whom?", (*heads, *users), edges, show, "share of a user's power that comes from a head", tell=_tell
    )


def _side(system: CloudRan, state: State, action: Any, name: str) -> Side:
    """What an action brings about in this slot."""
    scene = system.scene
    seen = system.encode(state.values[None], state.background)
    channels, demand = system.codec.program(seen)
    on = system.next_heads(state, action)
    power_solution = least_power(scene, channels[0], demand[0], on)
    changed = int(np.bitwise_count(set_of(on) ^ int(system.codec.awake_sets(seen)[0])))
    charged = float(slot_power(scene, on.sum(), np.float64(power_solution.radiated))) + scene.switch_power * changed
    sent = np.zeros((scene.users, scene.heads))
    np.add.at(sent.T, scene.head_of, (np.abs(power_solution.beams) ** 2).T)
    words = tuple(f"{1000 * watts:.3g} mW" for watts in sent.ravel())
    outage = "" if power_solution.served else ", demands not served"
    headline = f"{charged:.1f} W, {int(on.sum())} of {scene.heads} awake{outage}"
    share = sent / np.maximum(sent.sum(axis=1, keepdims=True), 1e-12)
    return Side(name, headline, share.ravel(), words, (*(bool(item) for item in on), *[True] * scene.users))


def _tell(sides: Sequence[Side]) -> str:
    ours, best = sides
    watts = [float(side.headline.split()[0]) for side in sides]
    if best.name != "Optimum":
        return f"{watts[0]:.1f} W with the network, {watts[1]:.1f} W with the greedy rule"
    same = ours.on == best.on
    if same:
        return f"{watts[0]:.1f} W with the same heads as at the optimum"
    more = watts[0] - watts[1]
    return f"{abs(more):.1f} W {'above' if more >= 0 else 'below'} the optimum's {watts[1]:.1f} W in this slot"
