"""Every built-in system states properties that a proof can speak of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import LooseCells, StateSet
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.inputs import loose_cells, summands
from dnnexplain.explain.proofs.models import pairs_hold
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import named_property, property_names
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of

BUDGET = ProofBudget(parts=20, samples=256, rounds=2, checked=16, program=False)


@pytest.fixture(scope="module")
def worlds() -> dict[str, tuple[Any, Any, Any]]:
    found = {}
    for name in BUILT_IN:
        system = make_system(name)
        found[name] = spec_of(name), system, named_policy(system, "default")
    return found


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_verdict_on_each_property_is_that_of_the_network(name: str, worlds: Any) -> None:
    spec, system, policy = worlds[name]
    names = [one for one in property_names(spec) if one != "robust"]
    assert len(names) >= 2
    for wanted in names[:2]:
        claim = named_property(spec, system, policy, wanted, None, 3)
        assert len({case.name for case in claim.cases}) == len(claim.cases), "cases go by their names"
        claim = type(claim)(claim.name, claim.text, claim.cases[:2], claim.assumed)
        found = prove(system, policy, claim, budget=BUDGET)
        assert found.verdict in {"holds", "fails", "open"}
        failed = found.failed
        if failed is not None:
            case = next(one for one in claim.cases if one.name == failed.name)
            rows = np.atleast_2d(found.witness)
            outputs = policy.outputs(system.encode(rows)).reshape(1, -1)
            assert case.margin(outputs)[0] == pytest.approx(failed.best, rel=1e-4)
            assert case.margin(outputs)[0] > 0
            if case.change is None:
                assert case.states.holds(system, rows).all()
            else:
                assert pairs_hold(system, case, rows.reshape(1, -1)).all()
            assert failed.bound >= failed.best


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_observation_is_its_sum_and_what_loose_cells_allow(name: str, worlds: Any) -> None:
    _, system, _ = worlds[name]
    states = StateSet.all_of(system)
    rng = np.random.default_rng(2)
    rows = draw(system, states, 200, rng)
    cells = np.asarray(system.encode(rows), dtype=float).reshape(len(rows), -1)
    names = [knob.name for knob in system.knobs]
    loose = loose_cells(system, states, None)
    assert bool(loose) == isinstance(system, LooseCells)
    for one in loose:
        left = cells[:, one.cell] - sum(weight * rows[:, names.index(knob)] for knob, weight in one.weights.items())
        slack = 1e-5 * np.abs(cells[:, one.cell]).max()
        assert (left >= one.least - slack).all()
        assert (left <= one.most + slack).all()
    summands(system, states)  # refuses what is no sum
