"""Networks in ONNX, read into torch layers that can be probed, and written.

The reader follows the operator specification and needs no runtime. A matrix product and the addition of a
bias become one dense layer; activations and normalisations become layers; the rest is computed in torch.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, NetworkPolicy
from dnnexplain.counts import counted
from dnnexplain.files import write_bytes
from dnnexplain.policies._onnx_external import gather
from dnnexplain.policies._onnx_layers import ACTIVATIONS, WEIGHTED
from dnnexplain.policies._onnx_ops import OPERATIONS
from dnnexplain.policies._onnx_quiet import quiet_export
from dnnexplain.policies._onnx_recurrent import RECURRENT
from dnnexplain.reading import check_count
from dnnexplain.tensor_files import read_whole

__all__ = ["OnnxNetwork", "Step", "is_onnx", "read_onnx", "save_onnx", "taken", "through_onnx"]

OPSET = 17
_CHOOSING = {"ArgMax", "ArgMin", "TopK", "Multinomial", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}


@dataclass(frozen=True, slots=True)
class Step:
    """One operator: a layer by its name, or an operation with its attributes; values are passed by name."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layer: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


class OnnxNetwork(nn.Module):
    """A network as a list of steps over named values; its layers are submodules and can be hooked.

    Args:
        source: name of the input, ``[B, ...]``.
        results: names of the outputs; one gives a tensor, several a tuple.
        steps: in running order.
        layers: the layers that steps name.
        constants: values that no step makes; they are buffers.

    Attributes:
        declared: the input's shape as the file says it, ``None`` where it leaves a size open.
        left_out: names of outputs that need an operator which is not read.
    """

    declared: tuple[int | None, ...] = ()
    left_out: tuple[str, ...] = ()

    def __init__(
        self,
        source: str,
        results: Sequence[str],
        steps: Iterable[Step],
        layers: Mapping[str, nn.Module],
        constants: Mapping[str, torch.Tensor],
    ) -> None:
        super().__init__()
        self.source, self.results, self.steps = source, tuple(results), tuple(steps)
        self.constants = {name: f"constant_{number}" for number, name in enumerate(constants)}
        for name, value in constants.items():
            self.register_buffer(self.constants[name], value)
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, observations: torch.Tensor) -> Any:
        """The outputs for observations ``[B, ...]``."""
        values: dict[str, Any] = {"": None, self.source: observations}
        values.update((name, getattr(self, buffer)) for name, buffer in self.constants.items())
        for step in self.steps:
            given = [values[name] for name in step.inputs]
            if step.layer:
                value = self.get_submodule(step.layer)(given[0])
            else:
                value = OPERATIONS[step.operator](step.attributes, *given)
            parts = value if isinstance(value, tuple) else (value,)
            values.update(zip(step.outputs, parts, strict=False))
        answers = tuple(values[name] for name in self.results)
        return answers[0] if len(answers) == 1 else answers


def is_onnx(data: bytes) -> bool:
    """Whether bytes start as an ONNX model does: its version, then the name of its producer, or the like."""
    return len(data) > 4 and data[0] == 8 and data[1] < 64 and data[2] in {0x12, 0x1A, 0x22, 0x2A, 0x3A, 0x42}


def read_onnx(path: str | Path) -> OnnxNetwork:
    """The network in an ONNX file, as a torch module in eval mode.

    Args:
        path: a model with one input; its weights are in the file, or in one beside it that it names.

    Returns:
        float32; one tensor for one output, a tuple for several. A file whose batch size is fixed is made
        to take any, and compared with itself on single states.

    Raises:
        DnnExplainError: not a whole ONNX file, several inputs, weights elsewhere, or an operator that is
            not read; the operator is named.
    """
    data = read_whole(path)
    try:
        return _network(_parsed(path, data), str(path))
    except DnnExplainError as error:
        msg = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise DnnExplainError(msg) from None
    except Exception as error:  # noqa: BLE001 - a damaged graph may fail anywhere
        msg = f"{path}: this ONNX graph cannot be built ({' '.join(str(error).split())[:120]}); is the file damaged?"
        raise DnnExplainError(msg) from None


def _parsed(path: str | Path, data: bytes) -> Any:
    import onnx  # noqa: PLC0415 - slow to import, and few need it

    try:
        model = onnx.load_model_from_string(data)
        nodes = len(model.graph.node)
    except Exception as error:
        msg = f"{path}: not a whole ONNX file ({' '.join(str(error).split())[:80]}); copy it again"
        raise DnnExplainError(msg) from error
    check_count(nodes + len(model.graph.initializer), path, "operators")
    if not nodes or not model.graph.output:
        msg = f"{path}: not a whole ONNX file (it holds no graph); copy it again"
        raise DnnExplainError(msg)
    gather(model, path)
    return model


