"""A system of one's own has the panels that work for it, and a panel that fails stands in its own place alone."""

import numpy as np
import pytest
import torch

from dnnexplain.contract import Knob
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import SmallSystem
from dnnexplain_widgets import Dashboard, Session, sections
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.sections import Entry, make_panel


class Crossing(SmallSystem):
    """Two queues before one gate."""

    name = "crossing"
    knobs = (Knob("left queue", "cars", 0, 9), Knob("right queue", "cars", 0, 9))
    actions = ("left", "right")
    cost_name = "waiting, car steps"
    steps = 5
    horizon = 2

    def begin(self, count, rng):
        return rng.integers(0, 10, size=(count, 2)).astype(float)

    def step(self, values, actions, rng):
        gone = np.eye(2)[actions] * [2, 1]
        return np.maximum(values - gone, 0), values.sum(axis=1)


@pytest.fixture
def network():
    torch.manual_seed(0)
    system = Crossing()
    return system, TorchPolicy(
        torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2)), system
    )


def test_every_panel_that_is_offered_to_a_system_without_workload_knobs_works(network):
    system, policy = network
    assert system.workload_knobs == ()
    board = Dashboard(system, policy, options={"TransferPanel": {"workers": 1}})
    for key in board.fitting:
        board.show(key)
    assert [panel.error for panel in board.panels] == [""] * len(board.panels)
    assert {"TransferPanel", "RulesPanel", "AdversarialPanel"} <= {type(panel).__name__ for panel in board.panels}
    grid = board.panel("TransferPanel")
    grid.set_answers(sets=12)
    grid.run()
    assert grid.jobs.wait(60)
    assert (grid.error, grid.result.done.shape, bool(grid.result.done.all())) == ("", (1, 1), True)
    grid.show_cell(0, 0)
    assert grid.error == ""
    assert "cannot be watched" not in grid.sentence


def test_rules_of_such_a_system_are_distilled(network):
    system, policy = network
    options = {
        "RulesPanel": {"settings": {"sets": 4, "unseen": 4, "seeds": 1}, "compare_sets": 4, "bound_seconds": 0.0}
    }
    panel = Dashboard(system, policy, options=options).panel("RulesPanel")
    panel.set_answers(leaves=2)
    panel.distil()
    assert panel.jobs.wait(60)
    assert panel.error == ""
    assert panel.result.tree.leaves <= 2


def test_a_panel_that_fails_shows_its_error_in_its_place_and_hides_no_neighbour(network, monkeypatch):
    system, policy = network

    class Broken(Panel):
        QUESTION = "Is it broken?"

        def setup(self):
            ().index("nothing")

    module = type(sections)("dnnexplain_widgets.panels.broken")
    module.Broken = Broken
    monkeypatch.setitem(__import__("sys").modules, "dnnexplain_widgets.panels.broken", module)
    stands = make_panel(Entry("broken.Broken"), Session(system, policy), {})
    assert stands.question == "Is it broken?"
    assert stands.error.startswith("Something went wrong inside (ValueError)")
    part = sections.SECTIONS[0]
    monkeypatch.setattr(
        "dnnexplain_widgets.dashboard.SECTIONS",
        (type(part)(part.key, part.label, (Entry("broken.Broken"), *part.entries)),),
    )
    board = Dashboard(system, policy)
    assert [panel.question for panel in board.opened[part.key].children][:2] == [
        "Is it broken?",
        board.opened[part.key].children[1].QUESTION,
    ]
    assert board.opened[part.key].children[1].error == ""
