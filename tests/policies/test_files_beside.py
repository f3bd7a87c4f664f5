"""ONNX weights in a file beside the model, outputs that are no scores, and arrays of numpy."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_any, save_onnx
from dnnexplain.policies.onnx_files import read_onnx
from dnnexplain.reading import limits
from tests.fakes import FakeChoice

SYSTEM = FakeChoice()
SIZE, COUNT = int(np.prod(SYSTEM.observation_shape)), len(SYSTEM.output.names)


def network(activation=nn.Tanh):
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(SIZE, 9), activation(), nn.Linear(9, COUNT))


def seen():
    return torch.rand(5, *SYSTEM.observation_shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def split(tmp_path):
    module = network()
    path = save_onnx(tmp_path / "net.onnx", module, SYSTEM.observation_shape)
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    assert any(
        tensor.data_location == TensorProto.EXTERNAL
        for tensor in onnx.load(path, load_external_data=False).graph.initializer
    )
    return path, module


def test_weights_beside_the_model_are_read(split):
    path, module = split
    with torch.no_grad():
        torch.testing.assert_close(
            torch.from_numpy(load_any(path, SYSTEM).outputs(seen().numpy())), module(seen()).double(), check_dtype=False
        )


def refused(path, words):
    with pytest.raises(DnnExplainError, match=words):
        load_any(path, SYSTEM)


def test_a_file_that_is_gone_short_or_elsewhere_is_said(split):
    path, _ = split
    beside = path.with_name("net.onnx.data")
    whole = beside.read_bytes()
    beside.write_bytes(whole[:-5])
    refused(path, "shorter than the model says")
    beside.unlink()
    refused(path, "which is not beside it; copy both")
    (path.parent / "inner").mkdir()
    (path.parent / "inner" / "net.onnx").write_bytes(path.read_bytes())
    beside.write_bytes(whole)
    for place in ("../net.onnx.data", str(beside), ".."):
        model = onnx.load(path, load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                entry.value = place if entry.key == "location" else entry.value
        (path.parent / "inner" / "net.onnx").write_bytes(model.SerializeToString())
        refused(path.parent / "inner" / "net.onnx", "not in its own folder|not beside it")


def constant(path, place, count=SIZE):
    """A model whose observation is first added to a constant that lies in another file, as a node holds it."""
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[count], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=place)
    nodes = [
        helper.make_node("Constant", [], ["more"], value=tensor),
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("Add", ["flat", "more"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", count]) for name in "xy"]
    graph = helper.make_graph(nodes, "sum", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    return path


def test_constants_of_nodes_are_read_from_the_model_s_own_folder_alone(tmp_path, monkeypatch):
    numbers = np.arange(SIZE, dtype=np.float32)
    (tmp_path / "own").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "part.bin").write_bytes(numbers.tobytes())
    monkeypatch.chdir(tmp_path / "here")
    path = constant(tmp_path / "own" / "net.onnx", "part.bin")
    refused(path, "which is not beside it")  # it lies in the working folder
    (tmp_path / "own" / "part.bin").write_bytes((numbers + 1).tobytes())
    np.testing.assert_allclose(read_onnx(path)(torch.zeros(2, SIZE)).numpy(), np.tile(numbers + 1, (2, 1)))
    refused(constant(path, "../here/part.bin"), "not in its own folder")


def test_many_weights_that_name_the_same_piece_are_bounded(split):
    path, _ = split
    model = onnx.load(path, load_external_data=False)
    largest = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    for number in range(50):
        model.graph.initializer.add().CopyFrom(largest)
        model.graph.initializer[-1].name = f"again{number}"
    path.write_bytes(model.SerializeToString())
    most = max(path.stat().st_size, path.with_name("net.onnx.data").stat().st_size)
    load_any(path, SYSTEM)
    with limits(bytes=most), pytest.raises(DnnExplainError, match="DNNEXPLAIN_MAX_BYTES"):
        load_any(path, SYSTEM)


def chosen(path, *, scores):
    """A model whose last steps choose, as exporters of classifiers write them."""
    model = onnx.load(path)
    name = model.graph.output[0].name
    model.graph.node.append(helper.make_node("ArgMax", [name], ["which"], axis=1, keepdims=0))
    model.graph.node.append(helper.make_node("Cast", ["which"], ["label"], to=TensorProto.INT64))
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["b"])
    outputs = [label, model.graph.output[0]] if scores else [label]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    path.write_bytes(model.SerializeToString())


def test_a_choice_beside_the_scores_is_left_out_and_alone_is_refused(tmp_path):
    module = network()
    path = save_onnx(tmp_path / "both.onnx", module, SYSTEM.observation_shape)
    chosen(path, scores=True)
    assert read_onnx(path).left_out == ("label",)
    policy = load_any(path, SYSTEM)
    assert "the output 'label' of the file was left out" in policy.note
    with torch.no_grad():
        np.testing.assert_allclose(policy.outputs(seen().numpy()), module(seen()).numpy(), rtol=1e-5, atol=1e-6)
    path = save_onnx(tmp_path / "alone.onnx", module, SYSTEM.observation_shape)
    chosen(path, scores=False)
    refused(path, "the action that it chose .*ArgMax.*not the scores")


def test_arrays_with_names_are_a_state_dict(tmp_path):
    module = network()
    held = {name: value.numpy() for name, value in module.state_dict().items()}
    np.savez(tmp_path / "net.npz", **held)
    policy = load_any(tmp_path / "net.npz", SYSTEM, activation="tanh")
    with torch.no_grad():
        np.testing.assert_allclose(policy.outputs(seen().numpy()), module(seen()).numpy(), rtol=1e-5, atol=1e-6)
    assert any("ReLU between them were assumed" in item for item in load_any(tmp_path / "net.npz", SYSTEM).assumed)
    np.savez(tmp_path / "bare.npz", *held.values())
    refused(tmp_path / "bare.npz", r"arrays without names \(arr_0.*np\.savez\(path, \*\*")
    np.savez(tmp_path / "objects.npz", first=np.array([{}], dtype=object))
    refused(tmp_path / "objects.npz", "cannot be read")
    data = (tmp_path / "net.npz").read_bytes()
    for end in range(40, len(data), 97):
        (tmp_path / "cut.npz").write_bytes(data[:end])
        with pytest.raises(DnnExplainError):
            load_any(tmp_path / "cut.npz", SYSTEM)


def test_the_mean_of_an_agent_with_a_deviation_of_its_own_is_found(tmp_path):
    module = network()
    held = {f"actor_mean.{name}": value for name, value in module.state_dict().items()}
    torch.save(
        held | {"actor_logstd": torch.zeros(1, COUNT), "critic.0.weight": torch.zeros(1, SIZE)}, tmp_path / "a.pt"
    )
    policy = load_any(tmp_path / "a.pt", SYSTEM, activation="tanh")
    assert "'actor_mean.'" in policy.note
    with torch.no_grad():
        np.testing.assert_allclose(policy.outputs(seen().numpy()), module(seen()).numpy(), rtol=1e-5, atol=1e-6)
