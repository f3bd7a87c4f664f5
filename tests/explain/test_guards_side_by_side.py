"""Guards that run side by side cost what each costs alone, on systems that ask by the episode and on one that does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnnexplain.explain.guards import Guard
from dnnexplain.explain.guards.guard import GuardRule
from dnnexplain.explain.guards.guarded import Guarded
from dnnexplain.explain.guards.side_by_side import costs_side_by_side
from dnnexplain.explain.guards.stay import Stay
from dnnexplain.explain.regions import Span, Where
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.systems import make_system


def guards(world: Any, policy: Any, workloads: Any, count: int) -> list[Guarded]:
    """No guard, and guards of one or two rules at random, some of them with memories."""
    rng, quantities = np.random.default_rng(0), quantities_of(world)
    values = np.asarray(quantities(met_states(world, policy, workloads, 100)), dtype=float)
    names = [name for name in world.rules() if name not in {"random", "optimum"}]

    def rule() -> GuardRule:
        column = int(rng.integers(values.shape[1]))
        span = Span(quantities.names[column], float(rng.choice(values[:, column])))
        memory = [{}, {}, {"after": 3}, {"stay": Stay()}, {"stay": Stay(Where((span,)), 4)}][int(rng.integers(5))]
        where = Where((Span(span.feature, at_most=span.above),) if rng.random() < 0.5 else (span,))
        return GuardRule(where, str(rng.choice(names)), **memory)

    made = [(), *(tuple(rule() for _ in range(1 + at % 2)) for at in range(count))]
    return [Guarded(policy, Guard(world.name, rules), world, compare=False) for rules in made]


@pytest.mark.parametrize(
    ("system", "policy"), [("deeprm", "easy"), ("abr", "bola"), ("cellular", "threshold"), ("routing", "ecmp")]
)
def test_costs_are_those_of_each_alone(system: str, policy: str) -> None:
    world: Any = make_system(system)
    workloads = world.workloads(next(iter(world.workload_names)), 3, 1)
    every = guards(world, world.rules()[policy], workloads, 16)
    own = [workloads[: 3 - (at % 4 == 3)] for at in range(len(every))]
    found = costs_side_by_side(world, every, own)
    for guarded, some, cost in zip(every, own, found, strict=True):
        np.testing.assert_array_equal(cost, world.run(guarded, some).cost)
    assert len({tuple(cost) for cost, some in zip(found, own, strict=True) if len(some) == 3}) > 1, "guards that matter"


def test_more_than_run_at_once_are_run_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world: Any = make_system("abr")
    workloads = world.workloads(
        "markov" if "markov" in world.workload_names else next(iter(world.workload_names)), 4, 1
    )
    every = guards(world, world.rules()["bola"], workloads, 6)
    whole = costs_side_by_side(world, every, [workloads] * len(every))
    monkeypatch.setattr("dnnexplain.explain.guards.side_by_side.MOST", 8)
    np.testing.assert_array_equal(costs_side_by_side(world, every, [workloads] * len(every)), whole)
