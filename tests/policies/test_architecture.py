"""A network's architecture: kept by save, part of the hash, never guessed in silence."""

import json
import struct

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain import assumptions
from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load, load_any, mlp, read_metadata, save, weights_hash
from dnnexplain.policies._adapters import EachNormalized, Normalized, OneStep, Permuted, Picked
from dnnexplain.policies._layers import _ARGUMENTS, describe, make
from dnnexplain.policies._onnx_layers import BatchNorm
from dnnexplain.policies.checkpoints import reading_as
from dnnexplain.policies.onnx_files import read_onnx, save_onnx
from dnnexplain.results import Question
from tests.fakes import FakeChoice

ACTIVATIONS = [
    *(nn.ReLU(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.ELU(0.7), nn.SiLU()),
    *(nn.SELU(), nn.Mish(), nn.Softplus(2.0), nn.Sigmoid(), nn.Hardtanh(-0.1, 0.2), nn.Threshold(0.1, 0.5)),
    *(nn.Identity(), nn.PReLU(), nn.ReLU6(), nn.CELU(0.4), nn.LayerNorm(8), nn.BatchNorm1d(8), nn.Softsign()),
]


def stack(activation):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(35, 8), activation, nn.Linear(8, 3)).eval()


def states(system, count=20):
    return np.random.default_rng(0).normal(size=(count, *system.observation_shape)).astype(np.float32) * 3


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_what_is_saved_comes_back_as_it_was(tmp_path, activation):
    system = FakeChoice()
    policy = TorchPolicy(stack(activation), system)
    back = load_any(save(tmp_path / "net.safetensors", policy), system)
    np.testing.assert_array_equal(back.outputs(states(system)), policy.outputs(states(system)))
    assert back.checkpoint == policy.checkpoint
    assert back.note == ""
    assert back.assumed == ()


def test_the_hash_tells_architectures_apart():
    hashes = {weights_hash(stack(activation)) for activation in ACTIVATIONS}
    assert len(hashes) == len(ACTIVATIONS)
    assert weights_hash(stack(nn.ReLU())) == weights_hash(stack(nn.ReLU()), alone=True)
    assert weights_hash(stack(nn.Tanh())) != weights_hash(stack(nn.Tanh()), alone=True)
    torch.manual_seed(0)
    bare = nn.Sequential(nn.Linear(35, 8), nn.Linear(8, 3))
    assert weights_hash(bare) != weights_hash(stack(nn.ReLU()))


SHAPES = {nn.Conv2d: (2, 3, 6, 6), nn.MaxPool2d: (2, 3, 6, 6), nn.AvgPool2d: (2, 3, 6, 6), nn.ZeroPad2d: (2, 3, 6, 6)}
LAYERS = [
    nn.Conv2d(3, 4, (2, 3), stride=(2, 1), padding=(1, 0)),
    nn.Conv1d(3, 6, 2, groups=3, bias=False),
    *(nn.MaxPool2d(2), nn.MaxPool1d(2), nn.AvgPool2d(2, count_include_pad=False), nn.AvgPool1d(3, 1)),
    *(nn.AdaptiveAvgPool1d(2), nn.AdaptiveAvgPool2d((2, 1)), nn.BatchNorm2d(3), BatchNorm(3), nn.GroupNorm(3, 3)),
    *(nn.Flatten(1, 2), nn.Unflatten(1, (3, 1)), nn.ZeroPad2d((1, 0, 2, 0)), nn.ConstantPad1d((1, 2), 0.5)),
    *(nn.Dropout(0.2), nn.Hardswish(), nn.Hardsigmoid(), nn.LogSigmoid()),
    *(nn.Softmax(1), nn.LogSoftmax(-1), nn.Softmin(1)),
    *(
        Normalized((3, 6), 2.0),
        EachNormalized(6, 3, 1.5),
        OneStep(18, 4, 2),
        Permuted((0, 2, 1)),
        Picked((5, -1, 0, 3)),
    ),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_every_layer_comes_back_from_its_description(layer):
    twin = make(json.loads(json.dumps(describe(layer))))
    assert repr(twin) == repr(layer.eval())
    twin.load_state_dict(layer.state_dict(), assign=True)
    two = isinstance(
        layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | nn.AdaptiveAvgPool2d | nn.BatchNorm2d | nn.ZeroPad2d
    )
    x = torch.rand(2, 3, 6, 6) if two else torch.rand(2, 3, 6)
    x = x.flatten(1) if isinstance(layer, OneStep | EachNormalized) else x
    torch.testing.assert_close(twin(x), layer(x))


def test_every_layer_that_is_described_is_tried():
    tried = {type(layer) for layer in (*LAYERS, *ACTIVATIONS)} | {nn.Linear}
    assert {kind.__name__ for kind in set(_ARGUMENTS) - tried} == {"ScaledInput"}


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(35, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x.flatten(1))))


