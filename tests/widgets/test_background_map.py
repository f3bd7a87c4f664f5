"""What is computed in the thread of the page is bounded; a slow map is made beside it."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
import torch

from dnnexplain.contract import State
from dnnexplain.explain import attribute
from dnnexplain.explain.attribution.methods import METHODS, fits
from dnnexplain.policies import TorchPolicy, convnet
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain_widgets import (
    AttributionPanel,
    DecisionPanel,
    EmbeddingPanel,
    InterventionPanel,
    MaximalPanel,
    NeuronsPanel,
    SaliencyPanel,
    Session,
    ThresholdMapPanel,
    WhiteBoxPanel,
    background_map,
    live,
)
from tests.explain.networks import Convolutional, mlp

WORLD = DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)
START = WORLD.state_from_json({"slots": [{"length": 3, "cpu": 2, "memory": 1}, {"length": 1, "cpu": 4, "memory": 2}]})
PANELS = (
    DecisionPanel, SaliencyPanel, NeuronsPanel, AttributionPanel, WhiteBoxPanel,
    ThresholdMapPanel, MaximalPanel, InterventionPanel, EmbeddingPanel,
)  # fmt: skip


class Counting:
    """Passes of all networks by thread, and the states in them; twins of a network count too."""

    def __init__(self, monkeypatch):
        self.passes: dict[str, list[int]] = {}
        plain = torch.nn.Module.__call__

        def counted(module, *inputs, **named):
            if isinstance(module, torch.nn.Flatten | Convolutional):  # runs once in a pass
                self.passes.setdefault(threading.current_thread().name, []).append(len(inputs[0]))
            return plain(module, *inputs, **named)

        monkeypatch.setattr(torch.nn.Module, "__call__", counted)

    @property
    def here(self):
        return self.passes.get(threading.current_thread().name, [])


def moved(session, step=0):
    values = START.values.copy()
    values[0] = 1 + step % 5
    session.state = State(values)


def test_a_step_with_all_panels_open_takes_a_bounded_number_of_passes(monkeypatch):
    policy = TorchPolicy(mlp(WORLD, hidden=10), WORLD)
    session = Session(WORLD, policy, START)
    panels = [kind(session=session) for kind in PANELS]
    panels[5].set_answers(others="as they are")  # then the map follows the state
    moved(session, 1)
    count = Counting(monkeypatch)
    moved(session, 2)
    assert all(panel.error == "" for panel in panels)
    # decision, map and its check, neurons, curves; map of thresholds, surface; intervention: here, before, after
    assert 8 <= len(count.here) <= 16
    assert sum(count.here) <= 200  # the sweeps are short: five lengths of three jobs, and one surface
    assert set(count.passes) == {threading.current_thread().name}


def test_panels_out_of_sight_take_no_pass(monkeypatch):
    policy = TorchPolicy(mlp(WORLD, hidden=10), WORLD)
    session = Session(WORLD, policy, START)
    hidden = [kind(session=session) for kind in (ThresholdMapPanel, MaximalPanel, InterventionPanel, EmbeddingPanel)]
    hidden[0].set_answers(others="as they are")
    for panel in hidden:
        panel.on_page = False
    alone = Session(WORLD, policy, START)
    alone.want("decision", "neurons")
    moved(session, 1)
    moved(alone, 1)
    count = Counting(monkeypatch)
    moved(alone, 2)
    least = len(count.here)
    moved(session, 2)
    assert len(count.here) == 2 * least


def test_heavy_questions_take_no_pass_in_the_thread_of_the_page(monkeypatch):
    policy = TorchPolicy(Convolutional(WORLD), WORLD, name="convolutional")
    session = Session(WORLD, policy, START)
    panels = {
        kind: kind(session=session) for kind in (AttributionPanel, MaximalPanel, InterventionPanel, EmbeddingPanel)
    }
    panels[MaximalPanel].set_answers(restarts=1)
    panels[InterventionPanel].set_answers(sets=2)
    panels[EmbeddingPanel].set_answers(states=20)
    count = Counting(monkeypatch)
    for kind, name in (
        (AttributionPanel, "check"),
        (MaximalPanel, "find"),
        (InterventionPanel, "run"),
        (EmbeddingPanel, "place"),
    ):
        panel = panels[kind]
        before = len(count.here)
        panel.set_state({"presses": {name: 1}})
        assert panel.jobs.wait(120), kind
        assert panel.error == ""
        assert panel.result is not None
        assert len(count.here) == before, kind
    assert sum(len(rows) for thread, rows in count.passes.items() if "dnnexplain-job" in thread) > 20


def slow_after(monkeypatch, budget):
    monkeypatch.setattr(background_map, "BUDGET", budget)


def test_a_slow_map_comes_after_the_rest_of_its_step(monkeypatch):
    slow_after(monkeypatch, 0.0)  # every map is slow
    gate, waiting = threading.Event(), threading.Event()
    plain = live.attribute

    def held(*arguments, **options):
        if threading.current_thread().name == "dnnexplain-job":
            waiting.set()
            assert gate.wait(20)
        return plain(*arguments, **options)

    monkeypatch.setattr(live, "attribute", held)
    policy = TorchPolicy(mlp(WORLD, hidden=10), WORLD)

    async def drag():
        session = Session(WORLD, policy, START)
        panel = SaliencyPanel(session=session)
        session.want("decision")
        assert session.live.attribution is not None  # the first one, which was measured
        for step in range(5):
            moved(session, step)
            assert session.live.decision is not None
            assert session.live.decision.state is session.state
            assert session.live.attribution is None
            assert "follows" in session.hub.live["words"]["saliency"]
            await asyncio.sleep(0)
        assert waiting.wait(20)
        gate.set()
        for _ in range(400):
            if session.live.attribution is not None:
                break
            await asyncio.sleep(0.02)
        assert panel.result.question.state == WORLD.state_to_json(session.state)  # the newest state's, no older one's
        exact = attribute(WORLD, policy, session.state)
        np.testing.assert_allclose(session.live.attribution.map, exact.map, rtol=1e-5, atol=1e-7)
        assert "overlay" in session.hub.live
        other = TorchPolicy(mlp(WORLD, hidden=10, seed=4), WORLD)
        session.policy = other
        assert session.live.attribution is not None  # another network is measured anew

    asyncio.run(drag())
    assert not [
        one for one in threading.enumerate() if one.name == "dnnexplain-job" and one.is_alive() and not one.daemon
    ]


def test_only_one_map_is_made_at_a_time(monkeypatch):
    slow_after(monkeypatch, 0.0)
    running, most, made = 0, 0, 0
    lock = threading.Lock()
    plain = live.attribute

    def slow(*arguments, **options):
        nonlocal running, most, made
        with lock:
            running, made = running + 1, made + 1
            most = max(most, running)
        threading.Event().wait(0.02)
        found = plain(*arguments, **options)
        with lock:
            running -= 1
        return found

    monkeypatch.setattr(live, "attribute", slow)

    async def drag():
        session = Session(WORLD, TorchPolicy(mlp(WORLD, hidden=10), WORLD), START)
        session.want("saliency")
        for step in range(30):
            moved(session, step)
            await asyncio.sleep(0)
        for _ in range(400):
            if session.live.attribution is not None:
                break
            await asyncio.sleep(0.02)
        assert session.live.attribution is not None

    asyncio.run(drag())
    assert most == 1
    assert made < 12  # not one for every step


def test_a_first_map_that_took_long_for_other_reasons_is_forgiven(monkeypatch):
    plain, calls = live.attribute, []

    def first_slow(*arguments, **options):
        calls.append(threading.current_thread().name)
        if len(calls) == 1:
            until = time.thread_time() + 0.08
            while time.thread_time() < until:  # as an import would
                pass
        return plain(*arguments, **options)

    monkeypatch.setattr(live, "attribute", first_slow)
    monkeypatch.setattr(background_map, "BUDGET", 0.06)

    async def drag():
        session = Session(WORLD, TorchPolicy(mlp(WORLD, hidden=10), WORLD), START)
        session.want("saliency")
        moved(session, 1)
        assert session.live.attribution is None
        for _ in range(400):
            if session.live.attribution is not None:
                break
            await asyncio.sleep(0.02)
        moved(session, 2)
        assert session.live.attribution is not None  # at once again
        assert calls[1] != calls[0] == calls[2]

    asyncio.run(drag())


def test_without_an_event_loop_nothing_is_late(monkeypatch):
    slow_after(monkeypatch, 0.0)
    session = Session(WORLD, TorchPolicy(mlp(WORLD, hidden=10), WORLD), START)
    session.want("saliency")
    moved(session, 3)
    assert session.live.attribution is not None


def test_a_failure_in_the_worker_is_shown(monkeypatch):
    slow_after(monkeypatch, 0.0)
    plain = live.attribute

    def broken(*arguments, **options):
        if threading.current_thread().name == "dnnexplain-job":
            msg = "no such luck"
            raise RuntimeError(msg)
        return plain(*arguments, **options)

    monkeypatch.setattr(live, "attribute", broken)

    async def step():
        session = Session(WORLD, TorchPolicy(mlp(WORLD, hidden=10), WORLD), START)
        session.want("saliency")
        moved(session, 2)
        for _ in range(200):
            if session.live.failures:
                break
            await asyncio.sleep(0.02)
        assert "no such luck" in session.live.failures["saliency"]

    asyncio.run(step())


@pytest.mark.parametrize(
    "method", [name for name, one in METHODS.items() if not (one.heavy or one.neuron or one.units)]
)
def test_what_a_light_map_costs_is_noted(method):
    policy = TorchPolicy(convnet(WORLD), WORLD)
    if fits(method, policy, WORLD):
        pytest.skip("does not fit")
    session = Session(WORLD, policy, START)
    session.want("saliency")
    session.question(method=method)
    assert session.live.failures == {}
    assert 0 < session.live.spent["saliency"] < 30


def test_a_late_map_of_an_earlier_question_does_not_replace_the_answer_to_the_present_one():
    session = Session(WORLD, TorchPolicy(mlp(WORLD), WORLD), START)
    earlier, late = session.ask, session.live  # an answer to the same state
    session.question(method="integrated-gradients" if earlier.method != "integrated-gradients" else "saliency")
    assert late.state is session.live.state
    shown = session.live.attribution
    session._join(earlier, late)
    assert session.live.attribution is shown
    session._join(session.ask, late)
    assert session.live.attribution is late.attribution
