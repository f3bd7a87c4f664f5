import numpy as np
import pytest
import torch

from dnnexplain.contract import Decision, Discrete, DnnExplainError, State, Target, TargetKind
from dnnexplain.explain.attribution.targets import (
    by_row,
    component,
    contrast,
    logit,
    menu,
    probability,
    resolve,
    runner_up,
)
from dnnexplain.explain.decisions.decision import decide, decide_many, observe, states_from_observations
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

GATE = FakeChoice()
NAMES = GATE.output


def decision(outputs, valid=(True, True, True)):
    outputs, valid = np.array(outputs, float), np.array(valid)
    return Decision(State(np.array([2.0, 1.0])), outputs, None, valid, int(np.where(valid, outputs, -np.inf).argmax()))


def value(target, outputs):
    return float(target.scalar(torch.tensor([outputs]), torch.zeros(1, 5, 7))[0])


def test_the_default_is_the_chosen_action_minus_the_runner_up():
    target = resolve(GATE, decision([1.0, 3.0, 2.5]))
    assert (target.name, target.kind, target.index, target.against) == ("right minus wait", "contrast", 1, 2)
    assert value(target, [1.0, 3.0, 2.5]) == 0.5


def test_an_action_that_is_not_allowed_is_no_runner_up():
    assert resolve(GATE, decision([1.0, 3.0, 2.5], (True, True, False))).name == "right minus left"
    assert runner_up(decision([1.0, 3.0, 2.5], (False, False, True))) == 1


@pytest.mark.parametrize(
    ("spec", "name", "expected"),
    [
        ("contrast", "right minus wait", 0.5),
        ("logit", "logit of right", 3.0),
        ("logit of left", "logit of left", 1.0),
        ("left", "logit of left", 1.0),
        ("wait minus left", "wait minus left", 1.5),
        ("probability", "probability of right", np.exp(3.0) / np.exp([1.0, 3.0, 2.5]).sum()),
        ("probability of left", "probability of left", np.exp(1.0) / np.exp([1.0, 3.0, 2.5]).sum()),
    ],
)
def test_a_target_is_named_in_words(spec, name, expected):
    target = resolve(GATE, decision([1.0, 3.0, 2.5]), spec)
    assert target.name == name
    assert value(target, [1.0, 3.0, 2.5]) == pytest.approx(expected, rel=1e-6)
    assert resolve(GATE, decision([1.0, 3.0, 2.5]), name).name == name


def test_a_probability_is_the_one_after_the_mask():
    policy = TorchPolicy(mlp(GATE), GATE)
    made = decide(GATE, policy, State(np.array([0.0, 2.0])))
    assert not made.valid[0]
    target = resolve(GATE, made, "probability")
    assert value(target, made.outputs.tolist()) == pytest.approx(made.probabilities[made.action], rel=1e-5)
    with pytest.raises(DnnExplainError, match="not allowed in this state"):
        resolve(GATE, made, "probability of left")


def test_every_name_on_the_menu_resolves_to_itself():
    for system in (GATE, FakeSystem()):
        policy = TorchPolicy(linear_network(system), system)
        made = decide(system, policy, State(np.array([0.5, 2.0])))
        offered = menu(system, made)
        assert next(iter(offered)) == resolve(system, made).name
        for name, target in offered.items():
            again = resolve(system, made, name)
            assert (again.name, again.kind, again.index) == (name, target.kind, target.index)


def test_a_vector_output_is_explained_by_the_systems_own_target_or_a_component():
    system = FakeSystem()
    made = decide(system, TorchPolicy(linear_network(system), system), State(np.array([0.5, 2.0])))
    assert (made.probabilities, made.action) == (None, None)
    assert resolve(system, made).name == "effort"
    assert resolve(system, made, "brake").index == 1
    assert resolve(system, made, "steer minus brake").kind is TargetKind.CONTRAST
    with pytest.raises(DnnExplainError, match="there are: effort, steer, brake"):
        resolve(system, made, "probability")