def hooked():
    module = stack(nn.ReLU())
    module[1].register_forward_hook(lambda _, __, out: out + 1)
    return module


def replaced():
    module = stack(nn.ReLU())
    module[2].forward = torch.tanh
    return module


@pytest.mark.parametrize("make_module", [Own, hooked, replaced])
def test_what_a_file_cannot_keep_is_refused(tmp_path, make_module):
    with pytest.raises(DnnExplainError, match=r"cannot keep the architecture of|gives other answers"):
        save(tmp_path / "net.safetensors", make_module(), system=FakeChoice())
    assert list(tmp_path.iterdir()) == []


def test_an_onnx_network_is_kept_whole(tmp_path):
    system = FakeChoice()
    policy = load_any(save_onnx(tmp_path / "own.onnx", Own().eval(), system.observation_shape), system)
    back = load_any(save(tmp_path / "own.safetensors", policy), system)
    np.testing.assert_array_equal(back.outputs(states(system)), policy.outputs(states(system)))
    assert back.checkpoint == policy.checkpoint
    assert isinstance(read_onnx(tmp_path / "own.onnx"), nn.Module)


def test_a_damaged_architecture_is_told_and_takes_no_memory(tmp_path):
    system, path = FakeChoice(), tmp_path / "net.safetensors"
    save(path, TorchPolicy(stack(nn.Tanh()), system))
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    for old, new in (
        ("Tanh", "system"),
        ('"out_features\\\\": 8', '"out_features\\\\": 800000000000'),
        ('"Linear', '"Conv2d'),
    ):
        header = data[8 : 8 + length].replace(old.encode(), new.encode())
        if header == data[8 : 8 + length]:
            header = header.replace(old.replace("\\\\", "\\").encode(), new.replace("\\\\", "\\").encode())
        assert header != data[8 : 8 + length]
        header += b" " * (-len(header) % 8)
        path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + length :])
        with pytest.raises(DnnExplainError):
            load_any(path, system)


def bare(tmp_path, module):
    torch.save(module.state_dict(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def test_a_guess_is_said_in_every_result_and_an_answer_is_taken(tmp_path):
    system, module = FakeChoice(), stack(nn.Tanh())
    path = bare(tmp_path, module)
    assumptions.forget()
    guessed = load_any(path, system)
    assert "dense layers with ReLU between them were assumed" in guessed.assumed[0]
    assert assumptions.assumed() == guessed.assumed
    assert Question.about(system, guessed).assumed == list(guessed.assumed)
    given = load_any(path, system, activation="Tanh")
    assert given.assumed == ()
    np.testing.assert_array_equal(given.outputs(states(system)), TorchPolicy(module, system).outputs(states(system)))
    named = load_any(path, system, architecture={"name": "layers", "arguments": {"module": describe(module)}})
    np.testing.assert_array_equal(named.outputs(states(system)), given.outputs(states(system)))
    with reading_as(activation="tanh"):
        assert load_any(path, system).checkpoint == given.checkpoint
    assert load_any(path, system).checkpoint != given.checkpoint
    with pytest.raises(DnnExplainError, match="no activation 'tan'; there are: relu, tanh"):
        load_any(path, system, activation="tan")


def test_our_own_names_are_evidence_and_said(tmp_path):
    system = FakeChoice()
    torch.save(mlp(system).state_dict(), tmp_path / "net.pt")
    assert (
        "names of its layers the network was taken for mlp, with ReLU"
        in load_any(tmp_path / "net.pt", system).assumed[0]
    )


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "net.", "actor.", "model.", "policy.", "model._orig_mod."])
def test_prefixes_are_left_out_and_said(tmp_path, prefix):
    system, module = FakeChoice(), stack(nn.ReLU())
    path = tmp_path / "net.pt"
    torch.save({prefix + name: value for name, value in module.state_dict().items()}, path)
    policy, expected = load_any(path, system), TorchPolicy(module, system).outputs(states(system))
    np.testing.assert_allclose(policy.outputs(states(system)), expected, atol=1e-5)
    assert f"the prefix '{prefix}' of the weights' names" in policy.note
    own = load_any(path, system, module=stack(nn.ReLU()))
    np.testing.assert_allclose(own.outputs(states(system)), expected, atol=1e-5)


