"""Files: what is saved comes back; what is damaged, foreign or dangerous gets one clear sentence."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save as pack
from torch import nn

from dnnexplain import files
from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import (
    TorchPolicy,
    convnet,
    load,
    load_any,
    mlp,
    read_metadata,
    save,
)
from tests.fakes import FakeChoice, FakeSystem
from tests.policies.test_torch_policy import states

FIGURES = {"all_jobs": {"mean": 5.81234, "low": 5.5, "high": 6.125}, "starved": 0}


class Sized(FakeChoice):
    """A gate whose picture grows with a parameter, as DeepRM's does with its slots."""

    def __init__(self, slots: int = 5, colour: str = "binary") -> None:
        super().__init__()
        self.observation_shape = (5, 2 + slots)
        self.parameters = {"slots": slots, "colour": colour}

    def encode(self, values, background=None):
        return np.zeros((len(values), *self.observation_shape), dtype=np.float32)

    def valid_actions(self, observations):
        return np.ones((len(observations), 3), dtype=bool)


class Custom(nn.Module):
    """An architecture that no file can name."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(35, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x.flatten(1))))


def one_sentence(match, function, *arguments, **keywords):
    with pytest.raises(DnnExplainError, match=match) as caught:
        function(*arguments, **keywords)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factory", [mlp, convnet])
def test_saved_networks_come_back_with_their_story(tmp_path, factory):
    system = FakeChoice()
    policy = TorchPolicy(factory(system, seed=4), system, masked=False)
    path = save(
        tmp_path / "deep" / "net.safetensors", policy, {"role": "default", "figures": FIGURES, "seed": np.int64(3)}
    )
    back = load(path, system)
    np.testing.assert_array_equal(back.outputs(states(system)), policy.outputs(states(system)))
    assert (back.name, back.checkpoint, back.masked) == ("net", policy.checkpoint, False)
    assert back.metadata["figures"] == FIGURES
    assert back.metadata["seed"] == 3
    assert back.metadata["system"] == {"name": "fake-gate", "parameters": {"max_steps": 50}}
    assert load(path, system, masked=True).masked
    assert [name for name, _ in back.module.named_children()] == [name for name, _ in policy.module.named_children()]
    assert save(tmp_path / "again.safetensors", back).read_bytes() == path.read_bytes()


def test_a_users_plain_stack_needs_no_module_to_come_back(tmp_path):
    system = FakeChoice()
    policy = TorchPolicy(nn.Sequential(nn.Linear(35, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(1)), system)
    back = load(save(tmp_path / "mine.safetensors", policy), system)
    np.testing.assert_allclose(back.outputs(states(system)), policy.outputs(states(system)), atol=1e-6)
    assert back.checkpoint == policy.checkpoint
    assert back.note == ""


def test_an_altered_builtin_network_is_not_saved_as_the_builtin_one(tmp_path):
    system, module = FakeChoice(), mlp(FakeChoice())
    module.append(nn.Tanh())
    path = save(tmp_path / "altered.safetensors", module, system=system)
    assert read_metadata(path)["architecture"]["name"] == "layers"
    back, policy = load(path, system), TorchPolicy(module, system)
    np.testing.assert_array_equal(back.outputs(states(system)), policy.outputs(states(system)))
    assert back.checkpoint == policy.checkpoint != TorchPolicy(mlp(system), system).checkpoint


def test_a_custom_module_comes_back_through_module(tmp_path):
    system, module = FakeChoice(), Custom()
    one_sentence("cannot keep the architecture of the class Custom", save, tmp_path / "no", module, system=system)
    path = save(tmp_path / "custom.safetensors", module, system=system, weights_alone=True)
    one_sentence("an architecture that it does not name; pass the module", load, path, system)
    back = load(path, system, module=Custom())
    np.testing.assert_array_equal(back.outputs(states(system)), TorchPolicy(module, system).outputs(states(system)))
    one_sentence("expected the weights flatten|expected the weights hidden", load, path, system, module=mlp(system))


def test_saving_needs_a_system_and_plain_metadata(tmp_path):
    path, policy = tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice())
    one_sentence("the system it was trained for", save, path, mlp(FakeChoice()))
    one_sentence("plain JSON", save, path, policy, {"figures": {"mean": float("nan")}})
    one_sentence("Generator is not", save, path, policy, {"rng": np.random.default_rng(0)})
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path, policy = tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice())
    before = save(path, policy).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    one_sentence("cannot be written: no space left", save, path, policy, {"seed": 1})
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    policy = TorchPolicy(mlp(FakeChoice()), FakeChoice())
    one_sentence("net.safetensors cannot be written", save, tmp_path / "file" / "net.safetensors", policy)


def test_every_truncation_of_ours_is_one_sentence(tmp_path):
    data = save(tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice())).read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in [*range(1, 1400, 37), len(data) // 2, len(data) - 1]:
        cut.write_bytes(data[:length])
        one_sentence("cut.safetensors: not a whole safetensors file", load_any, cut, FakeChoice())
    cut.write_bytes(b"")
    one_sentence("is empty", load_any, cut, FakeChoice())


def test_altered_weights_are_found_out(tmp_path):
    path = save(tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice()))
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)
    one_sentence("the file was altered", load, path, FakeChoice())


def test_another_size_says_what_to_pass(tmp_path):
    path = save(tmp_path / "net.safetensors", TorchPolicy(mlp(Sized(5)), Sized(5)))
    one_sentence(r"reads \[5, 7\] .* shows \[5, 12\] .*set slots to 5\.", load, path, Sized(10))
    assert load(path, Sized(5, colour="random")).name == "net"


def test_another_system_is_named(tmp_path):
    path = save(tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice()))
    one_sentence("trained for fake-gate, not for fake-vehicle", load, path, FakeSystem())


def test_missing_files_directories_and_foreign_files(tmp_path):
    foreign = tmp_path / "net.h5"
    foreign.write_bytes(b"\x89HDF\r\n")
    system = FakeChoice()
    one_sentence("no weights file that dnnexplain reads", load_any, foreign, system)
    one_sentence("there is no such file", load_any, tmp_path / "none.safetensors", system)
    one_sentence("is a folder", load_any, tmp_path, system)
    for name in ("a.pt", "a.safetensors", "a.pkl"):
        (tmp_path / name).write_bytes(b"hello, this is text")
        one_sentence(f"{name}: (not a whole|this pickle)", load_any, tmp_path / name, system)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "net.safetensors", TorchPolicy(mlp(FakeChoice()), FakeChoice()))
    monkeypatch.setenv("DNNEXPLAIN_MAX_BYTES", "100")
    one_sentence("raise the limit: DNNEXPLAIN_MAX_BYTES", load, path, FakeChoice())


def dense(*sizes):
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())][:-1]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("sizes", [(35, 3), (35, 20, 3), (35, 8, 8, 8, 3), (35, *[6] * 11, 3)])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".weights"])
def test_bare_dense_weights_are_recognised(tmp_path, sizes, suffix):
    module, path, system = dense(*sizes), tmp_path / f"net{suffix}", FakeChoice()
    if suffix == ".safetensors":
        path.write_bytes(pack(module.state_dict()))
    else:
        torch.save(module.state_dict(), path)
    policy = load_any(path, system)
    np.testing.assert_allclose(
        policy.outputs(states(system)), TorchPolicy(module, system).outputs(states(system)), atol=1e-6
    )
    assert ("ReLU between them were assumed" in policy.note) == (len(sizes) > 2)
    assert ("--activation tanh" in policy.note) == (len(sizes) > 2)  # what to write where it is wrong


def test_old_torch_files_and_wrapped_state_dicts(tmp_path):
    module, path, system = dense(35, 20, 3), tmp_path / "net.pth", FakeChoice()
    expected = TorchPolicy(module, system).checkpoint
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=False)
    assert load_any(path, system).checkpoint == expected
    torch.save({"epoch": 3, "model_state_dict": {f"module.{k}": v for k, v in module.state_dict().items()}}, path)
    assert load_any(path, system).checkpoint == expected
    assert load_any(path, system, module=dense(35, 20, 3)).checkpoint == expected


def test_layers_with_names_are_chained_by_their_shapes(tmp_path):
    module, path, system = dense(35, 20, 9, 3), tmp_path / "net.safetensors", FakeChoice()
    names = {"0": "in", "2": "body", "4": "a_head"}
    path.write_bytes(pack({f"{names[k[0]]}{k[1:]}": v for k, v in module.state_dict().items()}))
    np.testing.assert_allclose(
        load_any(path, system).outputs(states(system)), TorchPolicy(module, system).outputs(states(system)), atol=1e-6
    )


def test_an_ambiguous_or_unknown_stack_asks_for_the_module(tmp_path):
    path, system = tmp_path / "net.safetensors", FakeChoice()
    names = {"0": "in", "2": "second", "4": "third", "6": "out"}
    path.write_bytes(pack({f"{names[k[0]]}{k[1:]}": v for k, v in dense(35, 8, 8, 8, 3).state_dict().items()}))
    one_sentence("pass it: load_any", load_any, path, system)
    path.write_bytes(
        pack({"value.weight": torch.zeros(1, 20), "value.bias": torch.zeros(1), **dense(35, 20, 3).state_dict()})
    )
    one_sentence("pass it: load_any", load_any, path, system)
    path.write_bytes(pack({"embedding": torch.zeros(3)}))
    one_sentence(r"embedding \[3\].* pass it: load_any", load_any, path, system)


def test_our_convolutional_weights_are_recognised_without_metadata(tmp_path):
    path, module = tmp_path / "net.pt", convnet(FakeChoice(), seed=2)
    torch.save(module.state_dict(), path)
    assert load_any(path, FakeChoice()).checkpoint == TorchPolicy(module, FakeChoice()).checkpoint


def test_bare_weights_of_another_size_say_so(tmp_path):
    path = tmp_path / "net.pt"
    torch.save(dense(35, 20, 6).state_dict(), path)
    one_sentence(r"gave 6 outputs, fake-gate has 3 actions", load_any, path, FakeChoice())
    torch.save(dense(20, 8, 3).state_dict(), path)
    one_sentence(r"first layer takes 20 numbers, fake-gate shows 35", load_any, path, FakeChoice())


class Bomb:
    def __init__(self, flag) -> None:
        self.flag = flag

    def __reduce__(self):
        return os.system, (f"touch {self.flag}",)


@pytest.mark.parametrize("new", [True, False])
def test_whole_modules_and_bombs_in_torch_files_do_not_run(tmp_path, new):
    path, flag = tmp_path / "net.pt", tmp_path / "it_ran"
    torch.save(Custom(), path, _use_new_zipfile_serialization=new)
    one_sentence(
        r"whole module pickled by .*__main__|it asks for [a-z_]+\.policies.*save its weights instead",
        load_any,
        path,
        FakeChoice(),
    )
    torch.save({"w": Bomb(flag)}, path, _use_new_zipfile_serialization=new)
    one_sentence("run code", load_any, path, FakeChoice())
    path.write_bytes(pickle.dumps(Bomb(flag)))
    one_sentence("net.pt", load_any, path, FakeChoice())
    assert not flag.exists()


def test_torchscript_is_refused(tmp_path):
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("net/data.pkl", "net/constants.pkl", "net/code/__torch__.py"):
            archive.writestr(name, b"x")
    one_sentence("TorchScript program", load_any, path, FakeChoice())


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, which gives quantisation to another package
def test_other_zips_truncated_zips_and_odd_contents(tmp_path):
    path, system = tmp_path / "net.pt", FakeChoice()
    with path.open("wb") as stream:
        np.savez(stream, a=np.zeros(3))
    one_sentence(r"these weights \(a \[3\]\) are no plain stack", load_any, path, system)
    buffer = io.BytesIO()
    torch.save(dense(35, 20, 3).state_dict(), buffer)
    for length in (10, 500, len(buffer.getvalue()) - 10):
        path.write_bytes(buffer.getvalue()[:length])
        one_sentence("truncated or damaged", load_any, path, system)
    for content, match in [
        ([torch.zeros(3)], "holds no state dict .* but a list"),
        ({"w": torch.zeros(1).expand(1 << 29)}, "claims more than"),
        ({"w": torch.zeros(3, 3).to_sparse()}, r"sparse weights; save them in full: .*to_dense\(\)"),
        ([torch.zeros(3), torch.zeros(3)], "a list of 2 tensors without names, which does not say what layer"),
        *((content, "quantised weights .* save the network as it was before") for content in quantised()),
    ]:
        torch.save(content, path)
        one_sentence(match, load_any, path, system)


def quantised():
    """Weights as torch's quantisation leaves them: of single tensors, and packed with their scale, wherever they lie."""
    whole = torch.quantize_per_tensor(torch.rand(3, 35), 0.1, 0, torch.qint8)
    packed = {"0.scale": torch.tensor(1.0), "0._packed_params.dtype": torch.qint8}
    packed |= {"0._packed_params._packed_params": (whole, torch.zeros(3))}
    return [{"weight": whole}, packed, {"state_dict": packed, "epoch": 3}, [packed, packed], {"a": {"weight": whole}}]


