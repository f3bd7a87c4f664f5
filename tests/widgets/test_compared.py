"""Any panel's saved result beside its present one: live, refused in words, and closed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dnnexplain.contract import state_from_values
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.results import Result
from dnnexplain.systems import make_system
from dnnexplain_widgets import DecisionPanel, NeuronsPanel, Session, ThresholdMapPanel, WhiteBoxPanel

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def session():
    import torch

    system = make_system("deeprm")
    module = mlp(system)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.1)
    start = state_from_values(system, {"job 1 length": 5, "job 1 cpu": 2, "job 1 memory": 8})
    return Session(system, TorchPolicy(module, system, name="drawn"), start)


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})


def upload(panel, content):
    panel.set_state({"upload": {"name": "compare", "file": "then.json", "content": memoryview(content)}})


def saved(panel):
    """What the menu's "Result, JSON" gives."""
    press(panel, "result")
    assert panel.error == ""
    return panel.download["text"].encode()


@pytest.mark.parametrize("kind", [DecisionPanel, WhiteBoxPanel, NeuronsPanel, ThresholdMapPanel])
def test_a_saved_result_stands_beside_the_present_one_as_it_changes(kind, session):
    panel = kind(session=session)
    assert panel.comparable
    content = saved(panel)
    assert Result.from_json(content.decode()) == panel.kept
    upload(panel, content)
    assert panel.error == ""
    assert "The same question as then." in panel.comparison["sentence"]
    rows = panel.comparison["changes"][0]["rows"]
    assert rows
    assert all(row["from"] == row["to"] for row in rows)
    values = np.array(session.state.values)
    values[[0, 1]] = [values[0] + 6, values[1] + 4]
    session.move(values)
    if kind is ThresholdMapPanel:  # with the other objects absent, a map does not depend on the state
        assert "The same question as then." in panel.comparison["sentence"]
    else:
        assert "the state was another one" in panel.comparison["sentence"] or "choose the same two" in panel.comparison["sentence"]  # fmt: skip
    press(panel, "uncompare")
    assert panel.comparison == {}
    session.move(values * 0)
    assert panel.comparison == {}


def test_what_is_drawn_is_what_was_and_is(session):
    panel = DecisionPanel(session=session)
    upload(panel, saved(panel))
    before = session.live.decision.probabilities
    session.state = state_from_values(session.system, {"job 2 length": 7, "job 2 cpu": 3, "job 2 memory": 3})
    table = panel.comparison["changes"][0]
    assert [row["label"] for row in table["rows"]] == list(session.system.output.names)
    np.testing.assert_array_equal([row["from"] for row in table["rows"]], before)
    np.testing.assert_array_equal([row["to"] for row in table["rows"]], session.live.decision.probabilities)


def test_files_that_cannot_be_compared_are_refused_and_nothing_is_lost(session):
    panel = DecisionPanel(session=session)
    content = saved(panel)
    upload(panel, content)
    shown = panel.comparison
    for wrong, why in (
        (b"\xff\xfe\x00", "not text"),
        (b"{]", "not valid JSON"),
        (saved(WhiteBoxPanel(session=session)), "Account.*saved in this panel"),
    ):
        upload(panel, wrong)
        assert re.search(why, panel.error)
        assert panel.comparison == shown