@pytest.mark.parametrize("spec", ["nonsense", "logit of nobody", "left minus nobody"])
def test_an_unknown_target_lists_what_there_is(spec):
    with pytest.raises(DnnExplainError, match=r"there are: .*left"):
        resolve(GATE, decision([1.0, 3.0, 2.5]), spec)


def test_wrong_indices_are_refused():
    with pytest.raises(DnnExplainError, match="two different"):
        contrast(NAMES, 1, "right")
    with pytest.raises(DnnExplainError, match="there are 3"):
        logit(NAMES, 3)
    one = Discrete(("only",))
    assert logit(one, 0).name == "logit of only"


def test_a_target_object_is_taken_as_it_is():
    mine = Target("mine", TargetKind.VALUE, lambda outputs, _: outputs.sum(1))
    assert resolve(GATE, decision([1.0, 3.0, 2.5]), mine) is mine


@pytest.mark.parametrize(
    "targets",
    [
        [contrast(NAMES, 0, 1), logit(NAMES, 2), contrast(NAMES, 2, 0)],
        [probability(NAMES, 0), logit(NAMES, 2), probability(NAMES, 1, (False, True, True))],
        [component(NAMES, 1)] * 3,
    ],
)
def test_each_row_of_a_batch_has_its_own_target(targets):
    draw = torch.Generator().manual_seed(0)
    outputs, rows = torch.randn((7, 3), generator=draw), torch.tensor([2, 0, 1, 1, 0, 2, 0])
    found = by_row(targets)(outputs, torch.zeros(7, 5, 7), rows)
    each = [targets[row].scalar(outputs[i : i + 1], torch.zeros(1, 5, 7))[0] for i, row in enumerate(rows.tolist())]
    assert torch.allclose(found, torch.stack(each))


# --- decisions ---


def test_a_rule_decides_with_certainty_and_a_network_by_softmax():
    state = State(np.array([4.0, 1.0]))
    rule = decide(GATE, GATE.rules()["longest"], state)
    assert rule.probabilities.tolist() == [1.0, 0.0, 0.0]
    made = decide(GATE, TorchPolicy(mlp(GATE), GATE), state)
    assert made.probabilities == pytest.approx(np.exp(made.outputs) / np.exp(made.outputs).sum())


def test_a_policy_without_mask_may_choose_what_is_not_valid():
    weights = np.zeros((3, 35))
    network = linear_network(GATE, weights, np.array([5.0, 1.0, 0.0]))
    state = State(np.array([0.0, 1.0]))
    assert decide(GATE, TorchPolicy(network, GATE), state).action == 1
    free = decide(GATE, TorchPolicy(network, GATE, masked=False), state)
    assert free.action == 0
    assert free.valid.all()


def test_many_decisions_equal_one_at_a_time_backgrounds_or_not():
    policy = TorchPolicy(mlp(GATE), GATE)
    weather = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    states = [State(np.array([left, 1.0]), weather if left % 2 else None) for left in range(6)]
    for many, state in zip(decide_many(GATE, policy, states), states, strict=True):
        one = decide(GATE, policy, state)
        np.testing.assert_allclose(many.outputs, one.outputs, rtol=1e-6)
        assert many.action == one.action
    again = states_from_observations(GATE, observe(GATE, states))
    assert [list(state.values) for state in again] == [list(state.values) for state in states]
    np.testing.assert_array_equal(observe(GATE, again), observe(GATE, states))
    assert observe(GATE, []).shape == (0, 5, 7)


def test_a_policy_or_state_of_another_system_is_refused():
    other = FakeSystem()
    with pytest.raises(DnnExplainError, match="gave outputs of shape"):
        decide(GATE, other.rules()["half"], State(np.array([1.0, 1.0])))
    with pytest.raises(DnnExplainError, match="2 knobs, the state has 3"):
        decide(GATE, GATE.rules()["longest"], State(np.zeros(3)))
    with pytest.raises(DnnExplainError, match="observations have shape"):
        states_from_observations(GATE, np.zeros((2, 3, 3)))
