"""A method that does not fit a network, and a question that makes no sense, are refused in words."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import METHODS, attribute, fits
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import Functional, Reused, mlp
from tests.fakes import FakeChoice

GATE = FakeChoice()
STATE = State(np.array([3.0, 2.0]))


def policy_of(net):
    return TorchPolicy(net, GATE)


def test_a_method_that_does_not_fit_says_why():
    plain = policy_of(mlp(GATE))
    assert (
        fits("grad-cam", plain, GATE)
        == "Grad-CAM needs a convolutional layer, and the network of 'sequential' has none"
    )
    assert "no torch" not in (fits("saliency", plain, GATE) or "")
    assert fits("saliency", GATE.rules()["longest"], GATE).startswith("Saliency needs a torch network")
    assert "torch.relu" in fits("deeplift", policy_of(Functional(GATE)), GATE)
    assert "twice" in fits("deeplift", policy_of(Reused(GATE)), GATE)
    for name in METHODS:
        expected = {"grad-cam"} if name == "grad-cam" else set()
        assert (fits(name, plain, GATE) is None) == (name not in expected)


def test_a_method_that_does_not_fit_is_refused():
    with pytest.raises(DnnExplainError, match="needs a convolutional layer"):
        attribute(GATE, policy_of(mlp(GATE)), STATE, method="grad-cam")
    with pytest.raises(DnnExplainError, match="contributions miss the difference"):
        attribute(GATE, policy_of(Functional(GATE)), STATE, method="deeplift")
    with pytest.raises(DnnExplainError, match="module twice"):
        attribute(GATE, policy_of(Reused(GATE)), STATE, method="deeplift")
    with pytest.raises(DnnExplainError, match="such as a probability"):
        attribute(GATE, policy_of(mlp(GATE, scale=3.0)), STATE, method="deeplift", target="probability")
    with pytest.raises(DnnExplainError, match="has no torch network inside"):
        attribute(GATE, GATE.rules()["longest"], STATE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "salency"}, "Did you mean 'saliency'"),
        ({"method": "layer-conductance"}, "use attribute_units"),
        ({"method": "neuron-gradient"}, r"needs a neuron: neuron=\(layer, index\)"),
        ({"method": "neuron-gradient", "neuron": ("2", 8)}, "neurons 0 to 7, not 8"),
        ({"method": "neuron-gradient", "neuron": ("nowhere", 0)}, "no layer 'nowhere'"),
        ({"method": "smoothgrad", "settings": {"noise": 0.5}}, "at most 0.1"),
        ({"method": "integrated-gradients", "settings": {"steps": 1}}, "at least 2, not 1"),
        ({"method": "gradient-shap", "settings": {"samples": "many"}}, "at least 2, not 'many'"),
        ({"method": "occlusion", "settings": {"window": (2,)}}, "one length per axis"),
        ({"baseline": "zero"}, "bare zero"),
        ({"baseline": None}, "None is no baseline"),
        ({"baseline": "nothing"}, "there is no baseline 'nothing'"),
        ({"baseline": "mean state"}, "needs a sample"),
        ({"baseline": np.zeros((2, 2))}, "have shape"),
        ({"baseline": np.full((5, 7), np.nan)}, "NaN"),
    ],
)
def test_a_mistake_in_the_question_is_said_in_words(options, message):
    with pytest.raises(DnnExplainError, match=message):
        attribute(GATE, policy_of(mlp(GATE)), STATE, **options)
