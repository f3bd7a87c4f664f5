"""Bounds by lines: above and below what they should be, exact over groups, and lowered by descent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnnexplain.contract import Case, DnnExplainError, Property, State, StateSet
from dnnexplain.contract.properties import chosen_over
from dnnexplain.explain.proofs import case_network, program, prover, sufficient
from dnnexplain.explain.proofs.branching import branch_and_bound
from dnnexplain.explain.proofs.dual_kernels import SIGMOID, TANH, curve_lines
from dnnexplain.explain.proofs.forced import ForcedSets
from dnnexplain.explain.proofs.listing_kernels import settle
from dnnexplain.explain.proofs.option_kernels import allowed
from dnnexplain.explain.proofs.program import Program
from dnnexplain.explain.proofs.ready import free_knobs, kept_decision
from dnnexplain.explain.proofs.relaxation import Descent, EmptyGroups, relaxed_model
from dnnexplain.explain.proofs.sufficient import LIMITS, sufficient_reason
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import make_system
from tests.explain.test_proofs import every_state, jobs_only, networks, small

ENDS = st.floats(-12, 12)


@given(ENDS, ENDS)
def test_lines_lie_above_and_below_a_curve(one: float, two: float) -> None:
    lo, hi = min(one, two), max(one, two)
    at = np.linspace(lo, hi, 401)
    for kind, curve in ((SIGMOID, lambda x: 1 / (1 + np.exp(-x))), (TANH, np.tanh)):
        up, over, down, under = curve_lines(kind, lo, hi)
        assert (up * at + over >= curve(at) - 1e-12).all()
        assert (down * at + under <= curve(at) + 1e-12).all()
        assert min((up * at + over - curve(at)).min(), (curve(at) - down * at - under).min()) <= 1e-6, "a line touches"


@pytest.mark.parametrize("kind", ["plain", "curved"])
def test_bounds_hold_and_descent_lowers_them(kind: str) -> None:
    system = small()
    policy = TorchPolicy(networks(system)[kind], system, masked=False)
    states = jobs_only(system)
    rows = every_state(system, states)
    outputs = policy.outputs(system.encode(rows))
    asked = chosen_over(3, 0)
    model = relaxed_model(system, policy, Case("", states, asked, np.zeros(2)), None)
    assert np.abs(model.outputs(rows) - outputs).max() < 1e-5, "the proof's network is the network"
    weights = asked @ model.forms.T
    bounds = [Descent(model.relaxation).bound(weights[:, 1:], weights[:, 0], rounds=rounds) for rounds in (1, 40)]
    assert (outputs @ asked.T).min(axis=1).max() <= bounds[1] + 1e-6
    assert bounds[1] < bounds[0]


@pytest.mark.parametrize("kind", ["plain", "curved", "shallow"])
@pytest.mark.parametrize("masked", [False, True])
def test_what_branching_says_is_what_every_state_says(kind: str, masked: bool) -> None:
    """Parts leave out options with which no state comes near the question: the answer is that of listing all states."""
    system = small()
    states = jobs_only(system)
    rows = every_state(system, states)
    seen, left_out = set(), 0
    for seed in range(4):
        torch.manual_seed(seed)
        policy = TorchPolicy(networks(system)[kind], system, masked=masked)
        leads = policy.outputs(system.encode(rows)) @ chosen_over(3, 0)[0]
        counts = system.valid_actions(system.encode(rows))[:, 0] if masked else np.ones(len(rows), dtype=bool)
        top = float(leads[counts].max())
        for apart in (-0.3, -0.004, 0.004, 0.3):
            offset = np.array([apart - top])
            case = Case("", states, chosen_over(3, 0)[:1], offset)
            model = relaxed_model(system, policy, case, None)

            above = rows[counts & (leads + offset[0] > 0)]

            def enough(row: np.ndarray, _: float, above: np.ndarray = above) -> bool:
                return bool(np.isclose(above, row).all(axis=1).any())

            def masks(low: np.ndarray, high: np.ndarray, valid: np.ndarray = rows[counts]) -> str:
                inside = ((valid >= low - 1e-9) & (valid <= high + 1e-9)).all(axis=1)
                return "" if inside.any() else "empty"

            found = branch_and_bound(
                model, case.rows, offset, below=-1e-5, enough=enough, nodes=20_000, go_on=lambda: True,
                masks=masks if masked else None,
            )  # fmt: skip
            seen.add(apart > 0)
            if apart > 0:
                assert found.row is not None
                assert enough(found.row, found.best), "a state above the question is found"
            else:
                assert found.ended
                assert apart - 1e-6 <= found.bound <= -1e-5, "and where there is none, that is proved"
            left_out += len(rows) > 4 * found.nodes
    assert seen == {True, False}
    assert left_out, "in far fewer parts than there are states"


@pytest.mark.parametrize("along", [False, True])
def test_states_that_a_bound_leaves_open_are_those_above_what_is_asked(along: bool) -> None:
    """Listed one by one, with a knob along a straight line at where its row is largest: as brute force has them."""
    system = small()
    states = jobs_only(system)
    free = [at for at, knob in enumerate(system.knobs) if knob.name == "time since last arrival"]
    states.high[free] = system.knobs[free[0]].high if along else 0.0
    rows = every_state(system, states)
    counts = []
    for seed in range(5):
        torch.manual_seed(seed)
        cells = int(np.prod(system.observation_shape))
        module = nn.Sequential(nn.Flatten(), nn.Linear(cells, 8), nn.ReLU(), nn.Linear(8, 3))
        policy = TorchPolicy(module, system, masked=False)
        asked = chosen_over(3, 0)[:1]
        leads = (policy.outputs(system.encode(rows)) @ asked.T)[:, 0]
        model = relaxed_model(system, policy, Case("", states, asked, np.zeros(1)), None)
        net = model.net(asked, np.zeros(1))
        flat = model.flat_arrays(net)
        assert flat is not None
        below = float(np.sort(leads)[-8]) - 1e-4
        arrays = model.inputs.arrays
        kept, ends = np.arange(len(arrays.options)), arrays.start.copy()
        low, high = model.inputs.low, model.inputs.high
        allowed(arrays, low, high, kept, ends)
        found, values = np.empty((4000, len(low))), np.empty(4000)
        weightless = np.zeros(model.inputs.count)  # as a bound it says nothing: all states are looked at
        many = settle(flat, arrays, kept, ends, low, high, weightless, 1.0, below, 10**6, found, values)
        assert many >= 1
        inside = system.repair(found[:many])
        counts.append(many)
        whole = np.isclose(inside, found[:many]).all(axis=1)  # on the line a row is largest at an end, or in between
        again = (policy.outputs(system.encode(inside[whole])) @ asked.T)[:, 0]
        np.testing.assert_allclose(again, values[:many][whole], atol=1e-5)
        jobs = [at for at in range(len(system.knobs)) if at not in free]
        here = {tuple(row[jobs]) for row in inside}
        assert here >= {tuple(row[jobs]) for row in rows[leads > below]}
        assert along or len(here) == int((leads > below).sum())
        assert settle(flat, arrays, kept, ends, low, high, weightless, 1.0, below, many - 1, found, values) == -1
    assert max(counts) >= 5


def test_laying_a_network_out_ends_with_the_time() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    case = Case("", jobs_only(system), np.eye(3), np.zeros(3))
    with pytest.raises(DnnExplainError, match="the time was up before the network was laid out"):
        relaxed_model(system, policy, case, None, lambda: False)


def test_a_first_layer_is_bounded_exactly() -> None:
    system = small()
    states = jobs_only(system)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(system.observation_shape)), 3))
    policy = TorchPolicy(linear, system, masked=False)
    rows = every_state(system, states)
    model = relaxed_model(system, policy, Case("", states, np.eye(3), np.zeros(3)), None)
    for row in np.vstack([np.eye(3), -np.eye(3)]):
        weights = row[None] @ model.forms.T
        bound = Descent(model.relaxation).bound(weights[:, 1:], weights[:, 0], rounds=1)
        assert bound == pytest.approx((policy.outputs(system.encode(rows)) @ row).max(), abs=1e-5)


def test_a_part_of_the_states_is_bounded_as_if_asked_about_alone() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"][:3].append(nn.Linear(6, 3)), system, masked=False)
    whole, values = StateSet.all_of(system), every_state(system, jobs_only(system))[7]
    free = np.arange(len(values)) < 3
    part = free_knobs(whole, values, free)
    case = Case("", part, chosen_over(3, 0), np.zeros(2))
    model = relaxed_model(system, policy, replace(case, states=whole), None)
    assert model.flat
    got = []
    for one in (model.within(part), relaxed_model(system, policy, case, None)):
        weights = case.rows @ one.forms.T
        got.append(Descent(one.relaxation).bound(weights[:, 1:], weights[:, 0], rounds=40))
    assert got[0] == pytest.approx(got[1], abs=1e-6)
    with pytest.raises(EmptyGroups):
        model.within(replace(whole, low=np.full(len(values), 9.0), high=np.full(len(values), 9.0)))


def test_no_knob_of_a_minimal_reason_can_be_set_free() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=True)
    rng = np.random.default_rng(5)
    rows = every_state(system, jobs_only(system))
    names = [knob.name for knob in system.knobs]
    seen = set()
    for at in rng.choice(len(rows), 4, replace=False):
        state = State(rows[at])
        found = sufficient_reason(system, policy, state, budget=replace(LIMITS, listed=0))
        assert found.proved
        assert found.minimal, found.reason
        free = np.array([name in found.free for name in names])
        kept, rivals = kept_decision(system, policy, state)
        hunt = ForcedSets(system, policy, state, kept, rivals, np.inf, LIMITS, 3)
        drawn = system.repair(rng.integers(0, 4, size=(4000, len(names))).astype(float))
        drawn[:, ~free] = state.values[~free]
        drawn = drawn[np.isclose(system.repair(drawn), drawn).all(axis=1)]
        assert not (hunt.margins(drawn) > 0).any(), "no drawn state with the same fixed knobs flips it"
        for place in np.flatnonzero(~free):
            wider = free.copy()
            wider[place] = True
            assert hunt.forced(wider) is False, "and each fixed knob, set free, lets it flip"
        seen.add(found.decision)
    assert seen


def test_what_few_parts_leave_open_is_asked_again_with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    system = small()
    policy = TorchPolicy(networks(system)["residual"], system, masked=False)
    states = [State(row) for row in every_state(system, jobs_only(system))[::200]]
    few = replace(LIMITS, listed=0, parts=1, program=False)
    minimal = {}
    for patience in (1, sufficient.PATIENCE):
        monkeypatch.setattr(sufficient, "PATIENCE", patience)
        minimal[patience] = [sufficient_reason(system, policy, state, budget=few).minimal for state in states]
    assert sum(minimal.pop(1)) < sum(*minimal.values())


class Clock:
    """Time that passes by one second with each bound that is worked out."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize("way", ["bounds", "program"])
