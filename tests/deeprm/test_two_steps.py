"""Proofs over two decisions: the formula of the step is the simulator's, and bounds hold for both steps at once."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import Property, State
from dnnexplain.explain.proofs.by_bounds import by_bounds
from dnnexplain.explain.proofs.case_network import ProofTask, margins
from dnnexplain.explain.proofs.draws import draw, listed
from dnnexplain.explain.proofs.prover import by_program, prove
from dnnexplain.explain.proofs.ready import described
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import named_policy
from dnnexplain.registry import make_system
from dnnexplain.systems.deeprm.two_steps import starts_both

SYSTEM: Any = make_system("deeprm")
NETWORK: Any = named_policy(SYSTEM, "default")
CLAIM = starts_both(SYSTEM)


def few() -> Any:
    """Job 2 is started, then job 1 is asked about: some hundred states."""
    case = next(
        one for one in CLAIM.cases if one.name.startswith("job 2 is started") and "though job 1 fits" in one.name
    )
    some = {"job 1 length": (3, 5), "job 1 cpu": (2, 3), "job 1 memory": (1, 2), "time since last arrival": 4}
    some |= {"job 2 length": (1, 3), "job 2 cpu": (1, 3), "job 2 memory": (1, 2)}
    return replace(case, states=case.states.where(SYSTEM, **some))


def task(**limits: Any) -> ProofTask:
    return ProofTask(SYSTEM, NETWORK, ProofBudget(**limits), time.monotonic() + 600)


@pytest.mark.parametrize("place", [0, 7, 19])
def test_the_formula_of_the_step_is_the_simulators(place: int) -> None:
    case = CLAIM.cases[place]
    assert case.then is not None
    rows = draw(SYSTEM, case.states, 100, np.random.default_rng(place))
    assert len(rows) == 100
    later = case.then(rows)
    assert np.array_equal(later, case.then.played(rows))
    assert (np.abs(later - rows).max(axis=1) > 0).all()
    assert np.array_equal(SYSTEM.repair(later), later), "a valid state follows"


def test_with_two_jobs_that_fit_nothing_else_can_be_done() -> None:
    case = CLAIM.cases[0]
    rows = draw(SYSTEM, case.states, 50, np.random.default_rng(3))
    assert (SYSTEM.valid_values(rows) == [True, True, False, False, False, False]).all()
    assert case.then is not None
    assert (SYSTEM.valid_values(case.then(rows)) == [False, True, False, False, False, True]).all()


@pytest.mark.parametrize("settle", [by_bounds, by_program])
def test_a_bound_over_both_steps_is_met_in_all_states_that_are_listed(settle: Any) -> None:
    case, asked = few(), task()
    rows = listed(SYSTEM, case.states, 20_000)
    assert rows is not None
    assert len(rows) > 200
    best = float(margins(asked, case, rows, played=True).max())
    high = replace(case, offset=case.offset - best - 1.0)
    found = settle(asked, high, -np.inf, np.random.default_rng(0))
    assert found.verdict == "holds", "nothing reaches what is one above the largest"
    assert -1.01 <= found.bound < 0
    assert found.certificate is not None
    assert found.certificate.holds
    low = replace(case, offset=case.offset - best + 0.5)
    assert settle(asked, low, -np.inf, np.random.default_rng(0)).verdict == "fails"


def test_a_violation_is_replayed_and_both_states_are_told() -> None:
    case = replace(CLAIM.cases[0], offset=np.array([0.0, 1e3]))  # whatever is left, the network seems to wait
    found = prove(SYSTEM, NETWORK, Property("two", "Never two.", (case,)), budget=ProofBudget(samples=64, parts=0))
    assert found.verdict == "fails"
    assert found.witness is not None
    assert found.after is not None
    shown = described(found, SYSTEM)
    assert case.then is not None
    assert shown["then"] == SYSTEM.state_to_json(State(case.then.played(found.witness[None])[0]))
    seen = NETWORK.outputs(SYSTEM.encode(np.stack([found.witness, found.after])))
    assert found.failed is not None
    assert found.failed.best == pytest.approx(min(seen[0, 0] - seen[0, 1], seen[1, 5] - seen[1, 1] + 1e3), abs=1e-4)


def test_a_step_that_lies_about_the_simulator_proves_nothing() -> None:
    right = few().then

    class Wrong:
        def __call__(self, values: Any) -> Any:
            return values  # as if nothing had been started

        def played(self, values: Any) -> Any:
            return right.played(values)

    case = replace(few(), then=Wrong(), offset=np.array([-1e3, -1e3]))
    found = by_bounds(task(), case, -np.inf, np.random.default_rng(0))
    assert found.verdict == "open"
    assert "does not speak of this network" in found.reason
