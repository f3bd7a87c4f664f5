"""What is claimed of routers: each pair's own demands, in worlds with a history too."""

import numpy as np
import pytest

from dnnexplain.registry import make_system
from dnnexplain.systems.routing.properties import monotone_demand, never_most_on_the_longest

WORLDS = ({}, {"history": 2}, {"history": 2, "routed": True})


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_small_demands_are_those_of_the_pair_alone_in_every_matrix(world):
    system = make_system("routing", **world)
    claim = never_most_on_the_longest(system)
    groups = np.array([knob.group for knob in system.knobs])
    cap = system.knobs[0].high
    assert len(claim.cases) == len(set(groups))
    for case in claim.cases:
        pair = case.name.partition(" sends")[0]
        assert np.allclose(case.states.high, np.where(groups == pair, 0.1 * cap, cap))
        (place,) = np.flatnonzero(case.rows[0])
        names = system.output.names
        assert names[place].startswith(f"{pair} path ")
        assert place + 1 == len(names) or not names[place + 1].startswith(f"{pair} path ")


@pytest.mark.parametrize(("world", "newest"), [*zip(WORLDS, ([""], [", 1 matrix ago"], [", 1 matrix ago", ", to route"]), strict=True)], ids=str)  # fmt: skip
def test_the_demand_that_grows_is_the_newest_that_a_router_may_see(world, newest):
    system = make_system("routing", **world)
    changes = [case.change.knob for case in monotone_demand(system).cases]
    pairs = dict.fromkeys(knob.group for knob in system.knobs)
    assert changes == [f"demand {pair}{ending}" for pair in pairs for ending in newest]
