"""A session as file and as link: what was left opens again, and what is wrong is said."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard, Session
from dnnexplain_widgets.saved import link_of, pack, read_session, unpack

pytestmark = pytest.mark.filterwarnings("error")


def make_network(system, seed):
    import torch

    module = mlp(system)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.1)
    return TorchPolicy(module, system, name=f"network {seed}")


@pytest.fixture(scope="module")
def deeprm():
    return make_system("deeprm")


@pytest.fixture(scope="module")
def networks(deeprm):
    return {f"number {seed}": make_network(deeprm, seed) for seed in (1, 2)}


@pytest.fixture
def board(deeprm, networks):
    return Dashboard(deeprm, networks["number 1"], policies=networks)


@pytest.fixture
def left(board, deeprm):
    """The board as somebody left it, not as it opens."""
    board.masthead.set_answers(policy="number 2")
    board.session.state = state_from_values(deeprm, {"job 2 length": 7, "job 2 cpu": 3, "backlog": 11})
    board.session.question(method="integrated-gradients", target="logit of job 2", sweep="cpu")
    board.session.unit = 5
    board.session.theme = "dark"
    board.show("failure")
    return board


def shown(board):
    session = board.session
    ask = session.ask
    return {
        "state": session.state.values.tolist(),
        "policy": session.policy.checkpoint,
        "question": (ask.target, ask.method, ask.baseline, ask.layer, ask.sweep, session.unit),
        "theme": session.theme,
        "section": board.contents.section,
        "answers": (board.masthead.answers["policy"], board.masthead.answers["theme"]),
    }


def another(board):
    """The same page, opened anew."""
    return Dashboard(board.session.system, board.masthead.policies["number 1"], policies=board.masthead.policies)


def upload(board, content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    board.masthead.upload = {"name": "session", "file": "session.json", "content": content}
    return board.masthead.error


def test_a_saved_session_opens_as_it_was_left(left):
    left.masthead.presses = {"save": 1}
    file = left.masthead.download
    assert file["name"] == "dnnexplain-deeprm-session.json"
    opened = another(left)
    assert shown(opened) != shown(left)
    assert upload(opened, file["text"].encode()) == ""
    assert shown(opened) == shown(left)


def test_a_link_opens_as_it_was_left(left):
    link = f"section=failure&theme=dark&state={link_of(left.session)}"
    opened = another(left)
    opened.masthead.set_answers(link=link)
    assert opened.masthead.error == ""
    assert shown(opened) == shown(left)
    assert opened.masthead.figure["restored"] == 1


def test_the_page_is_told_its_link_with_each_step_but_not_during_a_drag(board):
    session = board.session
    hub = session.hub
    assert json.loads(unpack(hub.live["link"]))["state"] == session.system.state_to_json(session.state)
    values = session.state.values + 0.0
    values[0] = 9
    hub.wish = {"stamp": 1, "values": values.tolist(), "settled": False}
    assert "link" not in hub.live
    hub.wish = {"stamp": 2, "values": values.tolist(), "settled": True}
    assert json.loads(unpack(hub.live["link"]))["state"] == session.system.state_to_json(session.state)


def test_a_link_that_a_page_kept_without_its_kernel_turns_the_knobs_it_names(left):
    knobs = [knob.name for knob in left.session.system.knobs]
    at = knobs.index("job 2 length")
    opened = another(left)
    opened.masthead.set_answers(link=f"state={link_of(left.session)}&set={at}:12")
    assert opened.session.state.values[at] == 12
    assert opened.session.state.values[knobs.index("backlog")] == 11
    opened.masthead.set_answers(link="set=9999:1")
    assert "copy the link once more" in opened.masthead.error


def test_a_state_with_a_background_survives_to_the_cell(board, deeprm):
    observation = deeprm.encode(deeprm.repair(np.array([[knob.high for knob in deeprm.knobs]])))[0]
    board.session.state = State(deeprm.decode(observation[None])[0], observation)
    data = read_session(unpack(link_of(board.session)))
    again = deeprm.state_from_json(data["state"])
    assert np.array_equal(deeprm.encode(again.values[None], again.background)[0], observation)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "csv"}, "a session is a JSON file"),
        ({"version": 99}, "version 99"),
        ({"system": "routing"}, "about 'routing', this page shows 'deeprm'"),
        ({"parameters": {"slots": 10}}, "slots 10, here 5"),
        ({"state": None}, 'no "state"'),
        ({"state": {"slots": 3}}, ""),
        ({"question": {"method": "magic"}}, "attribution method 'magic'"),
    ],
)
def test_a_wrong_file_is_explained_and_changes_nothing(left, change, said):
    before = shown(left)
    error = upload(left, {**left.masthead.saved(), **change})
    assert error
    assert said.lower() in error.lower()
    assert "went wrong inside" not in error
    assert shown(left) == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\xff", b"[1, 2]", b"null", b"\xff\xfe{}"])
def test_what_is_no_session_is_refused_by_what_a_session_is(left, content):
    before = shown(left)
    assert "a session is a json file" in upload(left, content).lower()
    assert shown(left) == before


def test_a_network_that_is_not_at_hand_is_named_and_the_rest_is_restored(left):
    opened = another(left)
    data = {**left.masthead.saved(), "policy": {"name": "mine", "checkpoint": "ab" * 32}}
    assert upload(opened, data) == ""
    assert "mine (weights abababababab…)" in opened.masthead.sentence
    assert "number 1" in opened.masthead.answers["policy"]
    assert np.array_equal(opened.session.state.values, left.session.state.values)


def test_a_damaged_link_is_explained_and_changes_nothing(left):
    before = shown(left)
    whole = link_of(left.session)
    for text in (whole[:-9], "zz" + whole, "%%%"):
        left.masthead.set_answers(link=f"state={text}")
        assert "damaged" in left.masthead.error
        assert shown(left) == before
        left.masthead.set_answers(link="")


def test_a_link_cannot_fill_the_memory():
    bomb = urlsafe_b64encode(zlib.compress(b"0" * 50_000_000)).decode()
    with pytest.raises(DnnExplainError, match="damaged"):
        unpack(bomb)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()))
def test_packing_keeps_all(data):
    packed = pack(data)
    assert json.loads(unpack(packed)) == data
    assert packed.replace("-", "").replace("_", "").isalnum()


def test_undo_and_redo_by_keyboard_go_as_many_steps_as_were_pressed(gate, network):
    session = Session(gate, network)
    states = [session.state]
    for step in (1.0, 2.0, 3.0):
        values = session.state.values + 0
        values[0] = step
        session.move(values)
        states.append(session.state)
    session.hub.travel = {"undo": 2}
    assert session.state == states[1]
    session.hub.travel = {"undo": 2, "redo": 1}
    assert session.state == states[2]
    session.hub.travel = {"undo": 9, "redo": 1}
    assert session.state == states[0]


def test_a_dashboard_is_opened_by_a_link_from_python(left):
    link = f"http://localhost:8888/lab/tree/mine.ipynb#dnnexplain=deeprm&theme=dark&section=failure&state={link_of(left.session)}"
    again = another(left)
    again.open_link(link)
    assert shown(again) == shown(left)
    system, policies = left.session.system, left.masthead.policies
    assert shown(Dashboard(system, policies["number 1"], policies=policies, link=link)) == shown(left)


@pytest.mark.parametrize("link", ["", "http://localhost:8888/lab/tree/mine.ipynb", "state=abc", "#dnnexplain=deeprm"])
def test_a_link_that_is_none_is_refused_and_nothing_changes(board, link):
    before = shown(board)
    with pytest.raises(DnnExplainError, match="link"):
        board.open_link(link)
    assert shown(board) == before


@pytest.mark.parametrize(
    "state",
    ["AAAA", "%25%25%25", "cut", pack({"system": "deeprm"}), pack(["no session"]), ""],
    ids=["no compressed text", "no base64", "cut off", "nothing in it", "no object", "empty"],
)
def test_of_a_damaged_link_it_is_said_once_what_is_shown_instead(left, state):
    opened = another(left)
    before = shown(opened)
    opened.masthead.set_answers(link=f"state={link_of(left.session)[:-20] if state == 'cut' else state}")
    said = opened.masthead.error
    assert shown(opened) == before
    assert said.startswith("The link's state cannot be shown: ")
    assert said.endswith(" The page shows the state that it opens with.")
    opened.masthead.set_answers(link="")  # as the page does when it was followed
    assert opened.masthead.error == said
    opened.masthead.set_answers(theme="dark")
    assert opened.masthead.error == ""
