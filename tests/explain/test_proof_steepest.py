"""Climbs by gradient: valid ends, judged by the network; what they refute, and where they know no way."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import Case, Change, StateSet
from dnnexplain.explain.proofs.case_network import ProofTask
from dnnexplain.explain.proofs.models import pairs_hold
from dnnexplain.explain.proofs.steepest import steepest
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import untrained
from dnnexplain.systems import make_system
from dnnexplain.systems.routing import RoutingSystem

SYSTEM: Any = RoutingSystem("abilene", k=2)
POLICY: Any = untrained(SYSTEM, 1)


def task(system: Any, policy: Any) -> ProofTask:
    return ProofTask(system, policy, ProofBudget(), time.monotonic() + 60, None, None, decided=False, stop=Event())


def case(change: Change | None = None) -> Case:
    count = len(SYSTEM.output.names)
    row = np.zeros((1, count if change is None else 2 * count))
    row[0, 1] = 1.0
    if change is not None:
        row[0, count + 1] = -1.0
    return Case("more over the second path", StateSet.all_of(SYSTEM), row, np.zeros(1), change)


def test_the_end_is_a_valid_state_with_the_networks_own_margin_far_above_draws() -> None:
    found = steepest(task(SYSTEM, POLICY), case(), np.random.default_rng(0))
    assert found is not None
    row, value = found
    np.testing.assert_allclose(SYSTEM.repair(row[None])[0], row, atol=1e-6)
    assert value == pytest.approx(float(POLICY.outputs(SYSTEM.encode(row[None]))[0, 1]), abs=1e-6)
    rng = np.random.default_rng(1)
    drawn = rng.uniform(0, [knob.high for knob in SYSTEM.knobs], size=(2000, len(SYSTEM.knobs)))
    assert value > POLICY.outputs(SYSTEM.encode(drawn))[:, 1].max()


def test_of_two_states_the_end_is_a_pair_that_differs_as_asked() -> None:
    knob = SYSTEM.knobs[0]
    asked = case(Change(knob.name, 1.0, knob.high))
    found = steepest(task(SYSTEM, POLICY), asked, np.random.default_rng(0))
    assert found is not None
    pair, value = found
    assert pairs_hold(SYSTEM, asked, pair[None])[0]
    first, second = pair.reshape(2, -1)
    shares = POLICY.outputs(SYSTEM.encode(np.stack([first, second])))[:, 1]
    assert value == pytest.approx(float(shares[0] - shares[1]), abs=1e-6)


def test_where_an_observation_is_no_sum_over_knobs_nothing_is_climbed() -> None:
    system: Any = make_system("deeprm")
    row = np.eye(1, 6)
    claim = Case("", StateSet.all_of(system), row, np.zeros(1))
    assert steepest(task(system, untrained(system, 0)), claim, np.random.default_rng(0)) is None