@pytest.mark.parametrize("name", ["deeprm", "routing", "abr", "cellular", "cran"])
def test_tightening_ends_when_the_time_is_up(name: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system: Any = small() if name == "deeprm" else make_system(name)
    torch.manual_seed(0)
    cells, actions = int(np.prod(system.observation_shape)), len(system.output.names)
    hidden = [nn.Linear(cells, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU()]
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), *hidden, nn.Linear(12, actions)), system, masked=False)
    clock, works = Clock(), {"bounds": (Descent, "bound"), "program": (Program, "relaxed")}
    for module in (case_network, program, prover):
        monkeypatch.setattr(module, "time", clock)
    kind, step = works[way]
    once = getattr(kind, step)

    def counted(*given: Any, **options: Any) -> Any:
        clock.now += 1.0
        return once(*given, **options)

    monkeypatch.setattr(kind, step, counted)
    case = Case("one", StateSet.all_of(system), np.eye(actions)[:1], np.zeros(1))
    limits = ProofBudget(
        listed=0, samples=1, rounds=0, seconds=4.0, **{"program": False} if way == "bounds" else {"parts": 0}
    )
    found = prover.prove(system, policy, Property("one", "one", (case,)), budget=limits)
    assert clock.now <= 4.0 + 2.0, "a neuron's second bound, and one that was begun"
    assert found.cases[0].bound >= found.cases[0].best, "what was reached is a bound still"
