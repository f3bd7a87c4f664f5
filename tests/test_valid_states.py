"""One definition of a valid state, for files, proofs and searches of every system."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import State, outside_valid, state_from_observation, state_from_values, valid_states
from dnnexplain.systems import make_system
from tests.fakes import FakeChoice


@pytest.mark.parametrize("system", [FakeChoice(), make_system("deeprm", slots=2)], ids=lambda one: one.name)
def test_what_the_knobs_paint_is_valid_and_nothing_else(system):
    state = state_from_values(system, {})
    assert outside_valid(system, state) == ""
    painted = system.encode(state.values[None])[0]
    assert outside_valid(system, state_from_observation(system, painted)) == ""
    beyond = np.array(state.values)
    beyond[0] = system.knobs[0].high + 3
    told = outside_valid(system, State(beyond))
    assert system.knobs[0].name in told
    assert valid_states(system) in told


def test_rows_of_a_cluster_with_gaps_are_read_and_lie_outside():
    system = make_system("deeprm", slots=2)
    empty = [".........."] * system.params.horizon
    cluster = {"cpu": ["#.#.......", *empty[1:]], "memory": empty}
    state = system.state_from_json({"slots": [], "cluster": cluster})
    assert "rows of the cluster with gaps" in outside_valid(system, state)
    cluster["cpu"][0] = "##........"
    assert outside_valid(system, system.state_from_json({"slots": [], "cluster": cluster})) == ""
