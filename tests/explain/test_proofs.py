"""Proofs against brute force: verdicts, bounds, witnesses, certificates, on systems small enough to list."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import Case, Change, DnnExplainError, Property, Relation, State, StateSet
from dnnexplain.contract.properties import chosen_over, monotone_choice
from dnnexplain.explain.proofs import prover
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.models import second_states
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import property_names, robust
from dnnexplain.explain.proofs.sufficient import sufficient_reason
from dnnexplain.explain.proofs.users import property_from
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import make_system, spec_of

PROGRAM = ProofBudget(listed=0, samples=1, rounds=0)
"""Nothing is listed and hardly anything searched: a proof must find or settle it."""
ALONE = {"bounds": replace(PROGRAM, program=False), "program": replace(PROGRAM, parts=0)}
"""Each way of proving by itself."""


def small(slots: int = 2) -> Any:
    return make_system(
        "deeprm", slots=slots, horizon=4, max_job_length=3, units=2, max_job_units=2, backlog=3, tracking=2
    )


class Residual(nn.Module):
    """Sum, concatenation, leaky ReLU and functional operations."""

    def __init__(self, cells: int, actions: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(cells, 5), nn.Linear(5, 5)
        self.out = nn.Linear(10, actions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = nn.functional.leaky_relu(self.one(x.flatten(1)), 0.2)
        return self.out(torch.cat([first + torch.relu(self.two(first)), 0.5 * first], dim=1))


class Pooled(nn.Module):
    """Convolution and max-pool."""

    def __init__(self, shape: tuple[int, ...], actions: int) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=2)
        with torch.no_grad():
            size = self.pool(self.conv(torch.zeros(1, 1, *shape))).numel()
        self.out = nn.Linear(size, actions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.pool(torch.relu(self.conv(x.unsqueeze(1)))).flatten(1))


def networks(system: Any, *, pools: bool = True) -> dict[str, nn.Module]:
    torch.manual_seed(3)
    cells, actions = int(np.prod(system.observation_shape)), len(system.output.names)
    plain = nn.Sequential(
        nn.Flatten(), nn.Linear(cells, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, actions)
    )
    curved = nn.Sequential(
        nn.Flatten(), nn.Linear(cells, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, actions)
    )
    found = {"plain": plain, "residual": Residual(cells, actions), "curved": curved}
    found["shallow"] = nn.Sequential(nn.Flatten(), nn.Linear(cells, 8), nn.ReLU(), nn.Linear(8, actions))
    return found | ({"pooled": Pooled(system.observation_shape, actions)} if pools else {})


def jobs_only(system: Any) -> StateSet:
    """States in which nothing runs: few enough to list."""
    fixed = {knob.name: 0 for knob in system.knobs if not knob.name.startswith("job")}
    return StateSet.all_of(system).where(system, **fixed)


def every_state(system: Any, states: StateSet) -> np.ndarray:
    grids = [knob.grid()[(knob.grid() >= low) & (knob.grid() <= high)]
             for knob, low, high in zip(system.knobs, states.low, states.high, strict=True)]  # fmt: skip
    rows = np.array(list(itertools.product(*grids)))
    return rows[(system.repair(rows) == rows).all(axis=1) & states.holds(system, rows)]


@pytest.mark.parametrize(
    ("kind", "way"),
    [("plain", "bounds"), ("residual", "bounds"), ("curved", "bounds"), ("plain", "program"), ("residual", "program"),
     ("pooled", "program")],
)  # fmt: skip
def test_verdicts_and_bounds_are_those_of_brute_force(kind: str, way: str) -> None:
    system = small()
    policy = TorchPolicy(networks(system)[kind], system, masked=False)
    states = jobs_only(system)
    rows = every_state(system, states)
    outputs = policy.outputs(system.encode(rows))
    for action in range(3):
        asked = chosen_over(3, action)
        margins = (outputs @ asked.T).min(axis=1)
        for offset in (-float(margins.max()) - 0.05, -float(margins.max()) + 0.05):
            case = Case("shifted", states, asked, np.full(2, offset))
            found = prove(system, policy, Property("p", "never", (case,)), budget=ALONE[way])
            expected = "holds" if offset < -margins.max() else "fails"
            assert found.verdict == expected, (kind, action)
            assert found.bound >= margins.max() + offset - 1e-6
            assert found.checked <= 1e-4
            if found.witness is not None:
                again = policy.outputs(system.encode(found.witness[None])) @ asked.T + offset
                assert again.min() > 0
                assert (rows == found.witness).all(axis=1).any()


def test_listing_and_the_program_agree() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=True)
    rng = np.random.default_rng(0)
    rows = every_state(system, jobs_only(system))
    verdicts, agreed = set(), 0
    for at in rng.choice(len(rows), 12, replace=False):
        claim = robust(system, policy, State(rows[at]), 1, ("job 1", "job 2", "time since last arrival")[: 1 + at % 3])
        listed, proved = (prove(system, policy, claim, budget=one) for one in (ProofBudget(), PROGRAM))
        for one, other in zip(listed.cases, proved.cases, strict=True):
            assert other.verdict in {one.verdict, "open"}
            assert other.bound >= one.best - 1e-6
        left = [one.reason for one in proved.cases if one.verdict == "open"]
        assert all("valid" in reason or "not asked" in reason for reason in left)
        agreed += proved.verdict == listed.verdict
        verdicts.add(listed.verdict)
    assert verdicts == {"holds", "fails"}
    assert agreed >= 6, "only where validity itself depends on the state may the program leave it open"


def test_sure_actions_are_those_of_brute_force() -> None:
    system = small()
    rng = np.random.default_rng(1)
    for _ in range(40):
        ends = np.sort(rng.integers(0, 3, size=(2, len(system.knobs))), axis=0).astype(float)
        ends[:, 6:-2] *= rng.random() < 0.5
        low, high = (np.minimum(end, [knob.high for knob in system.knobs]) for end in ends)
        always, ever = system.sure_actions(low, high)
        rows = system.repair(rng.integers(low.astype(int), high.astype(int) + 1, size=(400, len(low))).astype(float))
        rows = rows[((rows >= low) & (rows <= high)).all(axis=1)]
        valid = system.valid_actions(system.encode(rows)) if len(rows) else np.zeros((0, 3), dtype=bool)
        assert not (always & ~valid).any()
        assert not (valid & ~ever).any()


def test_boxes_hold_all_states_in_which_an_action_is_valid() -> None:
    system = small()
    rng = np.random.default_rng(2)
    left_out = 0
    for _ in range(60):
        ends = np.sort(rng.integers(0, 3, size=(2, len(system.knobs))), axis=0).astype(float)
        low, high = (np.minimum(end, [knob.high for knob in system.knobs]) for end in ends)
        rows = system.repair(rng.integers(low.astype(int), high.astype(int) + 1, size=(400, len(low))).astype(float))
        rows = rows[((rows >= low) & (rows <= high)).all(axis=1)]
        valid = system.valid_actions(system.encode(rows)) if len(rows) else np.zeros((0, 3), dtype=bool)
        for action in range(3):
            boxes = system.valid_within(action, low, high)
            inside = np.zeros(len(rows), dtype=bool)
            for least, most in boxes:
                assert (least >= low).all()
                assert (most <= high).all()
                inside |= ((rows >= least) & (rows <= most)).all(axis=1)
            assert not (valid[:, action] & ~inside).any()
            left_out += int((~inside).sum())
    assert left_out > 1000, "and what they leave out is much"


def test_two_states_are_compared_as_by_brute_force() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    states = jobs_only(system).where(system, **{"job 1 length": (1, 2)})
    cases = monotone_choice(states, Change("job 1 length", 1.0, 2.0), 3, [0, 1, 2], ("{action} over {other}", ""))
    rows = every_state(system, states)
    for case in cases:
        found = prove(system, policy, Property("m", "monotone", (case,)), budget=PROGRAM)
        best = -np.inf
        for step in (1, 2):
            moved = rows.copy()
            moved[:, 0] += step
            kept = moved[:, 0] <= 3
            both = np.hstack([policy.outputs(system.encode(one[kept])) for one in (rows, moved)])
            best = max(best, float(case.margin(both).max()))
        assert found.verdict == ("fails" if best > 0 else "holds"), case.name
        assert found.bound >= best - 1e-6
        if found.witness is not None:
            first, second = found.witness
            assert (first[1:] == second[1:]).all()
            assert second[0] > first[0]


def test_the_second_state_may_leave_the_first_ones_range_but_no_knobs() -> None:
    system = small()
    states = jobs_only(system).where(system, **{"job 1 length": (1, 1)})
    case = Case("", states, np.zeros((1, 6)), np.zeros(1), Change("job 1 length", 1.0, 9.0))
    second = second_states(system, case)
    assert (second.low[0], second.high[0]) == (2, 3)


def test_relations_and_budgets_bind() -> None:
    system = small()
    centre = np.zeros(len(system.knobs))
    centre[:3] = (2, 1, 1)
    states = jobs_only(system).around(system, centre, 2).related(Relation({"job 1 length": 1.0}, low=2.0))
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    rows = every_state(system, states)
    asked = np.array([[0.0, 0.0, 1.0]])
    top = float((policy.outputs(system.encode(rows)) @ asked.T).max())
    for shift, verdict in ((-0.01, "holds"), (0.01, "fails")):
        case = Case("", states, asked, np.array([-top + shift]))
        assert prove(system, policy, Property("p", "never", (case,)), budget=PROGRAM).verdict == verdict


def test_a_property_without_a_case_is_refused() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    with pytest.raises(DnnExplainError, match="the property 'p' has no case in"):
        prove(system, policy, Property("p", "never", ()), budget=PROGRAM)


def test_what_time_does_not_allow_is_open() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    case = Case("never", jobs_only(system), chosen_over(3, 0), np.full(2, -100.0))
    found = prove(system, policy, Property("p", "never", (case,)), budget=replace(PROGRAM, seconds=1e-9))
    assert found.verdict == "open"
    assert "time" in found.cases[0].reason


def test_states_that_are_hard_to_come_by_are_drawn_within_the_seconds() -> None:
    """Where the rules of a cloud RAN agree took 6 CPU-seconds to find, whatever the limit."""
    system, tries = small(), []

    def none(rows: Any) -> Any:
        tries.append(len(rows))
        return np.zeros(len(rows), dtype=bool)

    states = replace(StateSet.all_of(system), only=none)
    assert not len(draw(system, states, 8, np.random.default_rng(0)))
    assert len(tries) > 10
    for left in (0, 3):
        tries.clear()
        assert not len(draw(system, states, 8, np.random.default_rng(0), lambda left=left: len(tries) <= left))
        assert len(tries) == left + 1
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    claim = Property("p", "never", (Case("never", states, chosen_over(3, 0), np.full(2, -100.0)),))
    made = []
    for seconds in (60.0, 1e-9):
        tries.clear()
        with suppress(DnnExplainError):
            prove(system, policy, claim, budget=replace(PROGRAM, seconds=seconds))
        made.append(len(tries))
    assert made[0] > 30
    assert made[1] <= 4


def test_a_violation_that_is_found_before_one_asks_to_end_says_what_left_its_bound_open(monkeypatch: Any) -> None:
    system, stop = small(), Event()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    case = Case("never", StateSet.all_of(system), chosen_over(3, 0), np.full(2, 100.0))
    first = prover.refuted
    monkeypatch.setattr(prover, "refuted", lambda *given: (stop.set(), first(*given))[1])
    found = prove(system, policy, Property("p", "never", (case,)), budget=replace(PROGRAM, samples=100), cancel=stop)
    assert (found.verdict, found.limit) == ("fails", "cancelled")
    assert found.cases[0].reason == "the search was ended before it was known how large a violation can be"


def test_how_large_a_violation_can_be_takes_a_tenth_of_the_seconds_at_most(monkeypatch: Any) -> None:
    """A proof of monotone-length took 60 s for a witness that was there after 3."""
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    case = Case("never", StateSet.all_of(system), chosen_over(3, 0), np.full(2, 100.0))

    def endless(task: Any, _: Case) -> None:
        while task.go_on():
            time.sleep(0.01)

    monkeypatch.setattr(prover, "bound_of", endless)
    began = time.monotonic()
    found = prove(
        system, policy, Property("p", "never", (case,)), budget=replace(PROGRAM, samples=100, parts=9, seconds=10)
    )
    assert time.monotonic() - began < 6  # one second of ten, and what a busy machine adds
    assert (found.verdict, found.limit) == ("fails", "seconds")
    assert "how large a violation can be was not known after 10% of the seconds" in found.cases[0].reason


@pytest.mark.parametrize("jobs", [1, 2])
def test_once_a_proof_has_refuted_a_case_those_after_it_are_not_asked(monkeypatch: Any, jobs: int) -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    states = jobs_only(system)
    most = (policy.outputs(system.encode(every_state(system, states))) @ chosen_over(3, 0).T).min(axis=1).max()
    offsets = -most - 0.05, -most + 0.05, -most - 0.05, -most + 0.1, -most - 0.05
    cases = tuple(
        Case(f"case {place}", states, chosen_over(3, 0), np.full(2, offset)) for place, offset in enumerate(offsets)
    )
    for found_by in ("steepest", "_search"):
        monkeypatch.setattr(prover, found_by, lambda *_: None)
    budget = replace(PROGRAM, jobs=jobs)
    monkeypatch.setattr(prover, "draw", lambda *_: ())
    found = prove(system, policy, Property("p", "never", cases), budget=budget)
    assert (found.verdict, found.limit) == ("fails", "")
    assert [case.verdict for case in found.cases] == ["holds", "fails", "open", "open", "open"]
    assert {case.reason for case in found.cases[2:]} == {prover.NOT_ASKED}
    every = prove(system, policy, Property("p", "never", cases), budget=replace(budget, every=True))
    assert [case.verdict for case in every.cases] == ["holds", "fails", "holds", "fails", "holds"]


def test_a_false_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that does not answer as its module does has no proofs."""
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    honest = policy.outputs
    monkeypatch.setattr(
        policy, "outputs", lambda seen: honest(seen) + 0.01 * np.asarray(seen).sum(axis=(1, 2))[:, None]
    )
    case = Case("never", jobs_only(system), chosen_over(3, 0), np.full(2, -100.0))
    found = prove(system, policy, Property("p", "never", (case,)), budget=PROGRAM)
    assert found.verdict == "open"
    assert "does not speak of this network" in found.cases[0].reason


