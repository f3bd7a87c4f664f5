"""ONNX networks: every operator against onnxruntime, whole networks against torch, damage and refusals told."""

import itertools
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, hidden_layers, load_any, mlp
from dnnexplain.policies._onnx_layers import ACTIVATIONS, WEIGHTED
from dnnexplain.policies._onnx_ops import OPERATIONS
from dnnexplain.policies.onnx_files import is_onnx, read_onnx, save_onnx
from dnnexplain.systems import GymSystem
from tests.fakes import FakeChoice

runtime = pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def model(nodes, shape, constants=None, outputs=("y",), opset=17, **sources):
    x = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ({"x": shape} | sources).items()]
    y = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs]
    for value in y:
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    given = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "net", x, y, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def agree(tmp_path, proto, x):
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    assert is_onnx(path.read_bytes())
    theirs = runtime.InferenceSession(str(path)).run(None, {proto.graph.input[0].name: x})
    with torch.no_grad():
        ours = read_onnx(path)(torch.from_numpy(x))
    for mine, its in zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), its, rtol=1e-4, atol=1e-5)


def case(operator, shape=("b", 4), constants=(), opset=17, before=(), after=(), **attributes):
    """One node on ``x``, its constants as further inputs; ``before`` and ``after`` it, nodes without any."""
    values = {f"c{number}": value for number, value in enumerate(constants)}
    names = ["x", *(f"v{number}" for number in range(len(before) + len(after))), "y"]
    kinds = [*before, operator, *after]
    nodes = [
        helper.make_node(
            kind.split(":")[0],
            [names[i], *(values if i == len(before) else ())],
            [names[i + 1]],
            **(attributes if i == len(before) else {"to": int(kind.split(":")[1])} if ":" in kind else {}),
        )
        for i, kind in enumerate(kinds)
    ]
    return pytest.param(model(nodes, list(shape), values, opset=opset), operator, id=f"{operator}-{opset}-{attributes}")


