"""The panels that look into a layer: what they draw is what the explainers say, and files come back."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain import (
    domain_facts,
    effect_on_cost,
    embed,
    intervene,
    layer_of,
    locate,
    maximise,
    neuron_activations,
    observe,
    probe_facts,
    threshold_map,
    visited,
)
from dnnexplain.explain.probing.threshold_maps import census, surface
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain_widgets import (
    EmbeddingPanel,
    InterventionPanel,
    KnowledgePanel,
    MaximalPanel,
    Session,
    ThresholdMapPanel,
)
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

WORLD = DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)
NETWORK = TorchPolicy(mlp(WORLD, hidden=10), WORLD, name="small")
OTHER = TorchPolicy(mlp(WORLD, hidden=6, seed=5), WORLD, name="other")
STATE = WORLD.state_from_json({"slots": [{"length": 3, "cpu": 2, "memory": 1}, {"length": 1, "cpu": 4, "memory": 2}]})
PANELS = (ThresholdMapPanel, MaximalPanel, InterventionPanel, KnowledgePanel, EmbeddingPanel)


def made(kind, **options):
    return kind(WORLD, NETWORK, STATE, **options)


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


def control(panel, name):
    return next(one for one in panel.controls if one["name"] == name)


def pressed(panel, name):
    press(panel, name)
    assert panel.jobs.wait(60)
    assert panel.error == ""
    return panel


def ran(panel):
    """The panel's own Python, run in a session like its own; what it calls ``found``."""
    namespace = {"system": WORLD, "policy": panel.session.policy, "state": panel.session.state, "print": lambda *_, **__: None}  # fmt: skip
    exec("\n".join(panel.code_lines()), namespace)
    return namespace.get("found")


# --- maximal activation ---


def test_the_state_that_excites_a_neuron_most_is_proved_and_opened():
    panel = pressed(made(MaximalPanel), "find")
    unit = panel.session.unit
    exact = maximise(WORLD, NETWORK, unit)
    assert panel.result == exact == ran(panel)
    assert exact.proved
    assert panel.badge["level"] == "green"
    assert panel.badge["text"].startswith("Proved")
    seen = WORLD.encode(exact.state.values[None])[0]
    np.testing.assert_array_equal(
        np.frombuffer(panel.figure["state"]["picture"], np.uint8).reshape(seen.shape) / 255, seen
    )
    now = neuron_activations(NETWORK, layer_of(WORLD, NETWORK), observe(WORLD, [STATE]))[0, unit]
    assert f"In the present state it is at {now:.3g}".replace("-", "−") in panel.sentence
    press(panel, "open")
    assert panel.session.state == exact.state
    top = neuron_activations(NETWORK, layer_of(WORLD, NETWORK), observe(WORLD, [panel.session.state]))[0, unit]
    assert f"In the present state it is at {top:.3g}" in panel.sentence
    assert top == pytest.approx(exact.activation)


def test_a_deeper_neuron_is_searched_and_says_so():
    import torch
    from torch import nn

    torch.manual_seed(0)
    inputs = int(np.prod(WORLD.observation_shape))
    deep = TorchPolicy(
        nn.Sequential(nn.Flatten(), nn.Linear(inputs, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)), WORLD
    )
    panel = MaximalPanel(WORLD, deep, STATE)
    answer(panel, layer=panel.session.layers[1])
    answer(panel, restarts=1)
    pressed(panel, "find")
    assert panel.result.layer == panel.session.layers[1]
    if panel.result.proved:
        pytest.fail("nothing proves a second layer's maximum")
    assert panel.badge["level"] == "amber"
    assert "not proved" in panel.badge["text"]


def test_a_search_that_is_cancelled_keeps_its_best_and_says_so():
    system = FakeSystem()
    policy = TorchPolicy(mlp(system), system)
    panel = MaximalPanel(system, policy)
    began = threading.Event()
    panel.worker_network = lambda: Waiting(policy, began, panel)
    press(panel, "find")
    assert began.wait(20)
    press(panel, "cancel")
    assert panel.jobs.wait(60)
    assert panel.busy == {}
    assert panel.result is not None
    assert panel.result.proved or "stopped early" in panel.result.words


