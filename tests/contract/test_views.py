"""Views as data: what a system says is checked, and every built-in system's speaks of its own knobs."""

from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, GraphView, Line, Node, SeriesView, Side, SweepAxis, SweepView
from dnnexplain.contract.views import checked_views
from dnnexplain.registry import BUILT_IN, make_system, views_of
from tests.systems.fakes import Lamps

LAMPS = Lamps()


def nothing(_state, _decision):
    return [Side("Network", "", np.zeros(1))]


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (SeriesView("Needs", ("1",), (Line("need", ("need 7",)),)), "need 7"),
        (
            SeriesView("Needs", ("1", "2"), (Line("need", ("need 1",)),)),
            "names 1 where it has 2: one knob for each place",
        ),
        (
            SeriesView("Needs", ("1",), (Line("need", ("need 1",), "bars", chances=True),)),
            r"needs as many places \(3\)",
        ),
        (SeriesView("Needs", ("1",), (Line("need", ("need 1",)),), level="heat"), "heat"),
        (GraphView("Lamps", (Node("a"),), ((0, 1),), nothing), "edge"),
        (GraphView("Lamps", (Node("a", amount="heat"),), (), nothing), "heat"),
        (GraphView("Lamps", (Node("a", output="lamp 9"),), (), nothing), "lamp 9"),
        (GraphView("Lamps", (Node("a", moves=("need 1", "y")),), (), nothing), "'y'"),
        (SweepView("Needs", SweepAxis("need", ("need 1",)), SweepAxis("heat", ("heat",))), "heat"),
    ],
)
def test_a_view_that_does_not_fit_its_system_is_refused_with_what_to_write(view, said):
    with pytest.raises(DnnExplainError, match=said):
        checked_views(LAMPS, (view,))


def test_a_system_says_itself_how_it_is_drawn_or_its_spec_does():
    graph, series = views_of(LAMPS)
    assert isinstance(graph, GraphView)
    assert series.title == "Needs"
    plain = SimpleNamespace(name="plain", knobs=(), output=None)
    assert views_of(plain) == ()


@pytest.mark.parametrize("name", BUILT_IN)
def test_views_of_built_in_systems_fit_them(name):
    views_of(make_system(name))
