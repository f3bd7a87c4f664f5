"""What a dashboard of a topology shows: whole cases where they are few numbers, the present matrix alone where not."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.registry import make_system, spec_of
from dnnexplain.systems.routing import boards
from dnnexplain.systems.routing.presets import traffic_presets

SPEC = spec_of("routing")


def test_without_a_topology_it_is_what_the_spec_says():
    assert SPEC.on_board({}) == dict(SPEC.board) == {"history": 12, "routed": True}


def test_a_large_topology_has_the_present_matrix_alone(monkeypatch):
    assert SPEC.on_board({"topology": "ring-4"}) == {"topology": "ring-4", "history": 12, "routed": True}
    monkeypatch.setattr(boards, "MOST_KNOBS", 4 * 3 * 13 - 1)
    assert SPEC.on_board({"topology": "ring-4"}) == {"topology": "ring-4"}
    assert len(make_system("routing", **SPEC.on_board({"topology": "ring-4"})).knobs) == 12


def test_what_a_user_says_goes_before(monkeypatch):
    monkeypatch.setattr(boards, "MOST_KNOBS", 1)
    given = {"topology": "ring-4", "history": 3}
    assert SPEC.on_board(given) == given


def test_a_topology_that_is_not_there_is_named():
    with pytest.raises(DnnExplainError, match="nowhere"):
        SPEC.on_board({"topology": "nowhere"})


@pytest.mark.parametrize("settings", [{"history": 12, "routed": True}, {"history": 2, "routed": True}, {}])
def test_presets_fit_the_matrices_that_a_state_has(settings):
    system = make_system("routing", topology="ring-4", **settings)
    offered = traffic_presets(system)
    assert ("Calm before, then bursts" in offered) == bool(settings)
    for name, state in offered.items():
        assert state.values.shape == (len(system.knobs),), name
        np.testing.assert_array_equal(system.repair(state.values[None])[0], state.values)