class Waiting(TorchPolicy):
    """A network whose first pass waits until its search is cancelled."""

    def __init__(self, policy, began, panel):
        super().__init__(policy.module, panel.session.system, name=policy.name)
        self.began, self.panel = began, panel

    @property
    def module(self):
        if "panel" in self.__dict__:  # made: from now on every look waits
            self.began.set()
            self.panel.jobs.current.enough.wait(20)
        return self.__dict__["module"]

    @module.setter
    def module(self, module):
        self.__dict__["module"] = module


def test_another_neuron_is_looked_for_at_once_when_one_was_asked_for():
    panel = made(MaximalPanel)
    answer(panel, unit=4)
    assert panel.session.unit == 4
    assert panel.result is None
    pressed(panel, "find")
    panel.session.unit = 6
    assert panel.jobs.wait(30)
    assert panel.result.neuron == 6
    assert panel.answers["unit"] == 6
    answer(panel, unit=99)
    assert "numbered 0 to 9" in panel.error
    assert panel.session.unit == 6


def test_a_system_without_a_picture_shows_its_knobs():
    vehicle = FakeSystem()
    panel = MaximalPanel(vehicle, TorchPolicy(mlp(vehicle), vehicle))
    pressed(panel, "find")
    assert "state" not in panel.figure
    told = {row["label"]: row["cells"][0]["text"] for row in panel.figure["cells"]["rows"]}
    for knob, value in zip(vehicle.knobs, panel.result.state.values, strict=True):
        if value != knob.low:
            assert told[knob.name].endswith(knob.unit)


# --- thresholds ---


def test_the_map_is_the_explainers_map():
    panel = made(ThresholdMapPanel)
    exact = threshold_map(WORLD, NETWORK, "length", others="empty")
    assert panel.result == exact == ran(panel)
    figure = panel.figure["thresholds"]
    assert figure["neurons"] == list(range(10))
    assert [knob["label"] for knob in figure["knobs"]] == ["job 1", "job 2", "job 3"]
    drawn = np.frombuffer(figure["activation"], np.float32).reshape(10, sum(figure["counts"]))
    np.testing.assert_allclose(drawn, np.concatenate(exact.curves.activation, axis=1), rtol=1e-6)
    for neuron, row in enumerate(figure["cells"]):
        for column, cell in enumerate(row):
            curve = exact.curves.curve(neuron, exact.knobs[column])
            assert cell["words"] == curve.sentence()
            assert len(cell["marks"]) == len(curve.thresholds)
            assert all(0 < mark < 1 for mark in cell["marks"])
    assert panel.question == "Which neurons are switched by the length of which job?"


def test_a_cell_opens_its_curve_and_surface_and_selects_the_neuron():
    panel = made(ThresholdMapPanel)
    answer(panel, cell=[7, 2])
    assert panel.session.unit == 7
    curve = panel.result.curves.curve(7, "job 3 length")
    assert panel.figure["curve"]["activation"] == curve.activation.tolist()
    assert panel.figure["curve"]["words"] == curve.sentence()
    exact = surface(WORLD, NETWORK, 7, "job 3 length", "job 3 cpu", others="empty")
    assert panel.surface == exact
    drawn = np.frombuffer(panel.figure["surface"]["activation"], np.float32)
    np.testing.assert_allclose(drawn, exact.activation.ravel(), rtol=1e-6)
    assert panel.figure["thresholds"]["chosen"] == [7, 2]
    answer(panel, second="memory")
    assert panel.surface.knobs == ("job 3 length", "job 3 memory")
    answer(panel, cell=[7, 9])
    assert "no object number 9" in panel.error


def test_a_map_of_the_present_state_follows_it_and_one_of_absent_jobs_does_not(monkeypatch):
    panel = made(ThresholdMapPanel)
    absent = panel.result
    panel.session.move(STATE.values * 0)
    assert panel.result is absent
    answer(panel, others="as they are")
    panel.session.state = STATE
    assert panel.result == threshold_map(WORLD, NETWORK, "length", state=STATE)
    assert panel.figure["surface"]["current"] is not None
    panel.on_page = False
    kept = panel.result
    panel.session.move(STATE.values * 0)
    assert panel.result is kept
    panel.on_page = True
    assert panel.result != kept
    answer(panel, kind="cpu")
    assert panel.result.kind == "cpu"
    assert panel.answers["second"] != "cpu"


