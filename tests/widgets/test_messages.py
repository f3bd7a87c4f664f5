"""What a step of a drag costs on the wire, and that the page always gets its answer."""

import json

import numpy as np
import pytest

from dnnexplain.registry import BUILT_IN
from dnnexplain_widgets import DecisionPanel, NeuronsPanel, SaliencyPanel, Session, StateEditor
from dnnexplain_widgets.messages import live_message, scene
from tests.jobs import until_no_job_is_left

PROTOCOL_BYTES = 2200  # headers and the two status messages of a step, as measured in a browser


@pytest.fixture
def page(sent, session):
    panels = [kind(session=session) for kind in (StateEditor, DecisionPanel, SaliencyPanel, NeuronsPanel)]
    session.hub.set_state({"wish": {"stamp": 1, "values": [1.0, 1.0], "settled": False}})  # the drag has begun
    sent.clear()
    return panels


def wish(session, stamp, values, settled=False):
    session.hub.set_state({"wish": {"stamp": stamp, "values": list(values), "settled": settled}})


def test_a_step_of_a_drag_is_one_message_with_everything_in_it(page, sent, session):
    wish(session, 2, [4.0, 1.0])
    assert [message["type"] for message in sent] == ["comm_msg"]
    live = sent[0]["data"]["state"]["live"]
    assert live["stamp"] == 2
    buffers = dict(zip(map(tuple, sent[0]["data"]["buffer_paths"]), sent[0]["buffers"], strict=True))
    probabilities = np.frombuffer(buffers["live", "probabilities"], np.float32)
    np.testing.assert_allclose(probabilities, session.live.decision.probabilities, rtol=1e-6)
    assert np.frombuffer(buffers["live", "values"], np.float64).tolist() == [4.0, 1.0]


def test_steps_with_the_same_decision_cost_one_message_each(page, sent, session):
    for stamp, left in enumerate((3.0, 4.0, 5.0, 4.0, 3.0), start=2):
        wish(session, stamp, [left, 1.0])
    assert len(sent) <= 5 + 2  # controls may follow when the decision changes


def test_the_page_gets_an_answer_even_when_nothing_changed(page, sent, session):
    wish(session, 7, session.state.values)
    assert [message["data"]["state"]["live"]["stamp"] for message in sent] == [7]


def test_a_wish_that_cannot_be_understood_is_answered_with_its_reason(page, sent, session):
    before = session.state
    wish(session, 8, [np.nan, 1.0])
    live = sent[-1]["data"]["state"]["live"]
    assert live["stamp"] == 8
    assert "finite knob values" in live["failures"]["all"]
    assert session.state == before
    wish(session, 9, [2.0, 1.0])
    assert sent[-1]["data"]["state"]["live"]["failures"] == {}


def test_the_newest_of_many_wishes_is_what_remains(page, session):
    for stamp in range(2, 60):
        wish(session, stamp, [float(stamp % 6), 1.0])
    assert session.state.values[0] == 59 % 6
    assert session.hub.live["stamp"] == 59


def test_a_panel_says_nothing_while_others_are_dragged(page, sent, session):
    wish(session, 2, [4.0, 1.0])
    hub = session.hub.comm.comm_id
    assert {message["comm"] for message in sent} == {hub}


def test_ten_slots_stay_within_the_bytes_of_a_step(sent):
    from dnnexplain.policies import TorchPolicy, mlp
    from dnnexplain.systems import make_system

    for slots in (5, 10):
        system = make_system("deeprm", slots=slots)
        session = Session(system, TorchPolicy(mlp(system), system, name="fresh"))
        for kind in (StateEditor, DecisionPanel, SaliencyPanel, NeuronsPanel):
            kind(session=session)
        values = np.array(session.state.values)
        values[:3] = 3, 4, 5
        wish(session, 1, values)
        sent.clear()
        values[0] = 4
        wish(session, 2, values)
        assert sum(message["bytes"] for message in sent) + PROTOCOL_BYTES <= 15_000
        assert len(sent) + 2 <= 5  # busy and idle come on top


def test_a_map_keeps_sign_order_and_scale_in_a_byte(session):
    session.want("decision", "saliency")
    message = live_message(session.live, 0, 0, {})
    sent_map = np.frombuffer(message["overlay"], np.int8) / 127 * message["scale"]
    np.testing.assert_allclose(sent_map, session.live.attribution.map.ravel(), atol=message["scale"] / 254 + 1e-12)


def test_the_scene_names_knobs_panes_and_colours(gate):
    found = scene(gate)
    assert [knob["name"] for knob in found["knobs"]] == ["left queue", "right queue"]
    assert found["picture"]["panes"][0]["handles"] == [{"knob": 0, "axis": "down"}]
    assert found["colours"] == {"left": 0, "right": 1}
    assert found["groups"][2] == {"name": "background", "colour": None}


def test_the_page_hears_of_a_step_before_panels_that_compute_more(sent, session):
    hub = session.hub.comm.comm_id
    session.want("decision")
    order = []
    session.observe(
        lambda _change: order.append([message["comm"] for message in sent if message["type"] == "comm_msg"]), "live"
    )
    sent.clear()
    wish(session, 3, [4.0, 1.0])
    assert order == [[hub]]


def steps_of(name, sent, knobs=6):
    """The app's first state of a system: what each step sends when a few knobs are dragged over their ranges."""
    from dnnexplain.policies import load_any
    from dnnexplain.systems import make_system
    from dnnexplain_widgets import Dashboard

    system = make_system(name)
    session = Dashboard(system, load_any("default", system)).session
    begin = np.array(session.state.values)
    wish(session, 1, begin)
    until_no_job_is_left()  # what panels compute beside the first step says that it is done
    stamp = 1
    for at in range(min(knobs, len(begin))):
        for value in np.linspace(system.knobs[at].low, system.knobs[at].high, 5):
            values, stamp, before = begin.copy(), stamp + 1, session.live.decision.action
            values[at] = value
            sent.clear()
            wish(session, stamp, values)
            messages = list(sent)
            until_no_job_is_left()
            yield messages, session.live.decision.action != before


def test_the_whole_dashboard_stays_within_the_messages_of_a_step(sent):
    changes, counts = 0, []
    for messages, changed in steps_of("deeprm", sent):
        changes += changed
        assert sum(message["bytes"] for message in messages) + PROTOCOL_BYTES <= 15_000
        counts.append(len(messages) + 2)
    assert changes >= 2
    assert np.median(counts) <= 5
    assert max(counts) <= 9  # where what is decided or allowed changes, menus, guide, table and map say so


def size_of(value):
    return len(json.dumps(value, default=str))


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_panel_sends_again_what_the_page_has(name, sent):
    has = {}
    for messages, _changed in steps_of(name, sent, knobs=1):
        for message in messages:
            page = has.setdefault(message["comm"], {})
            for trait, value in message["data"].get("state", {}).items():
                assert trait != "controls", "menus are sent anew, where only what changed in them is new"
                parts = value if isinstance(value, dict) and trait not in {"live", "outdated"} else {trait: value}
                before = page.get(trait, {})
                again = sum(size_of(part) for key, part in parts.items() if key in before and before[key] == part)
                assert again <= 250, (trait, again, [key for key, part in parts.items() if before.get(key) == part])
                page[trait] = parts
