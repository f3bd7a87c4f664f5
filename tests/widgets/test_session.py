"""The session: one state, one computation, one history."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.explain import attribute, decide
from dnnexplain_widgets import Dashboard, Session, live
from dnnexplain_widgets import session as session_module
from tests.fakes import FakeChoice, FakeSystem


def test_live_results_are_the_explainers_own(session, gate, network):
    session.want("decision", "saliency", "neurons")
    session.state = state_from_values(gate, {"left queue": 4, "right queue": 3})
    decision = decide(gate, network, session.state)
    np.testing.assert_array_equal(session.live.decision.probabilities, decision.probabilities)
    np.testing.assert_array_equal(session.live.attribution.map, attribute(gate, network, session.state).map)
    expected = {
        name: int(rule.outputs(gate.encode(session.state.values[None])).argmax()) for name, rule in gate.rules().items()
    }
    assert session.live.rules == expected


def test_one_change_computes_once_and_only_what_a_panel_shows(session, monkeypatch):
    asked = []

    def compute(system, policy, state, ask):
        asked.append(ask.parts)
        return live.compute(system, policy, state, ask)

    monkeypatch.setattr(session_module, "compute", compute)
    session.want("decision")
    session.move(np.array([5.0, 2.0]))
    assert asked == [frozenset({"decision"})] * 2
    assert session.live.attribution is None


def test_a_dashboard_makes_the_first_answers_once(gate, network, monkeypatch):
    asked = []

    def compute(system, policy, state, ask):
        asked.append(ask.parts)
        return live.compute(system, policy, state, ask)

    monkeypatch.setattr(session_module, "compute", compute)
    board = Dashboard(gate, network)
    assert sum("saliency" in parts for parts in asked) == 1
    assert asked[-1] == board.session.ask.parts
    assert len(asked) == 3  # of the session, of the method that adds up, of what the panels show


@pytest.mark.parametrize(("most", "packed"), [(1000, 2), (1, 1)])
def test_where_knobs_are_very_many_the_page_makes_the_link_of_a_move_itself(session, monkeypatch, most, packed):
    monkeypatch.setattr(session_module, "MANY", most)
    links = []
    session.hub  # noqa: B018 - the page is there before the link
    session.keep_link(lambda: links.append("link") or "link")
    assert session.hub.live["link"] == "link"
    wish = {"stamp": 1, "values": [4.0, 1.0], "from": [1.0, 1.0], "settled": True}
    session.hub.wish = wish
    assert len(links) == packed
    assert ("link" in session.hub.live) == (packed == 2)
    session._send()  # as when a map comes after the rest
    assert ("link" in session.hub.live) == (packed == 2)
    session.question(target="logit")  # the page's link does not hold that
    assert session.hub.live["link"] == "link"
    session.state = State(np.array([2.0, 2.0]))  # loaded: the page cannot know it
    assert session.hub.live["link"] == "link"


def test_values_are_repaired_to_the_nearest_valid_ones(session):
    session.move(np.array([99.0, 1.4]))
    assert session.state.values.tolist() == [5.0, 1.0]


def test_background_survives_a_move(session, gate):
    background = gate.encode(np.array([[1.0, 1.0]]))[0]
    background[0, 6] = 0.5
    session.state = State(np.array([1.0, 1.0]), background)
    session.move(np.array([2.0, 1.0]))
    assert session.live.observation[0, 6] == 0.5


def test_a_drag_is_one_step_of_undo(session):
    start = session.state
    for left in (3.0, 4.0, 5.0):
        session.move(np.array([left, 1.0]), settled=False)
    session.move(np.array([5.0, 1.0]), settled=True)
    session.move(np.array([5.0, 3.0]))
    session.undo()
    assert session.state.values.tolist() == [5.0, 1.0]
    session.undo()
    assert session.state == start
    session.undo()  # nothing further back
    assert session.state == start
    session.redo()
    session.redo()
    assert session.state.values.tolist() == [5.0, 3.0]
    session.redo()
    assert session.state.values.tolist() == [5.0, 3.0]


def test_a_new_move_ends_the_future(session):
    session.move(np.array([5.0, 1.0]))
    session.undo()
    session.move(np.array([0.0, 1.0]))
    session.redo()
    assert session.state.values.tolist() == [0.0, 1.0]


def test_a_state_of_another_system_is_refused(session):
    with pytest.raises(DnnExplainError, match="2 knobs"):
        session.state = State(np.zeros(5))


def test_an_unknown_rule_and_an_unknown_question_are_refused(gate, network):
    with pytest.raises(DnnExplainError, match=r"no rule 'longst'.*longest"):
        Session(gate, network, rules=["longst"])
    with pytest.raises(DnnExplainError, match=r"no question 'metod'.*method"):
        Session(gate, network).question(metod="saliency")


def test_a_rule_is_explained_as_far_as_it_can_be(gate):
    session = Session(gate, gate.rules()["longest"])
    session.want("decision", "saliency", "neurons")
    assert session.live.decision.action == 0
    assert (
        "no torch network" in session.live.failures["saliency"]
        or "rule without a network" in session.live.failures["saliency"]
    )
    assert session.layers == ()


def test_a_part_that_fails_leaves_the_others_alone(session):
    session.want("decision", "saliency")
    session.question(target="left minus nowhere")
    assert session.live.attribution is None
    assert "nowhere" in session.live.failures["saliency"]
    assert session.live.decision is not None


def test_continuous_outputs_have_no_action_and_no_rules():
    from dnnexplain.policies import TorchPolicy
    from tests.fakes import linear_network

    system = FakeSystem()
    session = Session(system, TorchPolicy(linear_network(system), system))
    session.want("decision", "saliency", "neurons")
    assert session.live.failures == {}
    assert session.live.decision.action is None
    assert session.live.rules == {}
    assert session.live.curves.knobs == ("angle",)


def test_an_empty_slot_is_filled_by_one_slider():
    from dnnexplain.systems import make_system
    from dnnexplain_widgets.moves import valid_values

    system = make_system("deeprm")
    names = [knob.name for knob in system.knobs]
    empty = np.zeros(len(names))
    for moved in ("job 2 length", "job 2 cpu", "job 2 memory"):
        wanted = empty.copy()
        wanted[names.index(moved)] = 4
        found = dict(zip(names, valid_values(system, wanted, empty), strict=True))
        assert found.pop(moved) == 4
        assert {value for name, value in found.items() if name.startswith("job 2")} == {1}
        assert {value for name, value in found.items() if not name.startswith("job 2")} == {0}


def test_a_job_dragged_to_nothing_is_gone(gate):
    from dnnexplain.systems import make_system
    from dnnexplain_widgets.moves import valid_values

    system = make_system("deeprm")
    full = np.zeros(len(system.knobs))
    full[:3] = 5, 2, 3
    gone = full.copy()
    gone[0] = 0
    assert valid_values(system, gone, full)[:3].tolist() == [0, 0, 0]


def test_the_first_neuron_shown_is_one_that_a_knob_switches():
    import torch
    from torch import nn

    from dnnexplain.policies import TorchPolicy

    gate = FakeChoice()
    module = nn.Sequential(nn.Flatten(), nn.Linear(35, 3), nn.ReLU(), nn.Linear(3, 3))
    with torch.no_grad():
        module[1].weight.zero_()
        module[1].bias.copy_(torch.tensor([50.0, -1.5, -0.5]))
        module[1].weight[0, 0] = 40.0  # moves most, but is never off
        module[1].weight[1, [0, 7, 14]] = 1.0  # goes on from two cars in the left queue on
        module[1].weight[2, 2] = 0.1  # never on
    session = Session(gate, TorchPolicy(module, gate))
    session.want("neurons")
    assert session.unit == 1
