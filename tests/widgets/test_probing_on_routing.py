"""The panels that look into a layer, on a router: its outputs are shares, its outcome a ratio to the optimum."""

import numpy as np
import pytest

from dnnexplain.explain import effect_on_cost, embed, intervene, maximise, visited
from dnnexplain_widgets import EmbeddingPanel, InterventionPanel, KnowledgePanel, MaximalPanel
from dnnexplain_widgets.sections import SECTIONS
from tests.widgets.rings import CASES, deep_session


@pytest.fixture
def session():
    return deep_session()


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


def pressed(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})
    assert panel.jobs.wait(60)
    assert panel.error == ""
    return panel


def ran(panel):
    """The panel's own Python; what it calls ``found``."""
    session = panel.session
    names = {"system": session.system, "policy": session.policy, "state": session.state, "print": lambda *_, **__: None}
    exec("\n".join(panel.code_lines()), names)
    return names["found"]


def test_a_routing_page_has_all_panels_about_neurons():
    entries = next(section.entries for section in SECTIONS if section.key == "neurons")
    shown = [entry.name for entry in entries if entry.fits(CASES)]
    assert shown == ["MaximalPanel", "InterventionPanel", "KnowledgePanel", "EmbeddingPanel"]


def test_what_excites_a_neuron_most_is_proved_told_and_opened(session):
    panel = MaximalPanel(session=session)
    answer(panel, unit=5)
    pressed(panel, "find")
    assert panel.finding == maximise(CASES, session.policy, 5)
    assert panel.badge["level"] == "green"
    lifted = int((panel.finding.state.values > 0).sum())
    table = panel.figure["cells"]
    assert len(table["rows"]) == (lifted if lifted <= 20 else sum(1 for _ in table["rows"]))
    pressed(panel, "open")
    assert session.state == panel.finding.state
    assert ran(panel) == panel.finding


def test_many_lifted_knobs_are_told_by_group(session, monkeypatch):
    monkeypatch.setattr("dnnexplain_widgets.panels.maximal.ROWS", 4)
    panel = MaximalPanel(session=session)
    answer(panel, unit=5)
    table = pressed(panel, "find").figure["cells"]
    values = panel.finding.state.values.reshape(3, -1)
    assert [row["label"] for row in table["rows"]][4:] == ["4 more groups"]
    for row in table["rows"][:4]:
        pair = CASES.paths.pair_names.index(row["label"])
        assert row["cells"][0]["text"] == f"{int((values[:, pair] > 0).sum())} of 3"
    assert f"{int((values > 0).sum())} of {values.size} knobs" in table["caption"]


def test_a_deeper_neuron_is_searched_and_a_cancelled_search_keeps_its_best(session):
    panel = MaximalPanel(session=session)
    answer(panel, layer="network.relu_2")
    panel.find()
    panel.cancel()
    assert panel.jobs.wait(60)
    assert panel.error == ""
    assert panel.finding is not None
    assert panel.badge["level"] == "amber"
    assert "Not proved" in panel.finding.words


def test_holding_a_neuron_shows_the_outcome_here_and_over_workloads(session):
    panel = InterventionPanel(session=session)
    answer(panel, held=3.0, sets=6)
    here = intervene(CASES, session.policy, session.state, session.unit, value=3.0)
    assert panel.effect == here
    first = panel.figure["changes"][0]
    assert first["caption"] == "Busiest link over optimum here, before and after"
    assert (first["rows"][0]["from"], first["rows"][0]["to"]) == (here.outcome_before, here.outcome_after)
    assert [row["label"] for row in panel.figure["changes"][1]["rows"]] == [
        CASES.output.names[i] for i in sorted(np.argsort(-np.abs(here.moved), kind="stable")[:8])
    ]
    pressed(panel, "run")
    workloads = CASES.workloads("gravity", 6, 0)
    found = effect_on_cost(CASES, session.policy, session.unit, workloads, value=3.0)
    np.testing.assert_allclose([panel.finding.before, panel.finding.after], [found.before, found.after], rtol=1e-9)
    assert panel.figure["changes"][-1]["caption"].startswith("MLU over optimum over 6 workloads")
    assert "MLU over optimum" in panel.sentence
    np.testing.assert_allclose(
        ran(panel).after, found.after, rtol=1e-9
    )  # a solver that starts warm ends a bit elsewhere
    labels = {one.get("label") for one in panel.controls}
    assert {"Workloads of", "Run workloads"} <= labels


def test_each_neuron_in_turn_is_ordered_by_what_it_does_to_the_outcome(session):
    panel = InterventionPanel(session=session)
    answer(panel, held=3.0)
    pressed(panel, "each")
    worst = max(panel.each, key=lambda one: abs(one.worse))
    assert panel.figure["cells"]["rows"][0]["label"] == f"Neuron {worst.neuron}"
    assert f"neuron {worst.neuron} moves the busiest link over optimum most" in panel.sentence
    answer(panel, chosen=[0, 0])
    assert session.unit == worst.neuron


def test_facts_of_the_traffic_are_probed(session):
    panel = KnowledgePanel(session=session)
    assert panel.answers["about"] == CASES.paths.pair_names[0], "of many quantities those of one object come first"
    answer(panel, about="", states=80, repeats=2)
    pressed(panel, "probe")
    names = {fact.name for fact in panel.finding.facts}
    assert names <= set(CASES.features.names)
    assert any("busiest link" in name for name in names)
    assert ran(panel) == panel.finding
    answer(panel, about=CASES.paths.pair_names[0])
    pressed(panel, "probe")
    assert all(CASES.paths.pair_names[0] in fact.name for fact in panel.finding.facts)


def test_points_are_coloured_and_load_their_traffic(session):
    panel = EmbeddingPanel(session=session)
    answer(panel, states=40)
    pressed(panel, "place")
    states = visited(CASES, session.policy, 40, workload="gravity").states(CASES)
    found = embed(CASES, session.policy, states, label=CASES.outcome)
    np.testing.assert_array_equal(panel.finding.points, found.points)
    np.testing.assert_allclose(panel.finding.values, found.values, rtol=1e-6)
    assert panel.labels[0] == CASES.outcome
    assert not any("ago" in name for name in panel.labels)
    answer(panel, label=CASES.features.names[0])
    assert panel.figure["scatter"]["names"] == ["no", "yes"]
    assert len(panel.figure["scatter"]["colours"]) == 2
    answer(panel, label=CASES.outcome)
    assert panel.jobs.wait(60)
    assert panel.finding.label == CASES.outcome
    answer(panel, point=3)
    assert session.state == panel.states[3]