POSITIVE = np.float32(0.5) + np.abs(array(4))
CASES = [
    *(case(name) for name in ("Abs", "Neg", "Exp", "Erf", "Sin", "Cos", "Identity", "Relu", "Sigmoid", "Tanh")),
    *(case(name) for name in ("Elu", "Selu", "Softplus", "Softsign", "LeakyRelu", "HardSwish", "Dropout", "Softmax")),
    *(case(name, before=("Exp",)) for name in ("Log", "Sqrt", "Reciprocal")),
    case("LeakyRelu", alpha=0.3),
    case("Elu", alpha=0.5),
    case("Celu", alpha=0.5),
    case("Mish", opset=18),
    case("Gelu", opset=20),
    case("Gelu", opset=20, approximate="tanh"),
    case("LogSoftmax", axis=1),
    case("Softmax", ("b", 2, 3), opset=11),
    case("LogSoftmax", ("b", 2, 3), opset=11),
    case("Softmax", ("b", 2, 3), axis=1),
    *(case(name, constants=[array(4)]) for name in ("Add", "Sub", "Mul", "Max", "Min", "Sum")),
    case("Div", constants=[POSITIVE]),
    case("Pow", constants=[np.float32(2)]),
    case("PRelu", constants=[POSITIVE[:1]]),
    case("PRelu", ("b", 4, 3), constants=[POSITIVE.reshape(4, 1)]),
    case("MatMul", constants=[array(4, 3)]),
    case("Einsum", constants=[array(4, 3)], equation="bi,ij->bj"),
    case("MatMul", ("b", 2, 4), constants=[array(1, 4, 3)]),
    case("Gemm", constants=[array(3, 4), array(3)], transB=1, alpha=0.5, beta=2.0),
    case("Gemm", constants=[array(4, 3), array(1)]),
    case("Gemm", constants=[array(4, 3)]),
    case("Gemm", constants=[array(4, 3), array(3)], before=("Transpose",), transA=1),
    case("Conv", ("b", 2, 9), constants=[array(5, 2, 3), array(5)], pads=[1, 1], strides=[2]),
    case("Conv", ("b", 4, 6, 5), constants=[array(6, 2, 3, 2)], group=2, dilations=[2, 1]),
    case("Conv", ("b", 1, 6, 5), constants=[array(2, 1, 3, 2)], pads=[1, 0, 2, 1]),
    case("Conv", ("b", 1, 6, 5), constants=[array(2, 1, 3, 2)], auto_pad="SAME_UPPER"),
    case("BatchNormalization", ("b", 4), constants=[array(4), array(4), array(4), POSITIVE], epsilon=0.01),
    case("BatchNormalization", ("b", 4, 2, 3), constants=[array(4), array(4), array(4), POSITIVE]),
    case("LayerNormalization", constants=[array(4), array(4)], epsilon=0.1),
    case("LayerNormalization", ("b", 3, 4), constants=[array(3, 4), array(3, 4)], axis=-2),
    case("Clip", constants=[np.float32(-0.3), np.float32(0.4)]),
    case("Clip", opset=6, min=-0.2, max=0.1),
    case("Reshape", ("b", 2, 6), constants=[ints(0, 3, -1)]),
    case("Flatten", ("b", 2, 3)),
    case("Flatten", ("b", 2, 3), axis=2),
    case("Transpose", ("b", 2, 3), perm=[0, 2, 1]),
    case("Transpose", ("b", 2, 3)),
    case("Gather", ("b", 5), constants=[ints(3, -1)], axis=1),
    case("Gather", ("b", 5), constants=[np.int64(2)], axis=1),
    case("Slice", ("b", 6, 4), constants=[ints(1, -3), ints(9, 4), ints(1, 2)]),
    case("Slice", ("b", 6), constants=[ints(-1), ints(-99), ints(1), ints(-2)]),
    case("Slice", ("b", 6), opset=9, starts=[1], ends=[4], axes=[1]),
    case("Squeeze", ("b", 1, 3), constants=[ints(1)]),
    case("Squeeze", ("b", 1, 3), opset=11, axes=[1]),
    case("Unsqueeze", constants=[ints(1, -1)]),
    case("Unsqueeze", opset=11, axes=[2]),
    *(case(f"Reduce{kind}", ("b", 3, 4), axes=[1], keepdims=0) for kind in ("Mean", "Max", "Min")),
    case("ReduceSum", ("b", 3, 4), constants=[ints(-1)]),
    case("ReduceSum", ("b", 3, 4)),
    case("Pad", constants=[ints(0, 1, 0, 2), np.float32(3)]),
    case("MaxPool", ("b", 2, 6, 6), kernel_shape=[2, 3], strides=[2, 1], pads=[1, 1, 1, 1]),
    case("AveragePool", ("b", 2, 6), kernel_shape=[3], pads=[1, 1]),
    case("GlobalAveragePool", ("b", 2, 6)),
    case("Expand", ("b", 1, 4), constants=[ints(1, 3, 1)]),
    case("Shape", after=("Cast:1",)),
    case("ConstantOfShape", before=("Shape",), value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.5])),
    *(
        case(name, constants=[array(4)], after=("Cast:1",))
        for name in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
    ),
    *(case(name, constants=[array(4) > 0], before=("Cast:9",), after=("Cast:1",)) for name in ("And", "Or")),
    case("Not", before=("Cast:9",), after=("Cast:1",)),
    case("Cast", to=1),
    case("Where", before=("Cast:9",), constants=[array(4), array(4)]),
    case("RNN", (5, "b", 3), constants=[array(1, 4, 3), array(1, 4, 4), array(1, 8)], hidden_size=4),
    case("RNN", (5, "b", 3), constants=[array(1, 4, 3), array(1, 4, 4)], hidden_size=4, direction="reverse"),
    *(
        case(
            "GRU",
            (5, "b", 3),
            constants=[array(2, 12, 3), array(2, 12, 4), array(2, 24)],
            hidden_size=4,
            direction="bidirectional",
            linear_before_reset=linear,
        )
        for linear in (0, 1)
    ),
    case(
        "LSTM",
        (5, "b", 3),
        constants=[array(2, 16, 3), array(2, 16, 4), array(2, 32)],
        hidden_size=4,
        direction="bidirectional",
    ),
]


