"""The trust panel without a browser: what it shows is what the explainers say."""

import json
import math
import threading

import numpy as np
import pytest

import dnnexplain_widgets.panels.attribution as module
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain import attribute, compare_trusted, trust, usable
from dnnexplain.explain.attribution.agreement import rank_correlation
from dnnexplain.explain.attribution.saved_attribution import compare_saved
from dnnexplain.policies import TorchPolicy
from dnnexplain_widgets import AttributionPanel, SaliencyPanel, Session
from dnnexplain_widgets.words import number
from tests.fakes import FakeChoice, FakeSystem, linear_network

METHODS = ["integrated-gradients", "feature-ablation", "saliency"]


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


@pytest.fixture
def panel(gate, network):
    return AttributionPanel(gate, network, methods=METHODS)


@pytest.fixture
def checked(panel):
    press(panel, "check")
    assert panel.jobs.wait(30)
    assert panel.error == ""
    return panel


def control(panel, name):
    return next(one for one in panel.controls if one["name"] == name)


def test_nothing_is_computed_before_the_button(gate, network, monkeypatch):
    monkeypatch.setattr(module, "compare_trusted", lambda *_a, **_k: pytest.fail("computed at the start"))
    panel = AttributionPanel(gate, network)
    panel.session.move(np.array([2.0, 1.0]))
    assert panel.result is None
    assert panel.question.endswith("?")
    press(panel, "result")
    assert "no result to save yet" in panel.error


def test_maps_and_badges_are_those_of_the_explainers(checked, gate, network):
    state = checked.session.state
    for (found, badge), method in zip(checked.result.pairs, METHODS, strict=False):
        alone = attribute(gate, network, state, method=found.method)
        assert found.close_to(alone)
        assert badge.close_to(trust(gate, network, alone))
        assert found.method in METHODS, method
    assert {found.method for found, _ in checked.result.pairs} == set(METHODS)


def test_the_cards_show_every_group_and_every_figure(checked):
    for card, (found, badge) in zip(checked.figure["trust"]["cards"], checked.result.pairs, strict=True):
        assert sum(row["up"] + row["down"] for row in card["rows"]) == pytest.approx(found.map.sum())
        assert card["level"] == badge.overall
        assert found.sentence() in card["sentence"]
        assert [figure["sentence"] for figure in card["figures"]] == [figure.sentence for figure in badge.figures]
        for shown, figure in zip(card["figures"], badge.figures, strict=True):
            assert (shown["value"] == "not measured") == (not math.isfinite(figure.value))
    json.dumps(checked.figure, allow_nan=False)


def test_groups_left_out_are_one_row_that_keeps_the_sum(gate, network):
    panel = AttributionPanel(gate, network, methods=["integrated-gradients"], groups=1)
    press(panel, "check")
    assert panel.jobs.wait(30)
    (card,) = panel.figure["trust"]["cards"]
    found = panel.result.comparison.attributions[0]
    assert card["rows"][1]["name"] == f"{len(found.group_names) - 1} others together"
    assert sum(row["up"] for row in card["rows"]) == pytest.approx(found.positive.sum())
    assert sum(row["down"] for row in card["rows"]) == pytest.approx(found.negative.sum())
    assert panel.figure["cells"]["rows"] == []
    assert panel.sentence == panel.result.sentence() == f"Badge: {card['level']}. {found.sentence()}"


def test_the_rank_correlations_are_spearmans(checked):
    by_group = checked.result.comparison.by_group
    rows = checked.figure["cells"]["rows"]
    for i, row in enumerate(rows):
        for j, cell in enumerate(row["cells"]):
            if i != j and math.isfinite(by_group[i, j]):
                assert cell["text"] == number(by_group[i, j])
    one, other = (found for found in checked.result.comparison.attributions if found.measure == "share")
    told = (one.net != 0) | (other.net != 0)
    if told.sum() > 2:
        i, j = (checked.result.comparison.attributions.index(found) for found in (one, other))
        assert by_group[i, j] == pytest.approx(rank_correlation(one.net[told], other.net[told]))


def test_methods_that_do_not_fit_are_listed_with_the_reason(panel, gate, network):
    reasons = {name: why for name, why in usable(gate, network).items() if why}
    assert "convolutional" in reasons["grad-cam"]
    assert len(panel.figure["misfits"]) == len(reasons)
    assert any("convolutional layer" in one["why"] for one in panel.figure["misfits"])
    offered = {one["name"].removeprefix("method ") for one in panel.controls if one["kind"] == "check"}
    assert offered == {name for name, why in usable(gate, network).items() if why is None}
    with pytest.raises(DnnExplainError, match="convolutional"):
        AttributionPanel(gate, network, methods=["grad-cam"])
    with pytest.raises(DnnExplainError, match="no attribution method 'salency'"):
        AttributionPanel(gate, network, methods=["salency"])


def test_four_methods_at_most(panel):
    answer(panel, **{"method occlusion": True})
    assert len(panel.methods) == 4
    assert control(panel, "method shapley")["disabled"]
    assert not control(panel, "method occlusion")["disabled"]
    answer(panel, **{"method shapley": True})
    assert "untick one first" in panel.error
    assert len(panel.methods) == 4
    for name in panel.methods:
        answer(panel, **{f"method {name}": False})
    assert control(panel, "check")["disabled"]
    press(panel, "check")
    assert "at least one" in panel.error


