"""A system in a few lines: what follows from knobs, actions, a beginning and a step."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError, EpisodeSystem, Knob, State
from dnnexplain.registry import derived_spec
from dnnexplain.systems import SmallSystem


class Gate(SmallSystem):
    """Two queues before one gate; chance adds a car."""

    name = "gate"
    knobs = (Knob("left queue", "cars", 0, 9), Knob("right queue", "cars", 0, 4), Knob("wind", "m/s", -1.0, 1.0, None))
    actions = ("left", "right", "wait")
    cost_name = "waiting, car steps"
    steps = 6
    horizon = 3

    def begin(self, count, rng):
        return rng.uniform([0, 0, -1], [9.4, 4.4, 1], size=(count, 3))

    def step(self, values, actions, rng):
        gone = np.array([[2, 0, 0], [0, 1, 0], [0, 0, 0]])[actions]
        come = 0.0 if rng is None else rng.integers(0, 2, size=(len(values), 1)) * [1, 0, 0]
        return np.maximum(values - gone, [0, 0, -1]) + come, values[:, :2].sum(axis=1)

    def allowed(self, values):
        return np.column_stack([values[:, 0] > 0, values[:, 1] > 0, np.ones(len(values), dtype=bool)])

    def hand_written(self):
        return {"longest": lambda values: np.where(values[:, 0] >= values[:, 1], 0, 1)}


values_of = st.tuples(st.integers(0, 9), st.integers(0, 4), st.floats(-1, 1))


@pytest.fixture(scope="module")
def gate():
    return Gate()


@given(values_of)
def test_what_is_painted_can_be_read_back(given_values):
    gate = Gate()
    values = np.array([given_values], dtype=float)
    seen = gate.encode(values)
    assert seen.dtype == np.float32
    assert ((seen >= 0) & (seen <= 1)).all()
    np.testing.assert_allclose(gate.decode(seen), values, atol=1e-6)


@given(st.tuples(*[st.floats(-20, 20)] * 3))
def test_repair_gives_the_nearest_allowed_value_of_each_knob(given_values):
    gate = Gate()
    found = gate.repair(np.array([given_values]))[0]
    for knob, wanted, value in zip(gate.knobs, given_values, found, strict=True):
        nearest = min(knob.grid(2001), key=lambda point: abs(point - wanted))
        assert abs(value - wanted) <= abs(nearest - wanted) + 1e-9
        assert knob.low <= value <= knob.high


def slow_best(gate, values, depth):
    """The least cost of ``depth`` steps after each first action, sequence by sequence."""
    best = {}
    for plan in product(range(3), repeat=depth):
        now, paid = values.copy(), 0.0
        for action in plan:
            if not gate.allowed(now[None])[0, action]:
                break
            after, cost = gate.step(now[None], np.array([action]), None)
            now, paid = gate.repair(after)[0], paid + float(cost[0])
        else:
            best[plan[0]] = min(best.get(plan[0], np.inf), paid)
    return best


@given(values_of, st.integers(1, 4))
def test_the_look_ahead_is_the_least_over_all_plans(given_values, depth):
    gate = Gate()
    values = np.array(given_values, dtype=float)
    found = gate.lookahead(values[None], depth)[0]
    slow = slow_best(gate, values, depth)
    assert [action for action in range(3) if np.isfinite(found[action])] == sorted(slow)
    for action, cost in slow.items():
        assert found[action] == pytest.approx(cost)


def test_the_judgement_names_the_best_actions_and_what_the_others_lose(gate):
    verdict = gate.judge(State(np.array([3.0, 1.0, 0.0])))
    assert verdict.best == (0,)  # two of the left go, then the last, then the right one: 4 + 2 + 1
    slow = slow_best(gate, np.array([3.0, 1.0, 0.0]), 3)
    np.testing.assert_allclose(verdict.loss, [slow[action] - min(slow.values()) for action in range(3)])
    assert "next 3 decisions" in verdict.unit


def test_episodes_charge_every_step_and_chance_is_the_same_for_every_policy(gate):
    assert isinstance(gate, EpisodeSystem)
    workloads = gate.workloads("episodes", 5, 1)
    rule = gate.rules()["longest"]
    found = gate.run(rule, workloads)
    for workload, paid in zip(workloads, found.cost, strict=True):
        rng, values, total = np.random.default_rng(workload.seed), workload.values[None], 0.0
        for _ in range(6):
            wanted = np.where(values[:, 0] >= values[:, 1], 0, 1)
            wanted = np.where(gate.allowed(values)[[0], wanted], wanted, np.where(values[:, 0] > 0, 0, 2))
            values, cost = gate.step(values, wanted, rng)
            values, total = gate.repair(values), total + cost[0]
        assert paid == pytest.approx(total)
    np.testing.assert_array_equal(gate.run(rule, workloads).cost, found.cost)
    seen, owner = gate.visit(rule, workloads)
    assert seen.shape == (30, 3)
    np.testing.assert_array_equal(np.bincount(owner), [6] * 5)


def imitator(gate):
    """A network that is taught to look ahead."""
    import torch

    from dnnexplain.policies import TorchPolicy

    rng = np.random.default_rng(0)
    values = gate.repair(rng.uniform([0, 0, -1], [9.4, 4.4, 1], size=(1000, 3)))
    best = torch.as_tensor(np.nanargmin(gate.lookahead(values), axis=1))
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    optimiser = torch.optim.Adam(module.parameters(), 0.03)
    for _ in range(200):
        loss = torch.nn.functional.cross_entropy(module(torch.as_tensor(gate.encode(values))), best)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return TorchPolicy(module, gate, name="imitator")


def test_every_kind_of_explainer_works_on_it(gate):
    from dnnexplain.explain import account, attribute, census, curves, decide, distil, embed, maximise, trust, visited
    from dnnexplain.explain.adversarial import attack

    network = imitator(gate)
    workloads = gate.workloads("episodes", 100, 1)
    assert gate.run(network, workloads).cost.mean() < gate.run(gate.rules()["longest"], workloads).cost.mean() * 1.02
    state = State(np.array([3.0, 2.0, 0.0]))
    assert decide(gate, network, state).action in gate.judge(state).best
    found = attribute(gate, network, state, method="integrated-gradients", baseline="all lowest")
    assert sum(part.positive + part.negative for part in found.groups.values()) == pytest.approx(
        found.explained, rel=0.01
    )
    assert trust(gate, network, found).overall in {"green", "amber", "red"}
    assert curves(gate, network, ["left queue"], state=state).activation[0].shape == (8, 10)
    assert maximise(gate, network, 0).proved
    assert account(gate, network, state).sentences()
    assert "of 8 neurons" in census(gate, [network], "left queue").sentence()
    seen = visited(gate, network, 50)
    assert embed(gate, network, seen.states(gate)).points.shape == (len(seen.observations), 2)
    assert attack(gate, network, state, seconds=5).before.best_actions
    rules = distil(
        gate, network, lambda count, seed: gate.workloads("episodes", count, seed), leaves=8, sets=20, unseen=20
    )
    assert rules.fidelity > 0.9


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda gate: gate.lookahead(np.zeros((1000, 3)), 12), "futures"),
        (lambda gate: gate.workloads("nothing", 1, 1), "episodes"),
        (lambda gate: gate.state_from_json({"wind": "strong"}), "wind must be a number"),
        (lambda gate: gate.state_from_json({"win": 1}), "wind"),
        (lambda _gate: SmallSystem(), "at least two actions"),
    ],
)
def test_mistakes_are_explained(gate, call, text):
    with pytest.raises(DnnExplainError, match=text):
        call(gate)


def test_a_workload_costs_alone_what_it_costs_beside_others(gate):
    work = gate.workloads("episodes", 9, 1)
    rule = gate.rules()["longest"]
    together = gate.run(rule, work).cost
    np.testing.assert_array_equal(gate.run(rule, work[::-1]).cost[::-1], together)
    np.testing.assert_array_equal([gate.run(rule, [one]).cost[0] for one in work], together)
    drawn = gate.run(rule, work, seed=4, sample=True).cost
    np.testing.assert_array_equal(gate.run(rule, work[3:5], seed=4, sample=True).cost, drawn[3:5])
    assert (gate.run(rule, work, seed=5, sample=True).cost != drawn).any()


def test_without_chance_the_whole_batch_goes_at_once():
    class Sure(Gate):
        calls = 0

        def step(self, values, actions, rng):
            self.calls += 1
            return super().step(values, actions, None)

    sure = Sure()
    sure.run(sure.rules()["longest"], sure.workloads("episodes", 20, 0))
    assert sure.calls == sure.steps


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"steps": 2.5}, {"horizon": 2.5}, {"horizon": True}, {"levels": 1}], ids=str
)
def test_counts_that_mean_nothing_are_refused_when_it_is_made(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(DnnExplainError, match=f"{name} of Odd is a whole number from . to .*, not {value}"):
        type("Odd", (Gate,), wrong)()


def test_a_class_without_a_docstring_is_not_told_by_that_of_the_class_it_is_made_of():
    assert derived_spec(Gate()).sentence == Gate.__doc__
    assert derived_spec(type("Bare", (Gate,), {})()).sentence == "A system called gate."
