"""Panels about what is proved and where a network fails: verdicts, reasons, regions, guards."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import State
from dnnexplain.explain.guards import Guard, GuardRule
from dnnexplain.explain.proofs.sufficient import SufficientReason
from dnnexplain.explain.regions import Where
from dnnexplain.policies import TorchPolicy, named_policy
from dnnexplain.registry import make_system
from dnnexplain_widgets.panels.failing import FailingPanel
from dnnexplain_widgets.panels.guarding import GuardPanel
from dnnexplain_widgets.panels.never import NeverPanel
from dnnexplain_widgets.panels.reasons import ReasonPanel
from tests.explain.test_proofs import every_state, jobs_only, networks, small


def ended(panel: Any) -> Any:
    until = time.monotonic() + 240
    while panel.busy and time.monotonic() < until:
        time.sleep(0.02)
    assert not panel.busy
    assert not panel.error, panel.error
    return panel


@pytest.fixture(scope="module")
def world() -> Any:
    system = small()
    return system, TorchPolicy(networks(system)["plain"], system, masked=True)


def test_a_refuted_property_opens_its_witness() -> None:
    system = make_system("cellular")
    state = State(system.repair(np.array([[knob.start for knob in system.knobs]]))[0])
    panel = NeverPanel(system, named_policy(system, "default"), state, parts=20)
    panel.run()
    ended(panel)
    rows = panel.figure["cells"]["rows"]
    assert [row["label"] for row in rows] == list(panel.result)
    for place, (name, verdict) in enumerate(panel.result.items()):
        panel.answers = {**panel.answers, "chosen": [place, 0]}
        assert verdict.claim.text in panel.sentence
        if verdict.witness is not None:
            assert np.allclose(panel.session.state.values, np.atleast_2d(verdict.witness)[0]), name
    assert any(one.verdict == "fails" for one in panel.result.values())


def test_a_reason_names_what_is_fixed_and_opens_what_flips_it(world: Any) -> None:
    system, policy = world
    state = State(every_state(system, jobs_only(system))[9])
    panel = ReasonPanel(system, policy, state)
    panel.run()
    ended(panel)
    found = panel.result
    assert isinstance(found, SufficientReason)
    shown = "; ".join(row["cells"][1]["text"] for row in panel.figure["cells"]["rows"])
    assert all(name in shown for name in found.fixed)
    assert f"{len(found.fixed)} knob" in panel.sentence or not found.fixed
    assert found.flipped is not None
    panel.on_press("open")
    assert np.allclose(panel.session.state.values, found.flipped.values)


def test_regions_are_ranked_and_told(world: Any) -> None:
    system, policy = world
    panel = FailingPanel(system, policy, sets=3, states=20)
    panel.run()
    ended(panel)
    assert panel.result.words in panel.sentence
    assert len(panel.figure["cells"]["rows"]) == len(panel.result.regions)


def test_a_guard_from_a_file_is_measured_and_kept(world: Any) -> None:
    system, policy = world
    panel = GuardPanel(system, policy, sets=3, rounds=1)
    guard = Guard("deeprm", (GuardRule(Where(), "sjf"),))
    panel.on_file("guard", "guard.json", guard.to_json().encode())
    ended(panel)
    assert panel.result.stepped_in == 1.0
    assert panel.result.words in panel.sentence
    panel.on_press("keep")
    assert Guard.from_json(panel.download["text"]).rules == guard.rules