@pytest.mark.parametrize(("proto", "_"), CASES)
def test_an_operator_computes_what_the_runtime_does(tmp_path, proto, _):
    sizes = [3 if isinstance(size, str) else size for size in shape_of(proto)]
    agree(tmp_path, proto, array(*sizes))


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_numbers_are_scattered_as_the_runtime_does(tmp_path, reduction):
    places = ints(2, -1, 0, 1) if reduction == "none" else ints(0, 0, -1, 2)
    nodes = [
        helper.make_node("Shape", ["x"], ["size"]),
        helper.make_node("Expand", ["places", "size"], ["where"]),
        helper.make_node("Neg", ["x"], ["start"]),
        helper.make_node("ScatterElements", ["start", "where", "x"], ["y"], axis=-1, reduction=reduction),
    ]
    agree(tmp_path, model(nodes, ["b", 4], {"places": places[None]}, opset=18), array(3, 4))


class Remembering(nn.Module):
    """A recurrent policy as it is exported: with its state given and returned, or made anew inside."""

    def __init__(self, kind, given):
        super().__init__()
        self.inner, self.out, self.given = kind(4, 6, batch_first=True), nn.Linear(6, 2), given

    def forward(self, seen, *state):
        rows, after = self.inner(seen[:, None], *((state if len(state) == 1 else (state,)) if self.given else ()))
        return (self.out(rows[:, -1]), *(after if isinstance(after, tuple) else (after,)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
def test_a_recurrent_policy_starts_anew_in_every_state(tmp_path, kind, given):
    world, path = GymSystem("CartPole-v1"), tmp_path / "net.onnx"
    network = Remembering(kind, given).eval()
    states = [torch.zeros(1, 3, 6) for _ in range(2 if kind is nn.LSTM else 1)] if given else []
    names = ["x", *(f"h{i}" for i in range(len(states)))]
    torch.onnx.export(
        network, (torch.rand(3, 4), *states), str(path), dynamo=False, input_names=names,
        dynamic_axes={"x": {0: "b"}} | {name: {1: "b"} for name in names[1:]},
    )  # fmt: skip
    policy = load_any(path, world)
    seen = array(5, *world.observation_shape)
    fresh = [torch.zeros(1, 5, 6) for _ in states]
    with torch.no_grad():
        expected = network(torch.from_numpy(seen).flatten(1), *fresh)[0].numpy()
    np.testing.assert_allclose(policy.outputs(seen), expected, rtol=1e-4, atol=1e-5)
    assert (
        f"has {'a' if kind is nn.GRU else 'an'} {kind.__name__}: its hidden state starts anew in every state"
        in policy.assumed[0]
    )


def test_what_a_recurrent_layer_rarely_has_is_refused_in_its_words(tmp_path):
    path = tmp_path / "net.onnx"
    given = {"w": array(1, 4, 4), "r": array(1, 4, 4), "a": ints(1), "o": array(4, 2)}
    nodes = [
        helper.make_node("Unsqueeze", ["x", "a"], ["t"]),
        helper.make_node("RNN", ["t", "w", "r"], ["s"], hidden_size=4, activations=["Relu"]),
        helper.make_node("ReduceSum", ["s", "a"], ["u"], keepdims=0),
        helper.make_node("MatMul", ["u", "o"], ["y"]),
    ]
    path.write_bytes(model(nodes, ["b", 4], given).SerializeToString())
    with pytest.raises(DnnExplainError, match="its RNN has other activations than Tanh, which is not read"):
        load_any(path, GymSystem("CartPole-v1"))


def shape_of(proto):
    return [size.dim_param or size.dim_value for size in proto.graph.input[0].type.tensor_type.shape.dim]


def test_every_operator_that_is_read_is_tried():
    tried = {parameters.values[1] for parameters in CASES} | {"Concat", "Split", "ScatterElements", "DequantizeLinear"}
    assert {*OPERATIONS, *WEIGHTED, *ACTIVATIONS} - {"OldSoftmax", "OldLogSoftmax"} <= tried


@pytest.mark.parametrize("each", [False, True])
def test_weights_that_are_kept_as_whole_numbers_are_read(tmp_path, each):
    scale, zero = (np.float32([0.5, 0.25, 2]), np.int8([1, 0, -2])) if each else (np.float32(0.5), np.int8(3))
    given = {"q": RNG.integers(-9, 9, (4, 3)).astype(np.int8), "s": scale, "z": zero}
    dequantize = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1)
    proto = model([dequantize, helper.make_node("MatMul", ["x", "w"], ["y"])], ["b", 4], given, opset=13)
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    x = array(5, 4)  # against the formula: the runtime, where it optimises, rounds x as well
    with torch.no_grad():
        found = read_onnx(tmp_path / "net.onnx")(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, x @ ((given["q"].astype(np.float32) - zero) * scale), rtol=1e-4, atol=1e-5)


def test_values_that_are_rounded_are_refused_with_the_reason(tmp_path):
    given = {"s": np.float32(0.1), "z": np.uint8(9), "w": array(4, 2)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]
    (tmp_path / "net.onnx").write_bytes(model(nodes, ["b", 4], given, opset=13).SerializeToString())
    with pytest.raises(
        DnnExplainError, match=r"rounded to whole ones \(by the operator QuantizeLinear\).*before it was quantised"
    ):
        read_onnx(tmp_path / "net.onnx")


def test_parts_are_split_and_joined(tmp_path):
    nodes = [
        helper.make_node("Split", ["x", "sizes"], ["a", "b"], axis=1),
        helper.make_node("Split", ["b"], ["c", "d"], axis=1),
        helper.make_node("Concat", ["d", "a", "c"], ["y"], axis=1),
    ]
    agree(tmp_path, model(nodes, ["b", 5], {"sizes": ints(1, 4)}), array(3, 5))


class Heads(nn.Module):
    """Parts of the input go through layers of their own, as in Pensieve's network."""

    def __init__(self):
        super().__init__()
        self.series, self.now = nn.Conv1d(1, 4, 3), nn.Linear(2, 5)
        self.norm, self.hidden, self.output = nn.LayerNorm(29), nn.Linear(29, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = x.reshape(x.shape[0], -1)
        parts = [torch.relu(self.series(x[:, None, :8])).flatten(1), torch.tanh(self.now(x[:, 8:10]))]
        return self.output(nn.functional.gelu(self.hidden(self.norm(torch.cat(parts, 1)))))


def small(*activations):
    torch.manual_seed(0)
    sizes = itertools.pairwise([35, *[8] * len(activations)])
    layers = [layer for (a, b), act in zip(sizes, activations, strict=True) for layer in (nn.Linear(a, b), act)]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(8, 3)).eval()


@pytest.mark.parametrize(
    "module",
    [small(nn.Tanh()), small(nn.ReLU(), nn.GELU()), small(nn.LeakyReLU(0.2), nn.Hardswish()), Heads()],
    ids=lambda module: type(module).__name__,
)
def test_torch_networks_come_back(tmp_path, module):
    module = module.eval()
    x = torch.from_numpy(array(6, 5, 7))
    path = save_onnx(tmp_path / "net.onnx", module, (5, 7))
    back = read_onnx(path)
    with torch.no_grad():
        np.testing.assert_allclose(back(x), module(x), rtol=1e-4, atol=1e-5)
    agree(tmp_path, onnx.load(path), x.numpy())


def test_a_policy_is_written_and_read_with_layers_that_can_be_probed(tmp_path):
    system = FakeChoice()
    policy = TorchPolicy(mlp(system, hidden=(8,)), system)
    back = load_any(save_onnx(tmp_path / "net.onnx", policy), system)
    states = array(4, *system.observation_shape)
    np.testing.assert_allclose(back.outputs(states), policy.outputs(states), atol=1e-5)
    assert len(hidden_layers(back.module)) == 1
    kinds = [type(layer) for layer in back.module.modules()]
    assert kinds.count(nn.Linear) == 2
    assert kinds.count(nn.ReLU) == 1


def test_a_fixed_batch_is_freed_or_refused(tmp_path):
    path = tmp_path / "net.onnx"
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["v"]), helper.make_node("Gemm", ["v", "w"], ["y"])]
    constants = {"shape": ints(1, 6), "w": array(6, 3)}
    path.write_bytes(model(nodes, [1, 2, 3], constants).SerializeToString())
    x = array(4, 2, 3)
    np.testing.assert_allclose(
        read_onnx(path)(torch.from_numpy(x)).detach(), x.reshape(4, 6) @ constants["w"], atol=1e-5
    )
    mixing = [helper.make_node("ReduceSum", ["x"], ["y"])]
    path.write_bytes(model(mixing, [2, 3]).SerializeToString())
    with pytest.raises(DnnExplainError, match="written for 2 states at a time; export it for any number"):
        read_onnx(path)