def _network(model: Any, where: str) -> OnnxNetwork:
    graph = model.graph
    constants = {tensor.name: _tensor(tensor) for tensor in graph.initializer}
    silent = _memories(graph)
    sources = [value for value in graph.input if value.name not in constants and value.name not in silent]
    if len(sources) != 1:
        names = ", ".join(value.name for value in sources[:6]) or "none"
        msg = f"it has {counted(len(sources), 'input')} ({names}); a policy takes one, the observation: export it with that alone"
        raise DnnExplainError(msg)
    opset = max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=1)
    builder = _Builder(constants, opset, silent)
    for node in graph.node:
        builder.add(node)
    shape = tuple(size.dim_value or None for size in sources[0].type.tensor_type.shape.dim)
    network = builder.finish(sources[0].name, [value.name for value in graph.output])
    network.declared = shape
    return _any_batch(network.eval(), shape, where)


def _memories(graph: Any) -> set[str]:
    """Inputs that are nothing but the state in which a recurrent layer begins: it begins with zeros instead."""
    used: dict[str, set[bool]] = {value.name: set() for value in graph.input}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in used:
                used[name].add(node.op_type in RECURRENT and place in {5, 6})
    return {name for name, ways in used.items() if ways == {True}}


def _tensor(tensor: Any) -> torch.Tensor:
    from onnx import numpy_helper  # noqa: PLC0415

    array = torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
    return array.float() if array.is_floating_point() else array