def test_target_and_baseline_are_asked_for(panel, gate, network):
    answer(panel, target="logit of right", baseline="every state")
    press(panel, "check")
    assert panel.jobs.wait(30)
    one = panel.result.comparison.attributions[0]
    assert (one.target, one.baseline) == ("logit of right", "every state")
    assert panel.figure["trust"]["about"].startswith("logit of right, counted from “every state”")
    namespace = {"system": gate, "policy": network, "state": panel.session.state, "print": lambda _: None}
    exec("\n".join(panel.code_lines()), namespace)
    assert namespace["found"].close_to(panel.result)


def test_saved_and_reloaded_to_the_bit(checked, gate, network, tmp_path):
    press(checked, "result")
    assert checked.error == ""
    (tmp_path / "trust.json").write_text(checked.download["text"])
    other = AttributionPanel(gate, network)
    content = (tmp_path / "trust.json").read_bytes()
    other.set_state({"upload": {"name": "load", "file": "trust.json", "content": memoryview(content)}})
    assert other.error == ""
    assert other.result == checked.result
    assert other.figure["trust"]["cards"] == checked.figure["trust"]["cards"]
    other.set_state({"upload": {"name": "load", "file": "no.json", "content": memoryview(b"{]")}})
    assert "JSON" in other.error
    assert other.result == checked.result


def test_a_saved_result_is_compared_with_the_present_one(checked, gate, tmp_path):
    checked.save(str(tmp_path / "then.json"))
    content = (tmp_path / "then.json").read_bytes()
    fresh = AttributionPanel(session=checked.session)
    fresh.set_state({"upload": {"name": "compare", "file": "then.json", "content": memoryview(content)}})
    assert "explain the present state first" in fresh.error.lower()
    checked.session.move(np.array([5.0, 3.0]))
    then = checked.result
    press(checked, "check")
    assert checked.jobs.wait(30)
    assert checked.comparable
    checked.set_state({"upload": {"name": "compare", "file": "then.json", "content": memoryview(content)}})
    assert checked.error == ""
    exact = compare_saved(then, checked.result)
    assert checked.compared == exact
    assert checked.comparison["sentence"] == exact.sentence()
    assert checked.comparison["file"] == "then.json"
    assert len(checked.comparison["changes"]) == len(exact.methods)
    for m, table in enumerate(checked.comparison["changes"]):
        for row in table["rows"]:
            g = exact.group_names.index(row["label"])
            assert (row["from"], row["to"]) == (exact.before[m, g], exact.after[m, g])
    checked.session.move(np.array([1.0, 1.0]))
    press(checked, "check")  # a new answer is compared anew
    assert checked.jobs.wait(30)
    assert checked.comparison["sentence"] == compare_saved(then, checked.result).sentence() != exact.sentence()
    press(checked, "uncompare")
    assert checked.comparison == {}


def test_a_result_about_another_system_is_refused(checked, tmp_path):
    checked.save(str(tmp_path / "trust.json"))
    vehicle = FakeSystem()
    other = AttributionPanel(vehicle, TorchPolicy(linear_network(vehicle), vehicle, name="v"))
    with pytest.raises(DnnExplainError, match="other knob groups"):
        other.load(tmp_path / "trust.json")


def test_it_says_when_the_state_or_the_network_is_another_one(checked, gate):
    before = checked.session.state
    assert checked.outdated == {}
    checked.session.move(before.values[::-1] * 0.0 + np.array([4.0, 1.0]))
    assert checked.outdated["text"] == "An earlier answer, about another state."
    checked.session.state = before
    assert checked.outdated == {}
    weights = np.random.default_rng(7).normal(size=(3, int(np.prod(gate.observation_shape))))
    checked.session.policy = TorchPolicy(linear_network(gate, weights), gate, name="other")
    assert checked.outdated["text"] == f"An earlier answer, about the network {checked.finding.question.policy}."


def test_cancel_and_the_newest_question_wins(panel, monkeypatch):
    go, calls = threading.Event(), []

    def slow(*arguments, **options):
        calls.append(options["target"])
        if len(calls) == 1:
            assert go.wait(10)
        return compare_trusted(*arguments, **options)

    monkeypatch.setattr(module, "compare_trusted", slow)
    press(panel, "check")
    first = panel.jobs.current
    answer(panel, target="logit of right")
    press(panel, "check")
    assert panel.jobs.wait(30)
    go.set()
    assert first.ended.wait(30)
    assert panel.result.comparison.attributions[0].target == "logit of right"
    kept = panel.result
    calls.clear()
    go.clear()
    answer(panel, target="default")
    press(panel, "check")
    assert panel.busy
    task = panel.jobs.current
    press(panel, "cancel")
    go.set()
    assert task.ended.wait(30)
    assert panel.busy == {}
    assert panel.result is kept


def test_it_shares_a_session_and_leaves_the_light_map_alone(gate, network):
    session = Session(gate, network)
    light, heavy = SaliencyPanel(session=session), AttributionPanel(session=session)
    answer(heavy, target="logit of right", baseline="every state")
    assert light.result.target != "logit of right"


def test_a_rule_has_nothing_to_explain():
    gate = FakeChoice()
    rule = next(iter(gate.rules().values()))
    panel = AttributionPanel(gate, rule)
    assert panel.controls == []
    assert "without a network" in panel.sentence
    assert all("needs a torch network" in one["why"] or "explains one neuron" in one["why"] or "units" in one["why"] for one in panel.figure["misfits"])  # fmt: skip
