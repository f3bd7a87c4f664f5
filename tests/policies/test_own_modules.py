"""Modules as people have them: each works, or gets one sentence with the true cause."""

import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from dnnexplain.assumptions import assumed
from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.explain import attribute
from dnnexplain.explain.networks.hooks import layers
from dnnexplain.policies import TorchPolicy, load_any
from dnnexplain.registry import make_system
from tests.fakes import FakeChoice

SYSTEM = FakeChoice()
X = np.random.default_rng(0).normal(size=(6, *SYSTEM.observation_shape)).astype(np.float32)


def stack(act=None):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(35, 8), act or nn.ReLU(), nn.Linear(8, 3)).eval()


class Around(nn.Module):
    """A network that keeps or does something more."""

    def __init__(self, forward=lambda _, y, __: y, **kept):
        super().__init__()
        self.net, self.after, self.count = stack(), forward, 0
        self.__dict__.update(kept)

    def forward(self, x):
        self.last = self.net(x)
        return self.after(self, self.last, x)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = kind(7, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x, hidden=None):
        out, hidden = self.body(x, hidden)
        return self.head(out[:, -1]), hidden


def outputs(module):
    with torch.no_grad():
        found = module(torch.from_numpy(X))
    return (found[0] if isinstance(found, tuple) else found).numpy()


def works(module, expected=None):
    policy = TorchPolicy(module, SYSTEM)
    np.testing.assert_allclose(policy.outputs(X), outputs(module) if expected is None else expected, atol=1e-5)
    np.testing.assert_allclose(policy.copy().outputs(X), policy.outputs(X), atol=1e-6)
    assert attribute(SYSTEM, policy, state_from_values(SYSTEM, {})) is not None
    return policy


KEPT = {
    "lock": lambda: Around(lock=threading.Lock()),
    "generator": lambda: Around(gen=(i for i in range(3))),
    "file": lambda: Around(file=open(__file__)),  # noqa: PTH123, SIM115 - it is to stay open
    "optimizer": lambda: Around(opt=torch.optim.Adam(stack().parameters())),
}


@pytest.mark.parametrize("kept", KEPT)
def test_what_cannot_be_copied_is_shared(kept):
    module = KEPT[kept]()
    try:
        module(torch.from_numpy(X))  # keeps its last output, with its graph
        works(module)
    finally:
        if kept == "file":
            module.file.close()


def test_old_weight_norm_after_training():
    with pytest.warns(FutureWarning):
        module = nn.Sequential(nn.Flatten(), nn.utils.weight_norm(nn.Linear(35, 3)))
    module(torch.from_numpy(X)).sum().backward()
    works(module)


@pytest.mark.parametrize(
    "made", [parametrizations.weight_norm, parametrizations.spectral_norm, parametrizations.orthogonal]
)
def test_a_layer_whose_weights_are_made_anew_is_a_layer(made):
    torch.manual_seed(0)
    inner = [nn.Linear(35, 8), nn.Linear(8, 3)]
    plain = layers(nn.Sequential(nn.Flatten(), inner[0], nn.ReLU(), inner[1]), SYSTEM.observation_shape)
    module = nn.Sequential(nn.Flatten(), made(inner[0]), nn.ReLU(), made(inner[1]))
    assert layers(module, SYSTEM.observation_shape) == plain
    assert [layer.weights for layer in plain] == ["1", "3"]
    works(module.eval())  # a spectral norm goes on finding its norm while it trains


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_recurrent_network_says_where_its_hidden_state_starts(kind):
    policy = works(Recurrent(kind))
    assert f"{kind.__name__}: its hidden state starts anew in every state" in policy.assumed[0]
    assert "of the network's 2 outputs, number 1 is taken" in policy.note


def test_an_actor_critic_gives_its_scores():
    class Both(Around):
        def __init__(self):
            super().__init__(lambda _, y, __: {"value": y.sum(1, keepdim=True), "logits": y})

    module = Both()
    policy = works(module, outputs(module.net))
    assert "of the network's 2 outputs, 'logits' is taken" in policy.note
    with pytest.raises(DnnExplainError, match="2 things"):
        TorchPolicy(Around(lambda _, y, __: (y, y)), SYSTEM)


def test_scripted_traced_and_compiled_modules_have_layers():
    expected = outputs(stack())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = (torch.jit.script(stack()), torch.jit.trace(stack(), torch.from_numpy(X)))
    for module in scripted:
        policy = works(module, expected)
        assert "TorchScript was read into layers" in policy.note
        assert sum(isinstance(layer, nn.Linear) for layer in policy.module.modules()) == 2
    policy = works(torch.compile(stack(), backend="eager"), expected)
    assert "before torch.compile" in policy.note
    assert policy.checkpoint == TorchPolicy(stack(), SYSTEM).checkpoint


def counted(self, y, _):
    self.count += 1
    return y + self.count


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda _, y, __: nn.functional.dropout(y, 0.5), "depends on chance in evaluation: noise, or dropout"),
        (lambda _, y, __: y + 0.1 * torch.randn_like(y), "depends on chance in evaluation"),
        (counted, "another answer to the same states when asked again: it keeps something"),
    ],
)
def test_what_does_not_stand_still_is_told_why(forward, words):
    with pytest.raises(DnnExplainError, match=words):
        TorchPolicy(Around(forward), SYSTEM)


def test_a_detached_network_is_told():
    policy = TorchPolicy(Around(lambda _, y, __: y.detach()), SYSTEM)
    with pytest.raises(DnnExplainError, match="no gradient leads from this network's outputs to its input"):
        attribute(SYSTEM, policy, state_from_values(SYSTEM, {}))


def test_the_callers_modes_change_nothing():
    expected = outputs(stack())
    with torch.inference_mode():
        made = stack()
        policy = works(made, expected)
    works(made, expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_allclose(TorchPolicy(stack(), SYSTEM).outputs(X), expected, atol=1e-6)
    torch.set_default_dtype(torch.float64)
    try:
        works(stack(nn.ReLU()).float().double(), TorchPolicy(stack(), SYSTEM).outputs(X))
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(not weight.is_inference() for weight in policy.module.parameters())


class InHalf(nn.Module):
    """Runs in lower precision by itself."""

    def __init__(self):
        super().__init__()
        self.inner = stack()

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.inner(x)


def test_a_network_that_casts_for_itself_is_explained():
    policy = TorchPolicy(InHalf(), SYSTEM)
    np.testing.assert_allclose(policy.outputs(X), outputs(stack()), atol=0.05)


@pytest.mark.parametrize("method", ["integrated-gradients", "deeplift", "gradient-shap"])
def test_the_callers_default_type_changes_no_explanation(method):
    policy, state = TorchPolicy(stack(nn.ReLU()), SYSTEM), state_from_values(SYSTEM, {})
    expected = attribute(SYSTEM, policy, state, method=method, seed=1).map
    torch.set_default_dtype(torch.float64)
    try:
        found = attribute(SYSTEM, policy, state, method=method, seed=1).map
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_weights_without_values_are_told():
    with pytest.raises(DnnExplainError, match="on the device 'meta', where tensors have no values"):
        TorchPolicy(stack().to("meta"), SYSTEM)


def test_what_does_not_apply_to_a_shipped_network_is_said():
    world = make_system("abr")
    load_any("default", world, masked=True)
    assert not assumed()
    load_any("default", world, key="actor", normalize="kept.npz")
    assert assumed() == (
        "key and normalize do not apply to default, which is shipped with all that it needs: not used",
    )