def test_the_count_over_networks_is_the_census(monkeypatch):
    def broken():
        msg = "made for other sizes"
        raise DnnExplainError(msg)

    panel = made(ThresholdMapPanel, networks={"other": lambda: OTHER, "broken": broken, "same": NETWORK})
    pressed(panel, "census")
    exact = census(WORLD, [NETWORK, OTHER], "length")
    assert panel.counted == exact
    rows = panel.figure["cells"]["rows"]
    assert [row["label"] for row in rows] == ["small", "other"]
    assert [int(cell["text"]) for cell in rows[0]["cells"]] == [
        getattr(exact.networks[0], name)
        for name in ("neurons", "threshold", "off_below", "settles_above", "both", "dead", "flat")
    ]
    assert "below length 5" in panel.sentence
    assert "above 15" in panel.sentence
    assert "broken (made for other sizes)" in panel.sentence
    answer(panel, cell=[2, 1])
    assert exact.sentence() in panel.sentence  # choosing a cell does not lose it
    panel.session.policy = OTHER
    assert panel.counted is None
    assert len(panel.result.turns_on) == 6


def test_of_many_neurons_those_with_thresholds_are_shown():
    panel = made(ThresholdMapPanel, rows=3)
    shown = panel.figure["thresholds"]["neurons"]
    assert len(shown) <= 4
    assert panel.session.unit in shown
    counts = panel.result.shows.sum(axis=1)
    left_out = sorted(set(range(10)) - set(shown))
    assert counts[left_out].max() <= max(counts[shown])
    assert "are not shown" in panel.sentence
    answer(panel, unit=left_out[0])
    assert left_out[0] in panel.figure["thresholds"]["neurons"]


def test_a_system_without_objects_is_refused():
    vehicle = FakeSystem()
    with pytest.raises(DnnExplainError, match="no kind of knob"):
        ThresholdMapPanel(vehicle, TorchPolicy(mlp(vehicle), vehicle))


# --- interventions ---


def test_the_decision_with_a_neuron_held_is_shown_at_once():
    panel = made(InterventionPanel)
    unit = panel.session.unit
    exact = intervene(WORLD, NETWORK, STATE, unit)
    assert panel.effect == exact
    rows = panel.figure["changes"][0]["rows"]
    valid = exact.before.valid
    for i, row in enumerate(rows):
        if valid[i]:
            assert (row["from"], row["to"]) == (exact.before.probabilities[i], exact.after.probabilities[i])
        else:
            assert row["text"] == "not possible"
    answer(panel, held=3.5)
    assert panel.effect == intervene(WORLD, NETWORK, STATE, unit, value=3.5)
    panel.session.move(STATE.values * 0)
    assert panel.effect.question.state["slots"][0]["length"] == 0
    answer(panel, held=-1)
    assert "never below 0" in panel.error


def test_episodes_with_and_without_the_neuron():
    panel = made(InterventionPanel)
    answer(panel, sets=6, seed=3)
    pressed(panel, "run")
    exact = effect_on_cost(WORLD, NETWORK, panel.session.unit, WORLD.workloads("deeprm", 6, seed=3), seed=3)
    assert panel.result == exact == ran(panel)
    row = panel.figure["changes"][1]["rows"][0]
    assert (row["from"], row["to"]) == (exact.before.mean(), exact.after.mean())
    if exact.low == exact.low:  # an interval needs enough job sets on which the neuron changes something
        assert row["range"] == [exact.before.mean() + exact.low, exact.before.mean() + exact.high]
    else:
        assert "range" not in row
    assert exact.sentence() in panel.sentence
    answer(panel, held=1.0)
    assert panel.result is None  # it was about another value
    assert len(panel.figure["changes"]) == 1


