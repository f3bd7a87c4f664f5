"""Reasons and robustness of a rate at its bound: what is another decision is another rate, not another output."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import Box, State
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import rival_rows, robust
from dnnexplain.explain.proofs.sufficient import LIMITS, sufficient_reason
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import named_policy
from dnnexplain.registry import make_system


@pytest.mark.parametrize("output", [-2.0, 0.0, 0.03, 0.5, 0.97, 1.0, 3.5])
def test_rivals_are_what_is_another_decision(output):
    space = Box(("rate",), low=0.0, high=1.0, tolerance=0.05)
    rivals = rival_rows(SimpleNamespace(output=space), np.array([output]))
    others = np.linspace(-4, 4, 1601)[:, None]
    another = ~space.same(space.decide(np.array([[output]])), space.decide(others))
    leads = np.max([others @ row + offset for _, row, offset in rivals], axis=0)
    clear = np.abs(leads) > 1e-9
    assert ((leads > 0) == another)[clear].all()
    assert clear.sum() > 1500


def test_where_nothing_is_another_decision_there_is_no_rival():
    space = Box(("rate",), low=0.0, high=1.0, tolerance=2.0)
    ((_, row, offset),) = rival_rows(SimpleNamespace(output=space), np.array([7.0]))
    assert not row.any()
    assert offset < 0


@pytest.fixture(scope="module")
def world():
    system = make_system("cellular")
    low, high = ([getattr(knob, end) for knob in system.knobs] for end in ("low", "high"))
    rows = np.random.default_rng(5).uniform(low, high, (3, len(low)))
    return system, named_policy(system, "default"), system.repair(rows)


def rates(system, policy, rows):
    return system.output.decide(policy.outputs(system.encode(rows)))


def test_each_fixed_knob_of_a_minimal_reason_is_needed_for_the_rate(world):
    system, policy, rows = world
    at_bounds = 0
    for row in rows:
        kept = rates(system, policy, row[None])
        at_bounds += float(kept[0, 0]) in {0.0, 1.0}
        found = sufficient_reason(system, policy, State(row), budget=replace(LIMITS, seconds=6.0))
        assert found.flipped is not None
        assert not system.output.same(kept, rates(system, policy, found.flipped.values[None]))[0]
        names = [knob.name for knob in system.knobs]
        free = np.array([name not in found.fixed for name in names])
        drawn = np.random.default_rng(0).uniform(
            *([getattr(knob, end) for knob in system.knobs] for end in ("low", "high")), (4000, len(row))
        )
        drawn[:, ~free] = row[~free]
        drawn = system.repair(drawn)
        drawn = drawn[np.isclose(drawn[:, ~free], row[~free]).all(axis=1)]
        assert system.output.same(np.repeat(kept, len(drawn), axis=0), rates(system, policy, drawn)).all()
    assert at_bounds


def test_what_refutes_robustness_is_another_rate(world):
    system, policy, rows = world
    for row in rows:
        claim = robust(system, policy, State(row), 3.0)
        found = prove(system, policy, claim, budget=ProofBudget(seconds=2.0))
        if found.witness is not None:
            kept = rates(system, policy, row[None])
            assert not system.output.same(kept, rates(system, policy, found.witness.reshape(1, -1)))[0]
