"""Networks of Keras: what is read computes what Keras computed, and nothing in a file is run."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load_any, save
from dnnexplain.policies.keras_files import read_keras
from dnnexplain.policies.networks import hidden_layers
from dnnexplain.systems import GymSystem
from tests.fakes import FakeChoice

FOLDER = Path(__file__).parents[1] / "fixtures" / "keras"
FILES = sorted(one for one in FOLDER.iterdir() if one.suffix != ".npz")


def read(path):
    return read_keras(path, path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.name)
def test_what_is_read_computes_what_keras_computed(path):
    told = np.load(path.with_suffix(".npz"))
    with torch.no_grad():
        found = read(path)(torch.from_numpy(told["given"])).numpy()
    np.testing.assert_allclose(found, told["answer"], rtol=1e-5, atol=1e-6)


def test_there_are_files_of_both_kinds():
    assert {one.suffix for one in FILES} == {".keras", ".h5"}
    assert len(FILES) == 4


def test_its_layers_can_be_probed_and_saved(tmp_path):
    world = FakeChoice()
    network = read_legacy(tmp_path, inputs=world.observation_shape, outputs=len(world.output.names), activation="tanh")
    policy = load_any(network, world)
    assert isinstance(policy.module[-1], nn.Linear)
    assert hidden_layers(policy.module)
    assert load_any(save(tmp_path / "kept.safetensors", policy), world).checkpoint == policy.checkpoint


# --- files by the format's description: version 2 names its arrays, version 3 numbers them --------------------


def dense(name, units, activation, inputs=None):
    config = {"name": name, "units": units, "activation": activation, "use_bias": True}
    if inputs is not None:
        config["batch_input_shape"] = [None, inputs]
    return {"class_name": "Dense", "config": config}


def read_legacy(folder, inputs, outputs, activation, weights=None):
    """A file of Keras 2: input shape in the first layer, names such as ``first/kernel:0``."""
    size = int(np.prod(inputs))
    rng = np.random.default_rng(3)
    weights = weights or [rng.normal(size=one) for one in ((size, 6), (6,), (6, outputs), (outputs,))]
    path = folder / "old.h5"
    layers = [dense("first", 6, activation, size), dense("second", outputs, "linear")]
    if len(inputs) > 1:
        layers.insert(
            0, {"class_name": "Flatten", "config": {"name": "flat", "batch_input_shape": [None, *map(int, inputs)]}}
        )
        del layers[1]["config"]["batch_input_shape"]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
        file.attrs["keras_version"] = b"2.11.0"
        holder = file.create_group("model_weights")
        for layer, pair in (("first", weights[:2]), ("second", weights[2:])):
            group = holder.create_group(layer)
            names = [f"{layer}/kernel:0", f"{layer}/bias:0"]
            group.attrs["weight_names"] = [one.encode() for one in names]
            for name, value in zip(names, pair, strict=True):
                group.create_dataset(name, data=value.astype(np.float32))
    return path


def test_an_old_file_is_what_its_numbers_say(tmp_path):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=one).astype(np.float32) for one in ((4, 6), (6,), (6, 2), (2,))]
    network = read(read_legacy(tmp_path, (4,), 2, "hard_sigmoid", weights))
    states = rng.uniform(-9, 9, (30, 4)).astype(np.float32)
    hidden = np.clip(0.2 * (states @ weights[0] + weights[1]) + 0.5, 0, 1)  # as version 2 defines it
    with torch.no_grad():
        found = network(torch.from_numpy(states)).numpy()
    np.testing.assert_allclose(found, hidden @ weights[2] + weights[3], rtol=1e-4, atol=1e-4)


def packed(path, layers, arrays):
    """A ``.keras`` file with groups of arrays by layer."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        for name, values in arrays.items():
            for place, value in enumerate(values):
                file[f"layers/{name}/vars/{place}"] = np.asarray(value, dtype=np.float32)
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.1.0"}))
        archive.writestr("model.weights.h5", held.getvalue())
    return path


START = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 2]}}


def test_layers_of_one_class_are_told_apart_by_their_order(tmp_path):
    layers = [START, dense("b", 2, "linear"), dense("a", 2, "linear")]
    arrays = {"dense": [[[1, 0], [0, 2]], [0, 0]], "dense_1": [[[0, 1], [1, 0]], [5, 0]]}
    network = read(packed(tmp_path / "two.keras", layers, arrays))
    assert network(torch.tensor([[3.0, 4.0]])).tolist() == [[8 + 5, 3]]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"class_name": "Lambda", "config": {"name": "own", "function": "4wEAAA=="}}, "'own' is a Lambda, which is not read"),
        (dense("d", 2, "my_activation"), "activation 'my_activation', which is not read"),
        (dense("d", 3, "relu"), r"'d' have the shape \[2, 2\], its architecture says \[2, 3\]"),
        ({"class_name": "Reshape", "config": {"name": "r", "target_shape": [1 << 40]}}, "no controller's network needs"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_by_name(tmp_path, layer, said):
    path = packed(tmp_path / "odd.keras", [START, layer], {"dense": [np.eye(2), [0, 0]]})
    with pytest.raises(DnnExplainError, match=said):
        read(path)


def test_a_class_of_its_author_s_is_refused(tmp_path):
    path = packed(tmp_path / "own.keras", [], {})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "MyAgent", "config": {}}))
        archive.writestr("model.weights.h5", zipfile.ZipFile(packed(tmp_path / "x", [], {})).read("model.weights.h5"))
    with pytest.raises(DnnExplainError, match="it is a MyAgent, a class of its author's"):
        read(path)


