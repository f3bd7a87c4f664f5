"""A state that somebody wrote is read as it stands, or it is said what was made of it."""

import json

import pytest

from dnnexplain.assumptions import assumed, forget
from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.given_states import given_state, state_from_file
from dnnexplain.systems import BUILT_IN, make_system


@pytest.fixture(autouse=True)
def nothing_assumed():
    forget()
    yield
    forget()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("told", [None, [1, 2, 3], "text", 5])
def test_what_is_no_object_is_refused_for_every_system(name, told, tmp_path):
    (tmp_path / "state.json").write_text(json.dumps(told))
    with pytest.raises(DnnExplainError, match="a state is a JSON object of named quantities, not"):
        state_from_file(make_system(name), tmp_path / "state.json")


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_empty_object_is_refused_and_what_is_left_open_is_said(name):
    system = make_system(name)
    with pytest.raises(DnnExplainError, match="this one is empty: it says nothing"):
        given_state(system, {})
    knobs = [knob.name for knob in system.knobs]
    given_state(system, {knobs[0]: system.knobs[0].start})
    assert any(f"at first: {knobs[1]} " in sentence for sentence in assumed())


def test_a_field_that_is_left_open_is_said():
    given_state(make_system("deeprm"), {"slots": []})
    assert "taken as it stands at first: cluster, backlog 0, since_last_arrival 0, slots (5 of 5)" in " ".join(
        assumed()
    )


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("routing", {"demands": {"New York->Chicago": 1}}, "taken as none: demands (109 of 110)"),
        ("deeprm", {"slots": [{"length": 3, "cpu": 2, "memory": 1}] * 3, "backlog": 0, "since_last_arrival": 0,
                    "running": [{"cpu": 2, "memory": 1, "remaining": 3}]}, "at first: slots 4, slots 5"),
        ("abr", {"throughput_mbps": [3] * 8}, "taken so that it fits the rest: download_s"),
        ("cran", {"users": {"user 1": {"demand": 40}}}, "at first: time 12, awake, links, users user 2 and 2 more"),
        ("cellular", {"sessions": [2] * 5}, "at first: time of day 12, our load"),
    ],
)  # fmt: skip
def test_what_is_left_open_inside_a_field_is_said_and_how_it_is_taken(name, told, said):
    given_state(make_system(name), told)
    assert said in " ".join(assumed())
    assert "cluster" not in " ".join(assumed())


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_valid_state_is_taken_as_it_is_without_a_word(name):
    system = make_system(name)
    told = json.loads(json.dumps(system.state_to_json(system.state_from_json(_least(name)))))
    given_state(system, told)
    assert not [word for word in ("was given", "leaves open") if word in " ".join(assumed())]


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("abr", {"buffer_s": -5}, "buffer_s -5 was given, 0 is taken"),
        ("abr", {"chunks_remaining": 3.7, "last_bitrate_kbps": 123}, "last_bitrate_kbps 123 was given, 300 is taken"),
        ("cellular", {"time of day": 99}, "time of day 99 was given, 20 is taken"),
        ("cellular", {"sessions": [1, 1, 700, 1, 1]}, "sessions 3 700 was given, 5 is taken"),
        ("cran", {"users": {"user 1": {"demand": -4}}}, "users user 1 demand -4 was given, 0 is taken"),
    ],
)
def test_a_number_that_is_moved_is_said(name, told, said):
    given_state(make_system(name), told)
    assert said in " ".join(assumed())


def _least(name):
    system = make_system(name)
    return system.state_to_json(state_from_values(system, {})) if name == "routing" else {}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_file_may_name_knobs_and_leave_the_others_as_they_stand(name, tmp_path):
    system = make_system(name)
    given = {knob.name: knob.high for knob in system.knobs[:3]}
    (tmp_path / "state.json").write_text(json.dumps(given))
    assert (
        state_from_file(system, tmp_path / "state.json").values.tolist()
        == state_from_values(system, given).values.tolist()
    )


def test_a_knob_that_is_misspelt_beside_others_is_named(tmp_path):
    (tmp_path / "state.json").write_text(json.dumps({"job 1 length": 3, "job 1 cup": 2}))
    with pytest.raises(DnnExplainError, match="Did you mean 'job 1 cpu'"):
        state_from_file(make_system("deeprm"), tmp_path / "state.json")


@pytest.mark.parametrize("value", ["x", None, [1], {}, float("nan"), float("inf"), 10**400])
def test_a_knob_that_is_no_number_is_refused_by_its_name(value):
    with pytest.raises(DnnExplainError, match="job 1 length must be a finite number between 0 and 15 steps, not"):
        given_state(make_system("deeprm"), {"job 1 length": value})
