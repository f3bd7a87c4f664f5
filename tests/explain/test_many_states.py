import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import Survey, attribute, survey
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

GATE = FakeChoice()
POLICY = TorchPolicy(mlp(GATE, seed=3, scale=2.0), GATE)
STATES = [State(np.array([left, right], float)) for left in range(6) for right in range(4)]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("saliency", "contrast"),
        ("integrated-gradients", "logit"),
        ("input-x-gradient", "probability"),
        ("deeplift", "contrast"),
        ("feature-ablation", "left minus wait"),
        ("shapley", "contrast"),
    ],
)
def test_a_survey_is_what_one_attribution_at_a_time_gives(method, target):
    found = survey(GATE, POLICY, STATES, method=method, target=target)
    each = [attribute(GATE, POLICY, state, method=method, target=target) for state in STATES]
    positive, negative = (np.array([getattr(one, side) for one in each]) for side in ("positive", "negative"))
    np.testing.assert_allclose(found.positive, positive.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.negative, negative.mean(axis=0), atol=1e-5)
    told = (positive - negative) > 0
    ratio = np.abs(positive + negative)[told] / (positive - negative)[told]
    for group in range(3):
        rows = np.nonzero(told)[1] == group
        expected = ratio[rows].mean() if rows.any() else np.nan
        np.testing.assert_allclose(found.cancellation[group], expected, rtol=1e-3)
    np.testing.assert_allclose(found.present, told.mean(axis=0))
    assert found.states == len(STATES)
    assert found.actions.sum() == len(STATES)


def test_red_and_blue_that_cancel_have_index_0_and_one_colour_has_1():
    weights = np.zeros((3, 5, 7))
    weights[0, :, :3], weights[0, :, 3], weights[0, :, 4] = 1.0, 2.0, -2.0
    policy = TorchPolicy(linear_network(GATE, weights.reshape(3, 35)), GATE)
    found = survey(GATE, policy, STATES, target="logit of left")
    np.testing.assert_allclose(found.cancellation, [1.0, 0.0, np.nan])
    np.testing.assert_allclose(found.top, [1.0, 0.0, 0.0])
    np.testing.assert_allclose(found.net, [15.0, 0.0, 0.0])
    assert found.sentence() == (
        "Over 24 states left leads most often, in 100%; for and against cancel most in right, of which 0% remains."
    )
    assert found.cancels("right") == "Right: +10 and -10 on average, of which 0% remains in a state."


def test_observations_of_episodes_will_do_and_progress_is_told():
    seen, told = observe(GATE, STATES), []
    found = survey(GATE, POLICY, seen, progress=lambda done, total: told.append((done, total)))
    assert found == survey(GATE, POLICY, STATES)
    assert told == [(24, 24)]
    assert Survey.from_json(found.to_json()) == found
    assert found.target == "contrast of each state"
    assert [row["group"] for row in found.table()] == list(GATE.groups)


def test_batches_do_not_change_the_answer():
    many = STATES * 12
    assert survey(GATE, POLICY, many).close_to(survey(GATE, POLICY, STATES), rtol=1e-5) is False
    np.testing.assert_allclose(survey(GATE, POLICY, many).positive, survey(GATE, POLICY, STATES).positive, atol=1e-6)


def test_a_vector_output_can_be_surveyed():
    system = FakeSystem()
    policy = TorchPolicy(mlp(system), system)
    states = [State(np.array([angle, 3.0])) for angle in np.linspace(-1, 1, 9)]
    found = survey(system, policy, states, method="integrated-gradients", target="steer")
    assert found.target == "steer"
    assert found.actions.sum() == 0


def test_what_cannot_be_surveyed_is_refused():
    with pytest.raises(DnnExplainError, match="at least one state"):
        survey(GATE, POLICY, [])
    with pytest.raises(DnnExplainError, match="gives a map of the decision: saliency"):
        survey(GATE, POLICY, STATES, method="neuron-gradient")
