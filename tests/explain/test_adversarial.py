"""Attacks on one decision, against brute force over every state of the gate."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Judgement, Knob, State, state_from_values
from dnnexplain.explain.adversarial import METHODS, Adversarial, attack, compare_methods, make_moves
from dnnexplain.explain.adversarial.levels import several, single
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem

GATE = FakeChoice()
EVERY = [np.array([left, right], dtype=float) for left in range(6) for right in range(4)]


def network(seed=0):
    return TorchPolicy(mlp(GATE, seed=seed, scale=3.0), GATE)


def action(policy, values):
    seen = GATE.encode(values[None])
    return int(np.where(GATE.valid_actions(seen), policy.outputs(seen), -np.inf).argmax())


def brute(policy, start, weights=(1.0, 1.0), target=None):
    """The cost of the cheapest adversarial change among all 24 states, or ``None``."""
    first = action(policy, start)
    loss = GATE.judge(State(start)).loss[first]
    costs = []
    for values in EVERY:
        now = action(policy, values)
        if now == first or (target is not None and now != target):
            continue
        if GATE.judge(State(values)).loss[now] > loss + 1e-9:
            costs.append(float(np.abs(values - start) @ np.array(weights)))
    return min(costs, default=None)


def vulnerable(seed=6):
    """A network and a state in which it can be fooled."""
    policy = network(seed)
    return policy, next(start for start in EVERY if (brute(policy, start) or 0) > 1)


@pytest.mark.parametrize("seed", range(4, 9))
@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.5, 1.3)])
def test_exhaustive_search_finds_what_brute_force_finds_and_proves_it(seed, weights):
    policy = network(seed)
    costs = {"left": weights[0], "right": weights[1]}
    for start in EVERY[::5]:
        found = attack(GATE, policy, State(start), costs=costs, seed=seed)
        expected = brute(policy, start, weights)
        assert found.distance == (None if expected is None else pytest.approx(expected))
        assert found.found == (expected is not None)
        if found.found:
            assert found.proved_minimal
            assert found.radius < found.distance
            assert found.after.action == action(policy, found.state.values)
            assert found.after.loss == GATE.judge(found.state).loss[found.after.action]
            assert found.after.action not in found.after.best_actions
            assert sum(change.cost for change in found.changes) == pytest.approx(found.distance)
        else:
            assert found.complete
            assert found.radius == np.inf
            assert found.words.startswith("Proved: no allowed change")


def test_a_target_restricts_the_flip():
    policy = network(6)
    for start in EVERY[::3]:
        for target, name in enumerate(GATE.output.names):
            if target == action(policy, start):
                continue
            found = attack(GATE, policy, State(start), target=name)
            assert found.distance == brute(policy, start, target=target)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_valid_verified_changes_never_cheaper_than_the_proved_minimum(method):
    for seed in (6, 7, 9):
        policy, start = vulnerable(seed)
        found = attack(GATE, policy, State(start), method=method, seconds=0.3, seed=1, clock=time.process_time)
        assert found.distance == brute(policy, start)  # 24 states: every method sees them all
        assert found.proved_minimal == (method == "exhaustive")


def test_a_flip_to_what_has_become_best_is_told_apart():
    rule = GATE.rules()["longest"]
    kinds = set()
    for start in EVERY:
        found = attack(GATE, rule, State(start))
        kinds |= {flip.kind for flip in found.others}
        for flip in found.others:
            if flip.kind == "domain change":
                assert flip.after.action in flip.after.best_actions
                assert found.before.action not in flip.after.best_actions
    assert "domain change" in kinds


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"knobs": []}, "No knob may move"),
        ({"bounds": {"left": (4, 2), "right": (3, 1)}}, "no value"),
        ({"bounds": {"left": (2, 2), "right": (1, 1)}}, "only its present value"),
        ({"objects": 0}, "No object may change"),
    ],
)
def test_an_impossible_request_is_an_explanation(asked, said):
    found = attack(GATE, network(), state_from_values(GATE, {}), **asked)
    assert not found.found
    assert not found.proved_minimal
    assert found.evaluated == 0
    assert said in found.words


def test_flipping_to_the_present_action_is_an_explanation():
    policy = network()
    state = state_from_values(GATE, {})
    found = attack(GATE, policy, state, target=GATE.output.names[action(policy, state.values)])
    assert not found.found
    assert "already" in found.words


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "exhaustiv"}, "Did you mean 'exhaustive'"),
        ({"target": "centre"}, "no action 'centre'"),
        ({"knobs": ["lefty"]}, "lefty"),
        ({"costs": {"left": 0.0}}, "positive"),
        ({"bounds": {"left": (0, float("nan"))}}, "numbers"),
    ],
)
def test_a_mistake_is_an_error(asked, said):
    with pytest.raises(DnnExplainError, match=said):
        attack(GATE, network(), state_from_values(GATE, {}), **asked)


def test_a_system_without_an_oracle_is_refused():
    system = FakeSystem()
    rule = next(iter(system.rules().values()))
    with pytest.raises(DnnExplainError, match="cannot judge a single decision by an optimum"):
        attack(system, rule, state_from_values(system, {}))


def test_a_rule_has_no_gradient():
    with pytest.raises(DnnExplainError, match="no gradient"):
        attack(GATE, GATE.rules()["longest"], State(EVERY[9]), method="gradient")
    table = compare_methods(GATE, GATE.rules()["longest"], State(EVERY[9]), seconds=0.05)
    assert set(table.refused) == {"gradient"}
    assert {row["method"] for row in table.table()} == {"exhaustive", "local", "random"}


def test_what_the_oracle_cannot_decide_is_not_called_proved():
    class Doubtful(FakeChoice):
        def judge(self, state, *, seconds=10.0):
            sure = super().judge(state, seconds=seconds)
            return sure if state == START else Judgement(sure.best, 0 * sure.loss, exact=False)

    policy, start = vulnerable()
    START = State(start)
    found = attack(Doubtful(), policy, START)
    assert not found.found
    assert not found.complete
    assert found.counts["undecided"] > 0
    assert "ran out of time" in found.words


def test_worse_by_an_oracle_that_proves_nothing_however_long_it_takes_is_called_an_estimate():
    class Estimating(FakeChoice):
        def judge(self, state, *, seconds=10.0):
            sure = super().judge(state, seconds=seconds)
            return Judgement(sure.best, sure.loss, exact=False, final=True)

    class Hurried(FakeChoice):
        def judge(self, state, *, seconds=10.0):
            sure = super().judge(state, seconds=seconds)
            return Judgement(sure.best, sure.loss, exact=False)

    policy, start = vulnerable()
    found = attack(Estimating(), policy, State(start))
    assert found.distance == pytest.approx(brute(policy, start))
    assert "By an estimate of the oracle: its losses are not proved." in found.words
    assert not found.proved_minimal
    refused = attack(Hurried(), policy, State(start))
    assert not refused.found
    assert "give it longer" in refused.words


def test_a_result_survives_its_file_and_a_cancelled_search_can_be_resumed(tmp_path):
    policy, values = vulnerable()
    start = State(values)
    stop = threading.Event()
    stop.set()
    early = attack(GATE, policy, start, cancel=stop)
    assert early.evaluated == 0
    assert not early.complete
    early.save(tmp_path / "early.json")
    again = attack(GATE, policy, start, resume=Adversarial.load(tmp_path / "early.json"))
    whole = attack(GATE, policy, start)
    assert (again.distance, again.proved_minimal) == (whole.distance, whole.proved_minimal)
    assert Adversarial.from_json(whole.to_json()) == whole
    more = attack(GATE, policy, start, resume=whole)
    assert (more.distance, more.proved_minimal) == (whole.distance, True)
    with pytest.raises(DnnExplainError, match="another question"):
        attack(GATE, policy, State(values + 1 - 2 * (values > 1)), resume=whole)


def test_progress_and_likelihood_are_asked_for():
    told = []

    def likelihood(state):
        return {"left": -float(state.values[0]), "right": -np.inf}

    policy, values = vulnerable()
    found = attack(GATE, policy, State(values), likelihood=likelihood, progress=lambda *report: told.append(report))
    assert found.found
    assert told
    changed = {change.knob.partition(" ")[0] for change in found.changes}
    assert set(found.likelihood) == changed
    for name, (before, after) in found.likelihood.items():
        assert (before, after) == (likelihood(State(values))[name], likelihood(found.state)[name])


# --- the order of the enumeration ---------------------------------------------------------------


class Triple(FakeChoice):
    """Three groups with two knobs each, tied by a rule: a group is there with both knobs or not at all."""

    knobs = tuple(
        Knob(f"{name} {kind}", "units", 0, high, group=name) for name in "abc" for kind, high in (("x", 3), ("y", 2))
    )

    def repair(self, values):
        fixed = np.clip(np.round(values), 0, [3, 2] * 3)
        for first in (0, 2, 4):
            fixed[np.any(fixed[:, first : first + 2] == 0, axis=1), first : first + 2] = 0
        return fixed


def test_all_changes_come_once_and_in_order_of_cost():
    system = Triple()
    base = State(np.array([1, 1, 3, 2, 0, 0], dtype=float))
    moves = make_moves(system, base, costs={"x": 1.0, "a y": 2.5}, bounds={"b x": (2, 3)})
    seen = [values for values, _ in single(moves)]
    low = 0.0
    while low < 20:
        level = list(several(moves, low, low + 1, 3, lambda: np.inf))
        for block in level:
            cost = moves.cost(block)
            assert np.all((cost > low + 1e-12) & (cost <= low + 1 + 1e-9))
        seen += level
        low += 1
    rows = {tuple(row) for block in seen for row in block}
    assert len(rows) == sum(len(block) for block in seen)
    expected = {
        (ax, ay, bx, by, 0.0, 0.0)
        for ax in (1.0, 2.0, 3.0)
        for ay in (1.0, 2.0)
        for bx in (2.0, 3.0)
        for by in (1.0, 2.0)
    } - {tuple(base.values)}
    assert rows == expected  # c is not there and stays away


def test_appearance_may_be_allowed():
    base = State(np.array([1, 1, 3, 2, 0, 0], dtype=float))
    for bounds in ({"x": (9, 2)}, {"x": (99, 120)}):
        found = make_moves(Triple(), base, bounds=bounds)
        assert not found.atoms
        assert "leave 'x' no value, so nothing was searched" in found.refusal
    shut = make_moves(Triple(), base)
    free = make_moves(Triple(), base, appearance=True)
    assert {atom.name for atom in shut.atoms} == {"a", "b"}
    assert {atom.name for atom in free.atoms} == {"a", "b", "c"}
    assert any(np.all(row == 0) for row in free.atoms[0].rows)


def full_states(world, count):
    """States of an episode in which every slot holds a job."""
    run = world.replay(world.rules()["sjf"], world.workloads("deeprm", 1, 8)[0])
    values = world.decode(run.observations)
    full = np.flatnonzero((values[:, : 3 * world.params.slots : 3] > 0).all(axis=1))[:count]
    return [State(values[row], run.observations[row]) for row in full]


def fooled_below(world, policy, state, limit):
    """Whether some change of one job that costs less than the limit is adversarial: decided and judged one by one."""
    base = state.values
    first = int(
        np.where(world.valid_actions(state.background[None]), policy.outputs(state.background[None]), -np.inf).argmax()
    )
    lost = world.judge(state).loss[first]
    for slot in range(world.params.slots):
        rows = [
            [*base[: 3 * slot], length, cpu, memory, *base[3 * slot + 3 :]]
            for length in range(1, 16) for cpu in range(11) for memory in range(11) if cpu + memory
        ]  # fmt: skip
        rows = np.array([row for row in rows if 0 < np.abs(row - base).sum() < limit])
        if not len(rows):
            continue
        seen = world.encode(rows, state.background)
        actions = np.where(world.valid_actions(seen), policy.outputs(seen), -np.inf).argmax(axis=1)
        for row in np.flatnonzero(actions != first):
            truth = world.judge(State(rows[row], state.background))
            if actions[row] not in truth.best and truth.loss[actions[row]] > lost + 1e-9:
                return True
    return False


def test_changes_of_one_job_are_proved_in_under_a_second_at_the_papers_size():
    world = DeepRM()
    policy = TorchPolicy(mlp(world, seed=4), world)
    states = full_states(world, 4)
    attack(world, policy, states[0], objects=1, seconds=5)  # compiles
    answers = [attack(world, policy, state, objects=1, clock=time.process_time, seconds=60) for state in states]
    for state, found in zip(states, answers, strict=True):
        rows = sum(len(atom.rows) for atom in make_moves(world, state).atoms)
        assert found.proved_minimal or found.complete
        assert found.evaluated <= rows
        assert found.seconds < 1.0
        assert not fooled_below(world, policy, state, found.distance if found.found else 6)
    assert any(found.found for found in answers)