def test_links_to_other_files_and_damage_are_refused(tmp_path):
    path = read_legacy(tmp_path, (4,), 2, "relu")
    with h5py.File(path, "a") as file:
        del file["model_weights/second"]
        file["model_weights/second"] = h5py.ExternalLink("/etc/hosts", "/x")
    with pytest.raises(DnnExplainError, match="refers to '/x' elsewhere"):
        read(path)
    whole = FILES[0].read_bytes()
    for cut in (30, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:cut])
        with pytest.raises(DnnExplainError) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_weights_alone_need_the_module_that_they_belong_to(tmp_path):
    path = tmp_path / "alone.weights.h5"
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=one).astype(np.float32) for one in ((4, 3), (3,), (3, 2), (2,))]
    with h5py.File(path, "w") as file:
        for place, pair in (("dense", arrays[:2]), ("dense_1", arrays[2:])):
            for number, value in enumerate(pair):
                file[f"layers/{place}/vars/{number}"] = value
        file["optimizer/vars/0"] = np.zeros(3)
    world = GymSystem("CartPole-v1")
    with pytest.raises(DnnExplainError, match=r"weights without the architecture.*module=\.\.\."):
        load_any(path, world)
    policy = load_any(path, world, module=nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)))
    states = rng.normal(size=(5, 4)).astype(np.float32)
    expected = np.tanh(states @ arrays[0] + arrays[1]) @ arrays[2] + arrays[3]
    np.testing.assert_allclose(policy.outputs(states), expected, rtol=1e-5, atol=1e-5)
    assert "told by their shapes and the order of their names" in policy.assumed[0]


def test_a_picture_s_channel_may_stand_behind():
    world = FakeChoice()
    rows, columns = world.observation_shape

    class Behind(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(rows * columns, len(world.output.names))

        def forward(self, seen):
            assert seen.shape[1:] == (rows, columns, 1)
            return self.inner(seen.flatten(1))

    assert "behind" in TorchPolicy(Behind(), world).note


def functional(path, layers, output, arrays):
    """A file of Keras 2 whose layers say what they take."""
    listed = [{**layer, "name": layer["config"]["name"], "inbound_nodes": taken} for layer, taken in layers]
    config = {"name": "m", "layers": listed, "input_layers": [["in", 0, 0]], "output_layers": [[output, 0, 0]]}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.attrs["keras_version"] = b"2.15.0"
        for name, held in arrays.items():
            group = file.create_group(f"model_weights/{name}")
            group.attrs["weight_names"] = [entry.encode() for entry in held]
            for entry, value in held.items():
                group.create_dataset(entry, data=np.asarray(value, dtype=np.float32))
    return path


def weights_of(name, kernel, bias=(0, 0)):
    return {f"{name}/kernel:0": kernel, f"{name}/bias:0": bias}


def test_calls_of_a_model_within_a_model_are_counted_as_version_2_does(tmp_path):
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [dense("half", 2, "linear", 2)]}}
    taken = [[["in", 0, 0, {}]]], [[["inner", 1, 0, {}]]]
    layers = [
        (START, []),
        (inner, [taken[0][0], taken[1][0]]),
        (dense("last", 2, "linear"), [[["inner", 2, 0, {}]]]),
    ]
    arrays = {"inner": weights_of("half", [[0.5, 0], [0, 2]], (1, 0)), "last": weights_of("last", [[0, 1], [1, 0]])}
    network = read(functional(tmp_path / "a.h5", layers, "last", arrays))
    assert network(torch.tensor([[4.0, 3.0]])).tolist() == [[12, 2.5]]


@pytest.mark.parametrize(
    ("kind", "config"),
    [("TFOpLambda", {"function": "math.tanh"}), ("TFOpLambda", {"function": "nn.tanh"}), ("Tanh", {})],
)
def test_activations_that_are_called_as_functions(tmp_path, kind, config):
    layers = [
        (START, []),
        (dense("first", 2, "linear"), [[["in", 0, 0, {}]]]),
        ({"class_name": kind, "config": {"name": "step", **config}}, [["first", 0, 0, {}]]),
    ]
    arrays = {"first": weights_of("first", [[1, 0], [0, 2]])}
    network = read(functional(tmp_path / "a.h5", layers, "step", arrays))
    seen = torch.tensor([[0.3, -0.2]])
    torch.testing.assert_close(network(seen), torch.tanh(seen * torch.tensor([1.0, 2.0])))
    odd = [*layers[:2], ({"class_name": "TFOpLambda", "config": {"name": "step", "function": "nn.gelu"}}, layers[2][1])]
    with pytest.raises(DnnExplainError, match="'step' is a TFOpLambda, which is not read"):
        read(functional(tmp_path / "b.h5", odd, "step", arrays))