def test_each_neuron_in_turn():
    panel = pressed(made(InterventionPanel), "each")
    exact = [intervene(WORLD, NETWORK, STATE, n) for n in range(10)]
    shown = [int(row["label"].split()[1]) for row in panel.figure["cells"]["rows"]]
    assert set(shown) == {n for n, one in enumerate(exact) if one.moved.any()}
    flips = [str(n) for n, one in enumerate(exact) if one.flips]
    assert (f"changes the decision here: {', '.join(flips)}." in panel.sentence) == bool(flips)
    answer(panel, chosen=[0, 0])
    assert panel.session.unit == shown[0]
    assert panel.figure["cells"]["rows"][0]["label"] == f"Neuron {shown[0]}"  # the list stays for the next click
    panel.session.move(STATE.values * 0)
    assert "cells" not in panel.figure  # it was about another state


def test_a_vector_output_shows_what_moves_most():
    vehicle = FakeSystem()
    policy = TorchPolicy(mlp(vehicle), vehicle)
    panel = InterventionPanel(vehicle, policy)
    exact = intervene(vehicle, policy, panel.session.state, panel.session.unit)
    rows = {row["label"]: row for row in panel.figure["changes"][0]["rows"]}
    assert rows["steer"]["to"] == exact.after.outputs[0]
    pressed(panel, "each")
    assert panel.figure["cells"]["columns"] == ["it is now", "moves most", "by"]


# --- what the layer knows ---


def test_probes_are_the_explainers_probes():
    panel = made(KnowledgePanel)
    answer(panel, states=120, repeats=3, above=2.0)
    pressed(panel, "probe")
    seen = visited(WORLD, NETWORK, 120, workload="deeprm")
    facts = domain_facts(WORLD, seen.observations, about="job 1", above=2.0)
    exact = probe_facts(WORLD, NETWORK, seen.states(WORLD), facts, repeats=3)
    assert panel.result == exact == ran(panel)
    rows = {row["label"]: row for row in panel.figure["changes"][0]["rows"]}
    for fact in exact.facts:
        if not fact.note:
            assert (rows[fact.name]["from"], rows[fact.name]["to"]) == (fact.control, fact.accuracy)
    known = [fact.name for fact in exact.facts if fact.low > 0]
    assert all(name in panel.sentence.partition("Not told apart")[0] for name in known)
    panel.session.policy = OTHER
    assert panel.result is None
    assert "press Probe" in panel.sentence


def test_own_facts_and_facts_that_say_nothing():
    vehicle = FakeSystem()
    policy = TorchPolicy(mlp(vehicle), vehicle)
    few = KnowledgePanel(vehicle, policy, facts={"fast": lambda values: values[:, 1] > 4})
    press(few, "probe")
    assert few.jobs.wait(30)
    assert "distinct states" in few.error  # the system's own batch has only four
    panel = made(KnowledgePanel, facts={"job 1 is long": lambda values: values[:, 0] > 3})
    answer(panel, states=80, repeats=2)
    pressed(panel, "probe")
    assert "job 1 is long" in {row["label"] for row in panel.figure["changes"][0]["rows"]}


# --- the embedding ---


