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


def test_a_page_that_is_given_a_state_outside_says_so():
    from dnnexplain_widgets.masthead import Masthead
    from dnnexplain_widgets.saved import session_to_json
    from dnnexplain_widgets.session import Session

    system = make_system("deeprm", slots=5)
    rule = system.rules()["sjf"]
    empty = [".........."] * system.params.horizon
    outside = system.state_from_json({"slots": [], "cluster": {"cpu": ["#.#.......", *empty[1:]], "memory": empty}})
    told = []
    for state in (outside, state_from_values(system, {})):
        saved = session_to_json(Session(system, rule, state))
        page = Masthead(session=Session(system, rule), policies={"sjf": rule})
        page.load(saved)
        told.append(page.sentence)
    assert "lies outside the valid ones" in told[0]
    assert "outside" not in told[1]