def test_the_actor_is_taken_where_a_critic_is_beside_it(tmp_path):
    system, module = FakeChoice(), stack(nn.ReLU())
    weights = {f"actor.{name}": value for name, value in module.state_dict().items()}
    weights |= {f"critic.{name}": value * 0 for name, value in module.state_dict().items()}
    torch.save(weights, tmp_path / "net.pt")
    expected = TorchPolicy(module, system).outputs(states(system))
    for policy in (
        load_any(tmp_path / "net.pt", system),
        load_any(tmp_path / "net.pt", system, module=stack(nn.ReLU())),
    ):
        np.testing.assert_allclose(policy.outputs(states(system)), expected, atol=1e-5)
    assert "4 weights of other parts" in load_any(tmp_path / "net.pt", system).note


def test_checkpoints_of_training_loops_are_searched(tmp_path):
    system, module, path = FakeChoice(), stack(nn.ReLU()), tmp_path / "last.ckpt"
    inner = {f"model.{name}": value for name, value in module.state_dict().items()}
    lightning = {"epoch": 3, "state_dict": inner, "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}]}
    torch.save(lightning, path)
    expected = TorchPolicy(module, system).outputs(states(system))
    np.testing.assert_allclose(load_any(path, system).outputs(states(system)), expected, atol=1e-5)
    agents = {"agent": {"actor": module.state_dict(), "critic": {"v": torch.zeros(3)}}, "steps": 5}
    torch.save(agents, path)
    with pytest.raises(DnnExplainError, match=r"several networks \('agent.actor', 'agent.critic'\); say which: key="):
        load_any(path, system)
    np.testing.assert_allclose(load_any(path, system, key="agent.actor").outputs(states(system)), expected, atol=1e-5)
    with pytest.raises(DnnExplainError, match=r"there are: agent\.actor, agent\.critic"):
        load_any(path, system, key="actor")


def test_meta_tensors_and_whole_modules_are_told(tmp_path):
    path = tmp_path / "net.pt"
    torch.save({"a.weight": torch.empty(3, 35, device="meta"), "a.bias": torch.empty(3, device="meta")}, path)
    with pytest.raises(DnnExplainError, match="holds shapes without numbers"):
        load_any(path, FakeChoice())
    torch.save(stack(nn.ReLU()), path)
    with pytest.raises(
        DnnExplainError, match=r"whole module pickled by .*it asks for torch\.nn.*torch\.save\(module\.state"
    ):
        load_any(path, FakeChoice())


def test_a_file_of_ours_without_an_architecture_is_not_guessed(tmp_path):
    system, module = FakeChoice(), stack(nn.Tanh())
    path = save(tmp_path / "net.safetensors", module, system=system, weights_alone=True)
    assert read_metadata(path)["architecture"] is None
    with pytest.raises(DnnExplainError, match=r"an architecture that it does not name; pass the module"):
        load(path, system)
    expected = TorchPolicy(module, system).outputs(states(system))
    np.testing.assert_allclose(load(path, system, activation="tanh").outputs(states(system)), expected, atol=1e-6)


@pytest.mark.parametrize("key", ["actor", "model.actor"])
def test_a_part_inside_a_state_dict_is_read_by_its_key(tmp_path, key):
    system, actor, critic, path = FakeChoice(), stack(nn.ReLU()), stack(nn.ReLU()), tmp_path / "agent.pth"
    weights = {f"critic.{name}": item for name, item in critic.state_dict().items()}
    weights |= {f"actor.{name}": item for name, item in actor.state_dict().items()}
    torch.save({"train_step": 3, "model": weights, "optimizer": {"state": {}}}, path)
    found = load_any(path, system, key=key, activation="relu").outputs(states(system))
    np.testing.assert_allclose(found, TorchPolicy(actor, system).outputs(states(system)), atol=1e-5)
    found = load_any(path, system, key="critic", activation="relu").outputs(states(system))
    np.testing.assert_allclose(found, TorchPolicy(critic, system).outputs(states(system)), atol=1e-5)
    with pytest.raises(DnnExplainError, match=r"there are: model, critic, actor"):
        load_any(path, system, key="pilot")