def test_points_are_the_explainers_points_and_load_their_states():
    panel = made(EmbeddingPanel)
    answer(panel, states=100)
    pressed(panel, "place")
    states = visited(WORLD, NETWORK, 100, workload="deeprm").states(WORLD)
    exact = embed(WORLD, NETWORK, states)
    assert panel.result == exact == ran(panel)
    figure = panel.figure["scatter"]
    np.testing.assert_allclose(
        np.frombuffer(figure["points"], np.float32).reshape(-1, 2), exact.points, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(figure["here"], locate(WORLD, NETWORK, exact, [STATE])[0])
    answer(panel, point=17)
    assert panel.session.state == states[17]
    np.testing.assert_allclose(panel.figure["scatter"]["here"], exact.points[17], atol=1e-6)
    answer(panel, label="job 2 cpu")
    np.testing.assert_array_equal(
        np.frombuffer(panel.figure["scatter"]["values"], np.float32), [one.values[4] for one in states]
    )
    assert panel.figure["scatter"]["names"] == []
    assert panel.result.label == "job 2 cpu"
    answer(panel, point=500)
    assert "no state number 500" in panel.error


def test_tsne_is_placed_on_demand_and_has_no_crosshair():
    panel = made(EmbeddingPanel)
    answer(panel, states=40, method="tsne")
    assert panel.result is None
    pressed(panel, "place")
    assert panel.result.method == "tsne"
    assert panel.figure["scatter"]["here"] is None
    assert "distances between groups mean nothing" in panel.sentence


# --- what they share ---


@pytest.mark.parametrize("kind", PANELS)
def test_results_are_saved_and_reloaded_to_the_bit(kind, tmp_path):
    panel = made(kind)
    first = {"find": {}, "run": {"sets": 3}, "probe": {"states": 60, "repeats": 2}, "place": {"states": 30}}
    name = next((one["name"] for one in panel.controls if one["name"] in first), None)
    if name is not None:
        press(panel, "result")
        assert "no result to save yet" in panel.error
        answer(panel, **first[name])
        pressed(panel, name)
    press(panel, "result")
    assert panel.error == ""
    content = panel.download["text"].encode()
    assert panel.save(str(tmp_path / "one.json")).read_bytes() == content
    again = made(kind)
    again.set_state({"upload": {"name": "load", "file": "one.json", "content": memoryview(content)}})
    assert again.error == ""
    assert again.result == panel.result
    again.set_state({"upload": {"name": "load", "file": "no.json", "content": memoryview(b"{]")}})
    assert "not valid JSON" in again.error
    again.set_state({"upload": {"name": "load", "file": "no.json", "content": memoryview(b"\xff\xfe\x00")}})
    assert "not text" in again.error
    assert again.result == panel.result
    foreign = kind(WORLD, OTHER, STATE)
    foreign.load(tmp_path / "one.json")
    assert foreign.outdated["text"].startswith("An earlier answer, about the network small")
    json.dumps([foreign.controls, foreign.answers])


@pytest.mark.parametrize("kind", [one for one in PANELS if one is not ThresholdMapPanel])
def test_a_file_about_another_system_is_refused(kind, tmp_path):
    result = {
        MaximalPanel: lambda s, p: maximise(s, p, 0),
        InterventionPanel: lambda s, p: effect_on_cost(s, p, 0, s.workloads("calm", 2, 0)),
        KnowledgePanel: lambda s, p: probe_facts(
            s, p, visited(s, p, 60).states(s) * 1 + _drawn(s), {"fast": lambda v: v[:, 1] > 4}, repeats=2
        ),
        EmbeddingPanel: lambda s, p: embed(s, p, visited(s, p, 60).states(s)),
    }[kind]
    vehicle = FakeSystem()
    result(vehicle, TorchPolicy(mlp(vehicle), vehicle)).save(tmp_path / "other.json")
    panel = made(kind)
    with pytest.raises(DnnExplainError, match="about fake-vehicle"):
        panel.load(tmp_path / "other.json")
    assert panel.result is None


def _drawn(system):
    from dnnexplain.contract import State
    from dnnexplain.explain.probing.neurons import random_values

    return [State(row) for row in random_values(system, 60, np.random.default_rng(0))]


@pytest.mark.parametrize("kind", PANELS)
def test_a_rule_has_nothing_to_look_into(kind):
    panel = kind(WORLD, WORLD.rules()["sjf"], STATE)
    assert panel.controls == []
    assert "rule without a network" in panel.sentence
    assert panel.error == ""
    panel.session.policy = NETWORK  # and then there is
    assert panel.controls
    panel.session.state = WORLD.state_from_json({"slots": []})
    assert panel.error == ""


@pytest.mark.parametrize("kind", PANELS)
def test_a_linear_network_can_be_looked_into(kind):
    gate = FakeChoice()
    panel = kind(gate, TorchPolicy(linear_network(gate), gate)) if kind is not ThresholdMapPanel else None
    if panel is not None:
        assert panel.error == ""


def test_one_session_one_neuron():
    session = Session(WORLD, NETWORK, STATE)
    panels = [kind(session=session) for kind in PANELS]
    thresholds, maximal, intervention = panels[:3]
    answer(thresholds, cell=[8, 1])
    assert session.unit == maximal.answers["unit"] == intervention.answers["unit"] == 8
    assert intervention.effect.neuron == 8
    answer(intervention, unit=2)
    assert thresholds.figure["thresholds"]["chosen"] == [2, 1]