def test_an_operation_that_proofs_do_not_know_leaves_it_open() -> None:
    system = small()
    cells = int(np.prod(system.observation_shape))
    module = nn.Sequential(nn.Flatten(), nn.Linear(cells, 4), nn.GELU(), nn.Linear(4, 3))
    case = Case("never", jobs_only(system), chosen_over(3, 0), np.full(2, -100.0))
    found = prove(system, TorchPolicy(module, system, masked=False), Property("p", "never", (case,)), budget=PROGRAM)
    assert found.verdict == "open"
    assert "GELU" in found.cases[0].reason


@pytest.mark.parametrize("kind", ["plain", "residual", "shallow"])
@pytest.mark.parametrize("masked", [False, True])
def test_a_sufficient_reason_forces_the_decision_and_is_smallest_by_brute_force(kind: str, masked: bool) -> None:
    system = make_system(
        "deeprm", slots=2, horizon=2, max_job_length=1, units=1, max_job_units=1, backlog=2, tracking=2
    )
    module = networks(system, pools=False)[kind]
    policy = TorchPolicy(module, system, masked=masked)
    rows = every_state(system, StateSet.all_of(system))
    seen = system.encode(rows)
    decisions = system.output.decide(policy.outputs(seen), system.valid_actions(seen) if masked else None)
    state = rows[len(rows) // 3]
    decision = decisions[len(rows) // 3]
    names = [knob.name for knob in system.knobs]

    def forced(fixed: tuple[str, ...]) -> bool:
        places = [names.index(name) for name in fixed]
        alike = (rows[:, places] == state[places]).all(axis=1)
        return bool((decisions[alike] == decision).all())

    greedy, least = (sufficient_reason(system, policy, State(state), minimum=one) for one in (False, True))
    for found in (greedy, least):
        assert found.proved
        assert forced(tuple(found.fixed))
    if greedy.minimal:
        assert not any(forced(tuple(one for one in greedy.fixed if one != left)) for left in greedy.fixed)
    if least.minimum and least.fixed:
        smaller = itertools.combinations(names, len(least.fixed) - 1)
        assert not any(forced(one) for one in smaller)
    assert masked or (greedy.minimal and least.minimum)
    if least.flipped is not None:
        apart = {name for name, one, two in zip(names, state, least.flipped.values, strict=True) if one != two}
        assert apart == set(least.flips)
        assert decisions[(rows == least.flipped.values).all(axis=1)][0] != decision


def test_a_property_from_json_means_what_it_says() -> None:
    system = small()
    data = {"name": "own", "where": {"job 1 length": [1, 2], "backlog": 0},
            "relations": [{"weights": {"job 1 cpu": 1, "job 2 cpu": -1}, "low": 0}],
            "never": [["wait - job 1 + 0.5", "2*wait - job 2"], ["job 2"]]}  # fmt: skip
    claim = property_from(system, data)
    assert [case.rows.tolist() for case in claim.cases] == [[[-1, 0, 1], [0, -1, 2]], [[0, 1, 0]]]
    assert claim.cases[0].offset.tolist() == [0.5, 0.0]
    assert claim.cases[0].states.high[0] == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "JSON object"),
        ({"never": []}, "never"),
        ({"never": ["wat"]}, "not a sum of outputs"),
        ({"never": ["wait"], "wher": {}}, "wher"),
        ({"never": ["wait"], "where": {"job 1 length": [5, 9]}}, "cannot be"),
        ({"never": ["wait"], "where": {"job 9 length": 1}}, "job 9 length"),
    ],
)
def test_a_wrong_property_is_refused_in_words(data: Any, words: str) -> None:
    with pytest.raises(DnnExplainError, match=words):
        property_from(small(), data)


def test_ready_properties_are_listed() -> None:
    spec = spec_of("deeprm")
    assert set(property_names(spec)) >= {"robust", "never-empty-slot", "monotone-length", "agrees-with-rules"}
