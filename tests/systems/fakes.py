"""Three tiny systems with closed forms, one for each space, none of which the product knows.

In all of them the states of an episode come as they come, whatever is done, so that the cost of an action
in a state, the best action and the optimum of an episode are one formula each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    Box,
    Discrete,
    Episodes,
    GraphView,
    Judgement,
    Knob,
    Line,
    Metric,
    MultiBinary,
    Node,
    Parameter,
    Policy,
    Replay,
    SeriesView,
    Side,
    Space,
    Spec,
    State,
    SweepAxis,
    SweepView,
    Target,
    Track,
    state_from_values,
)
from dnnexplain.contract.specs import Family

__all__ = ["FAKES", "Lamps", "Piers", "Valve"]

STEPS = 6


class Act:
    """A rule: a function from knob values ``[B, K]`` to actions."""

    def __init__(self, name: str, system: Passing, act: Any) -> None:
        self.name, self.system, self.act = name, system, act

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        return self.system.output.as_outputs(self.act(self.system.decode(observations)))


class KnobNames:
    """Rules may speak of the knobs; a move is an action."""

    def __init__(self, system: Passing) -> None:
        self.system = system
        self.names = tuple(knob.name for knob in system.knobs)
        self.units = {knob.name: knob.unit for knob in system.knobs}
        self.moves = system.output.names

    def __call__(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        return self.system.decode(observations)

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        return np.tile(np.arange(len(self.moves)), (len(observations), 1))


class Passing:
    """What the three share: states pass by, and each asks for an action that costs something.

    A subclass has ``name``, ``knobs``, ``output``, ``cost_name``, ``price`` and ``best``.
    """

    name: str
    knobs: tuple[Knob, ...]
    output: Space
    cost_name: str
    spec: ClassVar[Spec]
    workload_names: Mapping[str, str]
    workload_knobs = (Knob("spread", "", 0.1, 1.0, 0.1, default=1.0),)

    def __init__(self) -> None:
        self.observation_shape = (len(self.knobs),)
        self.groups = tuple(knob.name for knob in self.knobs)
        self.cell_group = np.arange(len(self.knobs), dtype=np.int64)
        self.low = np.array([knob.low for knob in self.knobs])
        self.span = np.array([knob.high - knob.low for knob in self.knobs])
        self.workload_names = {"passing": "States drawn evenly."}

    def price(self, values: NDArray[np.float64], actions: NDArray[Any]) -> NDArray[np.float64]:
        """What actions cost in states ``[B, K]``: ``[B]``."""
        raise NotImplementedError

    def best(self, values: NDArray[np.float64]) -> NDArray[Any]:
        """The cheapest action of each state."""
        raise NotImplementedError

    # --- one decision

    def encode(self, values: NDArray[np.float64], background: Any = None) -> NDArray[np.float32]:
        del background
        return ((np.asarray(values, float) - self.low) / self.span).astype(np.float32)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        return self.repair(np.asarray(observations, float) * self.span + self.low)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([[knob.snap(x) for knob, x in zip(self.knobs, row, strict=True)] for row in values]).reshape(
            -1, len(self.knobs)
        )

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        return np.ones((len(observations), len(self.output.names)), dtype=bool)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        del state
        return {
            "all lowest": self.encode(self.low[None]),
            "in the middle": self.encode((self.low + self.span / 2)[None]),
        }

    def targets(self, state: State) -> Mapping[str, Target]:
        del state
        return {}

    def rules(self) -> Mapping[str, Policy]:
        start = self.best(np.array([[knob.start for knob in self.knobs]]))
        steady = Act("steady", self, lambda values: np.repeat(start, len(values), axis=0))
        return {"steady": steady, "knows": Act("knows", self, self.best)}

    def state_to_json(self, state: State) -> dict[str, Any]:
        return {knob.name: float(value) for knob, value in zip(self.knobs, state.values, strict=True)}

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        return state_from_values(self, data)

    def describe(self, state: State) -> str:
        return (
            ", ".join(f"{k.name} {v:.3g} {k.unit}".strip() for k, v in zip(self.knobs, state.values, strict=True)) + "."
        )

    # --- what is known of a decision

    losses_exact = True  # closed forms

    def losses(self, state: State, actions: NDArray[Any], *, seconds: float = 10.0) -> NDArray[np.float64]:
        del seconds
        rows = np.repeat(state.values[None], len(actions), axis=0)
        return self.price(rows, np.asarray(actions)) - self.price(rows, self.best(rows))

    def best_action(self, state: State, *, seconds: float = 10.0) -> Any:
        del seconds
        return self.best(state.values[None])[0]

    # --- episodes

    def workloads(self, name: str, count: int, seed: int, *, spread: float = 1.0) -> Sequence[NDArray[np.float64]]:
        assert name in self.workload_names
        drawn = np.random.default_rng(seed).random((count, STEPS, len(self.knobs)))
        return [self.repair(self.low + self.span * (0.5 + spread * (one - 0.5))) for one in drawn]

    def run(self, policy: Policy, workloads: Any, *, seed: int = 0, sample: bool = False) -> Episodes:
        values = np.concatenate(workloads)
        scores, rng = policy.outputs(self.encode(values)), np.random.default_rng(seed)
        taken = self.output.draw(scores, None, rng) if sample else self.output.decide(scores)
        cost = self.price(values, taken).reshape(len(workloads), -1).mean(axis=1)
        right = self.output.same(taken, self.best(values)).reshape(len(workloads), -1).mean(axis=1)
        return Episodes(policy.name, cost, self.cost_name, {"right": right}, seed)

    def bound(self, workload: NDArray[np.float64], *, seconds: float = 10.0) -> Bound:
        del seconds
        least = float(self.price(workload, self.best(workload)).mean())
        return Bound(least, least, "optimal")

    @property
    def features(self) -> KnobNames:
        return KnobNames(self)

    def visit(self, policy: Policy, workloads: Any, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        del policy, seed
        return self.encode(np.concatenate(workloads)), np.repeat(np.arange(len(workloads)), STEPS)


def spec_for(name: str, sentence: str, cost: str) -> Spec:
    spread = Parameter("spread", 1.0, "How far the states spread.", low=0.1, high=1.0)
    return Spec(
        name=name,
        title=name.capitalize(),
        sentence=sentence,
        make=f"tests.systems.fakes:{name.capitalize()}",
        cost=Metric("cost", cost),
        metrics=(Metric("right", "right decisions", better="higher"),),
        families=(Family("passing", "States drawn evenly.", (spread,)),),
        default_count=3,
        apart=("knows",),
        question=f"Why does {name} do this?",
    )


class Piers(Passing):
    """Six piers at which a ferry may land; the fare is earned, so that its cost is negative."""

    name = "piers"
    knobs = (Knob("tide", "m", 0, 5, 1.0), Knob("wind", "m/s", -2.0, 2.0, None, default=0.0))
    output = Discrete(tuple(f"pier {index}" for index in range(1, 7)))
    cost_name = "lost fare, coins"
    views = (SweepView("Tide and wind", SweepAxis("tide", ("tide",)), SweepAxis("wind", ("wind",), steps=7)),)
    spec = spec_for("piers", "A ferry picks one of six piers by tide and wind.", "lost fare, coins")

    def price(self, values, actions):
        return np.abs(values[:, 0] - np.asarray(actions)) + 0.1 * values[:, 1] - 10.0

    def best(self, values):
        return np.round(values[:, 0]).astype(np.int64)

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        loss = self.losses(state, np.arange(6), seconds=seconds)
        return Judgement(tuple(int(one) for one in np.flatnonzero(loss < 1e-9)), loss, exact=True, unit="coins")

    def replay(self, policy: Policy, workload: Any, *, seed: int = 0, sample: bool = False) -> Replay:
        seen, run = self.encode(workload), self.run(policy, [workload], seed=seed, sample=sample)
        none, steps = np.zeros(0), np.arange(STEPS, dtype=float)
        return Replay(
            policy=policy.name,
            observations=seen,
            actions=self.output.decide(policy.outputs(seen)),
            times=steps,
            chosen=np.full(STEPS, -1),
            objects=(),
            arrival=none,
            start=none,
            finish=none,
            colours=np.zeros(0, dtype=np.int64),
            tracks=(Track("pier", "ferries", 1.0),),
            bar_object=np.zeros(0, dtype=np.int64),
            bar_track=np.zeros(0, dtype=np.int64),
            bars=np.zeros((0, 4)),
            cost=float(run.cost[0]),
            cost_name=self.cost_name,
            metrics={"right": float(run.metrics["right"][0])},
            seed=seed,
        )


def lamp_views() -> tuple[GraphView | SeriesView, ...]:
    """Lamps that shine on people, and their needs as bars."""
    needs = tuple(knob.name for knob in Lamps.knobs)
    people = tuple(Node(f"people {i}", ((i - 1) / 2, 0.6), amount=name) for i, name in enumerate(needs, 1))
    lamps = tuple(Node(name, (i / 2, 0.0), shape="square") for i, name in enumerate(Lamps.output.names))

    def show(state: State, decision: Any) -> list[Side]:
        best = state.values > 4
        sides = (("Network", np.asarray(decision.taken, dtype=bool)), ("Optimum", best))
        return [
            Side(name, f"{on.sum()} lamps", on * state.values / 9, (), (*on.tolist(), True, True, True))
            for name, on in sides
        ]

    graph = GraphView("Who is lit?", (*lamps, *people), ((0, 3), (1, 4), (2, 5)), show, "share of all people")
    return graph, SeriesView("Needs", ("1", "2", "3"), (Line("need", needs, "bars"),), axis="lamp")


class Valve(Passing):
    """One rate, which should be what is asked for, less where it is warm."""

    name = "valve"
    knobs = (Knob("demand", "l/s", 0.0, 1.0, None, default=0.5), Knob("warmth", "degrees", 0, 9))
    output = Box(("rate",), "l/s", low=0.0, high=1.0, tolerance=0.05)
    cost_name = "squared error"
    views = (
        SweepView("Demand and warmth", SweepAxis("demand", ("demand",), steps=9), SweepAxis("warmth", ("warmth",))),
    )
    spec = spec_for("valve", "A valve sets one rate by demand and warmth.", "squared error")

    def price(self, values, actions):
        return (np.asarray(actions)[:, 0] - self.best(values)[:, 0]) ** 2

    def best(self, values):
        return np.clip(values[:, :1] * (1 - values[:, 1:] / 18), 0, 1)


class Lamps(Passing):
    """Three lamps: one that is needed and off costs its need, one that is on costs 4."""

    name = "lamps"
    knobs = tuple(Knob(f"need {index}", "people", 0, 9) for index in (1, 2, 3))
    output = MultiBinary(("lamp 1", "lamp 2", "lamp 3"))
    cost_name = "people in the dark and lamps, coins"

    @property
    def views(self) -> tuple[GraphView | SeriesView, ...]:
        return lamp_views()

    spec = spec_for("lamps", "Three lamps go on or off by how many people are near.", "coins")

    def price(self, values, actions):
        return np.where(actions, 4.0, values).sum(axis=1)

    def best(self, values):
        return values > 4


FAKES = {"piers": Piers, "valve": Valve, "lamps": Lamps}