class _Builder:
    """Turns nodes into steps; what depends on constants alone is computed at once."""

    def __init__(self, constants: dict[str, torch.Tensor], opset: int, silent: set[str]) -> None:
        self.constants, self.opset, self.silent = constants, opset, silent
        self.steps: list[Step] = []
        self.layers: dict[str, nn.Module] = {}
        self.unread: dict[str, str] = {}

    def add(self, node: Any) -> None:
        """One node; what is not read, and all that is made of it, is left out: perhaps no output that counts needs it."""
        lost = next((self.unread[name] for name in node.input if name in self.unread), "")
        if not lost and not self._read(node):
            lost = node.op_type
        if lost:
            self.unread.update(dict.fromkeys(node.output, lost))

    def _read(self, node: Any) -> bool:
        """A node as a step; whether it is one that is read."""
        attributes = {attribute.name: _attribute(attribute) for attribute in node.attribute}
        inputs = tuple("" if name in self.silent else name for name in node.input)
        outputs = tuple(node.output)
        kind = node.op_type
        if kind in {"Softmax", "LogSoftmax"} and self.opset < 13 and attributes.get("axis", 1) != -1:
            kind = f"Old{kind}"  # over all axes from one on, together
        if kind == "Split":
            attributes.setdefault("num_outputs", len(outputs))
        if kind == "Constant":
            self.constants[outputs[0]] = _constant(attributes)
        elif (layer := self._layer(kind, inputs, attributes)) is not None:
            name = self._name(node.name or outputs[0], kind)
            self.layers[name] = layer
            self.steps.append(Step(kind, inputs[:1], outputs[:1], name))
        elif kind in OPERATIONS and node.domain in {"", "ai.onnx"}:
            self._operation(kind, inputs, outputs, attributes)
        else:
            return False
        return True

    def _layer(self, kind: str, inputs: tuple[str, ...], attributes: dict[str, Any]) -> nn.Module | None:
        if kind in ACTIVATIONS:
            return ACTIVATIONS[kind](attributes)
        if kind in WEIGHTED and inputs[0] not in self.constants:
            given = [self.constants.get(name) if name else None for name in inputs[1:]]
            if all(name == "" or name in self.constants for name in inputs[1:]):
                return WEIGHTED[kind](attributes, *given)
        return None

    def _operation(self, kind: str, inputs: tuple[str, ...], outputs: tuple[str, ...], attributes: Any) -> None:
        if kind == "Add" and self._biased(inputs, outputs):
            return
        if all(name == "" or name in self.constants for name in inputs):
            given = [self.constants.get(name) for name in inputs]
            values = OPERATIONS[kind](attributes, *given)
            self.constants.update(zip(outputs, values if isinstance(values, tuple) else (values,), strict=False))
            return
        self.steps.append(Step(kind, inputs, outputs, "", attributes))

    def _biased(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bool:
        """Join a bias to the dense layer whose product it is added to, if that comes just before."""
        before = self.steps[-1] if self.steps else None
        if before is None or before.operator != "MatMul" or not before.layer or before.outputs[0] not in inputs:
            return False
        other = inputs[1] if inputs[0] == before.outputs[0] else inputs[0]
        bias, layer = self.constants.get(other), self.layers[before.layer]
        if bias is None or not isinstance(layer, nn.Linear) or bias.shape != (layer.out_features,):
            return False
        with torch.no_grad():
            layer.bias = nn.Parameter(bias.clone())
        self.steps[-1] = Step("Gemm", before.inputs, outputs, before.layer)
        return True

    def _name(self, given: str, kind: str) -> str:
        """A layer's name, from the node's: ``/features/linear0/Gemm`` -> ``features_linear0``."""
        stem = re.sub(rf"[/.]?{kind}(_output)?(_\d+)*$", "", given.strip("/")) or kind.lower()
        stem = re.sub(r"\W+", "_", stem).strip("_") or kind.lower()
        stem = f"{stem}_" if taken(stem) else stem
        names = (stem if count == 1 else f"{stem}_{count}" for count in range(1, len(self.layers) + 2))
        return next(name for name in names if name not in self.layers)

    def finish(self, source: str, outputs: list[str]) -> OnnxNetwork:
        results = [name for name in outputs if name not in self.unread]
        if not results:
            raise _refused(self.unread[outputs[0]])
        used = {name for step in self.steps for name in step.inputs} | set(results)
        kept = {name: value for name, value in self.constants.items() if name in used}
        made = {source, *kept, *(name for step in self.steps for name in step.outputs)}
        if missing := sorted(used - made - {""}):
            msg = f"not a whole ONNX file: nothing makes the value {missing[0]!r}"
            raise DnnExplainError(msg)
        network = OnnxNetwork(source, results, self.steps, self.layers, kept)
        network.left_out = tuple(name for name in outputs if name in self.unread)
        return network


def _refused(kind: str) -> DnnExplainError:
    """Why no output could be read, which needs an operator of this kind."""
    if kind in _CHOOSING:
        return DnnExplainError(
            f"it gives the action that it chose (by the operator {kind}), not the scores of all actions, which are what is "
            "explained; export the network without its last step"
        )
    if "Quantize" in kind or kind.startswith("QLinear") or kind.endswith("Integer"):
        return DnnExplainError(
            f"it computes with numbers rounded to whole ones (by the operator {kind}), which move in steps: nothing can be "
            "told from their slope; give the network as it was before it was quantised, or with its weights alone quantised"
        )
    return DnnExplainError(f"it uses the operator {kind}, which is not read; read are {', '.join(sorted(_readable()))}")


def taken(name: str) -> bool:
    """Whether a layer of an :class:`OnnxNetwork` cannot have a name, for the network needs it itself."""
    own = {"source", "results", "steps", "constants", "training", "declared", "left_out"}
    return hasattr(OnnxNetwork, name) or name in own or name.startswith("constant_")


def _readable() -> set[str]:
    return {"Constant", *OPERATIONS, *WEIGHTED, *ACTIVATIONS} - {"OldSoftmax", "OldLogSoftmax"}


def _attribute(attribute: Any) -> Any:
    from onnx import helper, numpy_helper  # noqa: PLC0415

    if attribute.type in {5, 10}:  # a graph inside a node: loops and branches
        msg = "it holds loops or branches, which are not read; export the network without them"
        raise DnnExplainError(msg)
    value = helper.get_attribute_value(attribute)
    if attribute.type == 4:
        return np.array(numpy_helper.to_array(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value]
    return value


def _constant(attributes: Mapping[str, Any]) -> torch.Tensor:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in attributes:
            array = torch.from_numpy(np.array(attributes[name]))
            return array.float() if array.is_floating_point() else array
    msg = "it holds a constant that is neither numbers nor an array of numbers"
    raise DnnExplainError(msg)


def _any_batch(network: OnnxNetwork, shape: tuple[int | None, ...], where: str) -> OnnxNetwork:
    """The same network for any number of states, where the file was written for a fixed one."""
    if not shape or shape[0] is None or any(size is None for size in shape[1:]):
        return network
    fixed, rest = shape[0], [int(size or 1) for size in shape[1:]]
    free = _freed(network, fixed)
    example = torch.rand([3 * fixed, *rest], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        alone = [network(example[first : first + fixed]) for first in range(0, 3 * fixed, fixed)]
        try:
            together = free(example)
            same = all(
                torch.allclose(torch.cat(parts), whole[0], rtol=1e-4, atol=1e-5)
                for parts, whole in zip(_by_output(alone), _by_output([together]), strict=True)
            )
        except (RuntimeError, IndexError, ValueError):
            same = False
    if not same:
        msg = (
            f"{where} was written for {fixed} states at a time; export it for any number: "
            "torch.onnx.export(..., dynamic_axes={input: {0: 'batch'}})"
        )
        raise DnnExplainError(msg)
    return free


def _by_output(answers: list[Any]) -> list[list[torch.Tensor]]:
    rows = [answer if isinstance(answer, tuple) else (answer,) for answer in answers]
    return [list(parts) for parts in zip(*rows, strict=True)]


def _freed(network: OnnxNetwork, fixed: int) -> OnnxNetwork:
    """A twin whose reshapes leave the first size open where it was the fixed batch size."""
    constants = {name: getattr(network, buffer) for name, buffer in network.constants.items()}
    for step in network.steps:
        if step.operator in {"Reshape", "Expand"} and step.inputs[1] in constants:
            shape = constants[step.inputs[1]].clone()
            if shape.numel() and int(shape[0]) == fixed and step.operator == "Reshape":
                shape[0] = 0 if bool((shape == -1).any()) else -1
            constants[step.inputs[1]] = shape
    twin = OnnxNetwork(network.source, network.results, network.steps, dict(network.named_children()), constants)
    twin.declared, twin.left_out = (None, *network.declared[1:]), network.left_out
    return twin.eval()


def save_onnx(path: str | Path, network: NetworkPolicy | nn.Module, shape: Sequence[int] | None = None) -> Path:
    """Write a network as ONNX, for any number of states; what was written is read back and compared.

    Args:
        path: usually ``name.onnx``.
        network: a policy, or a module together with ``shape``.
        shape: of one observation, without the batch axis; a policy knows it.

    Returns:
        the path.

    Raises:
        DnnExplainError: torch cannot export the module, or what was written computes something else.
    """
    module = getattr(network, "module", network)
    sizes = shape if shape is not None else getattr(getattr(network, "system", None), "observation_shape", None)
    if not isinstance(module, nn.Module) or sizes is None:
        msg = (
            "save_onnx takes a TorchPolicy, or a module and its observation's shape: save_onnx(path, module, (20, 124))"
        )
        raise DnnExplainError(msg)
    example = torch.rand([3, *sizes], generator=torch.Generator().manual_seed(0))
    data = _exported(module, example)
    _same(_network(_parsed(path, data), str(path)), module, example)
    return write_bytes(path, data)


def through_onnx(module: nn.Module, example: torch.Tensor) -> OnnxNetwork:
    """A module's graph as layers, by writing it as ONNX and reading that; compared on the example.

    Raises:
        DnnExplainError: it cannot be exported or read, or computes something else then.
    """
    twin = _network(_parsed("the exported graph", _exported(module, example)), "the exported graph")
    return _same(twin, module, example)


def _same(twin: OnnxNetwork, module: nn.Module, example: torch.Tensor) -> OnnxNetwork:
    with torch.no_grad():
        mine, its = twin(example), module(example)
    same = isinstance(its, torch.Tensor) and isinstance(mine, torch.Tensor) and mine.shape == its.shape
    if not same or not torch.allclose(mine, its, rtol=1e-4, atol=1e-5):
        msg = "the exported graph computes something else than the module"
        raise DnnExplainError(msg)
    return twin


def _exported(module: nn.Module, example: torch.Tensor) -> bytes:
    buffer: Any = io.BytesIO()
    axes = {"observation": {0: "batch"}, "outputs": {0: "batch"}}
    try:
        with quiet_export():
            torch.onnx.export(
                module,
                (example,),
                buffer,
                dynamo=False,
                opset_version=OPSET,
                input_names=["observation"],
                output_names=["outputs"],
                dynamic_axes=axes,
            )
    except Exception as error:  # noqa: BLE001 - the exporter raises many kinds
        msg = f"this network cannot be written as ONNX: {' '.join(str(error).split())[:160]}"
        raise DnnExplainError(msg) from None
    return bytes(buffer.getvalue())