@pytest.mark.parametrize("kind", [torch.complex64, torch.int8])
def test_weights_that_are_no_real_floats_are_refused(kind):
    from torch import nn

    from dnnexplain.policies._weights import fill

    layer = nn.Linear(3, 2)
    weights = {"weight": torch.ones(2, 3, dtype=kind), "bias": torch.zeros(2)}
    with pytest.raises(DnnExplainError, match=f"'weight' holds {str(kind)[6:]} numbers, real floats are expected"):
        fill(layer, weights, "net.pt")


def test_of_a_list_of_state_dicts_one_is_chosen_by_its_number(tmp_path):
    path, system = tmp_path / "both.pt", FakeChoice()
    actor, critic, other = dense(35, 20, 3), dense(35, 20, 1), dense(35, 20, 3)
    torch.save([critic.state_dict(), actor.state_dict()], path)
    one_sentence(r"a list of 2 state dicts, .* say which by its number: key='0' \(--key 0\)", load_any, path, system)
    observations = np.random.default_rng(0).random((4, *system.observation_shape)).astype(np.float32)
    wanted = actor(torch.from_numpy(observations).flatten(1)).detach().numpy()
    assert np.allclose(load_any(path, system, key="1").outputs(observations), wanted, atol=1e-6)
    torch.save([other.state_dict(), actor.state_dict()], path)
    with pytest.raises(DnnExplainError, match=r"several networks that the module fits \(0, 1\); say which: key='0'"):
        load_any(path, system, module=dense(35, 20, 3))
    torch.save([critic.state_dict(), actor.state_dict()], path)  # the second alone has its shapes
    assert np.allclose(load_any(path, system, module=dense(35, 20, 3)).outputs(observations), wanted, atol=1e-6)
    torch.save({"networks": [other.state_dict(), actor.state_dict()], "epoch": 7}, path)
    one_sentence("several networks .*say which: key='networks.0'", load_any, path, system)
    assert np.allclose(load_any(path, system, key="networks.1").outputs(observations), wanted, atol=1e-6)
    torch.save([actor.state_dict()], path)
    assert np.allclose(load_any(path, system).outputs(observations), wanted, atol=1e-6)
