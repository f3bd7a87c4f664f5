"""A dashboard of a guarded network: which says when and why its guard stepped in, and has the bare network beside it."""

import json

import pytest

from dnnexplain.app import dashboard_parts
from dnnexplain.cli import main
from dnnexplain_widgets.panels.attribution import AttributionPanel
from dnnexplain_widgets.session import Session


@pytest.fixture
def guard(tmp_path):
    rule = {"when": [{"feature": "backlog", "above": 3.5}], "do": "fcfs", "why": "Queues grow here."}
    path = tmp_path / "guard.json"
    path.write_text(json.dumps({"kind": "dnnexplain guard", "system": "deeprm", "rules": [rule]}))
    return path


def test_the_first_network_is_guarded_and_the_bare_one_stays_in_the_menu(guard):
    parts = dashboard_parts("deeprm", guard=str(guard))
    first, second = list(parts["policies"])[:2]
    assert first == f"{second} with a guard" == parts["policy"].name
    assert parts["policies"][second]().name == second


def test_every_decision_says_whether_the_guard_stepped_in_and_why(guard):
    parts = dashboard_parts("deeprm", guard=str(guard))
    session = Session(parts["system"], parts["policy"])
    session.want("decision", "saliency")
    place = next(index for index, knob in enumerate(parts["system"].knobs) if knob.name == "backlog")
    for backlog, told in ((3.0, "No rule of the guard holds here"), (4.0, "Rule 1 of the guard decides")):
        values = session.state.values.copy()
        values[place] = backlog
        session.move(values)
        words = session._message(session.live)["words"]["decision"]
        assert words.startswith("The guarded network ")
        assert told in words
    assert "Queues grow here." in words
    assert "without its guard" in session.live.failures["saliency"]


def test_panels_that_look_into_a_network_name_the_one_inside_and_copied_code_has_the_guard(guard):
    parts = dashboard_parts("deeprm", guard=str(guard))
    panel = AttributionPanel(parts["system"], parts["policy"])
    assert f"choose {parts['policy'].policy.name}, without its guard" in panel.sentence
    assert "policy = Guarded(load_shipped(system), Guard.load('guard.json'), system)" in panel.copy_as_python()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("routing",), "the guard was made for deeprm, not for routing"),
        (("deeprm", "--guard", "missing.json"), "missing.json"),
    ],
)
def test_a_guard_that_does_not_fit_is_told_before_a_server_starts(words, message, guard, capsys):
    given = words if "--guard" in words else (*words, "--guard", str(guard))
    assert main(["app", *given, "--no-browser"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