def test_what_is_not_read_is_named(tmp_path):
    path = tmp_path / "net.onnx"

    def refused(proto, words):
        path.write_bytes(proto.SerializeToString())
        with pytest.raises(DnnExplainError, match=words) as caught:
            read_onnx(path)
        assert "net.onnx" in str(caught.value)

    refused(model([helper.make_node("Det", ["x"], ["y"])], [2, 2]), "uses the operator Det, which is not read")
    two = model([helper.make_node("Add", ["x", "h"], ["y"])], ["b", 3], h=["b", 3])
    refused(two, r"has 2 inputs \(x, h\); a policy takes one")
    refused(model([helper.make_node("Relu", ["z"], ["y"])], ["b", 3]), "nothing makes the value 'z'")
    huge = model([helper.make_node("ConstantOfShape", ["s"], ["y"])], ["b", 3], {"s": ints(10**6, 10**6)})
    refused(huge, "makes an array of the shape")
    elsewhere = model([helper.make_node("Add", ["x", "c"], ["y"])], ["b", 3], {"c": array(3)})
    elsewhere.graph.initializer[0].data_location = TensorProto.EXTERNAL
    refused(elsewhere, "weights lie in another file")


def test_damaged_files_are_told_and_never_crash(tmp_path):
    path = save_onnx(tmp_path / "net.onnx", small(nn.ReLU()), (5, 7))
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for number in range(150):
        changed = bytearray(data[: rng.integers(4, len(data))] if number % 2 else data)
        for place in rng.integers(0, len(changed), 4):
            changed[place] = rng.integers(256)
        path.write_bytes(changed)
        try:
            load_any(path, FakeChoice())
        except DnnExplainError as error:
            assert len(str(error)) < 1500  # noqa: PT017 - most changes are told, some change a weight alone


MODELS = Path(os.environ.get("DNNEXPLAIN_DATA", "/nonexistent")) / "abr" / "models"


@pytest.mark.skipif(not MODELS.is_dir(), reason="needs the published networks in DNNEXPLAIN_DATA/abr/models")
def test_a_published_network_computes_what_the_runtime_says():
    path = MODELS / "nn4sys-pensieve-small.onnx"
    session, x = runtime.InferenceSession(str(path)), array(20, 6, 8)
    theirs = np.concatenate([session.run(None, {"input": row[None]})[0] for row in x])
    with torch.no_grad():
        np.testing.assert_allclose(read_onnx(path)(torch.from_numpy(x)), theirs, rtol=1e-4, atol=1e-4)
