"""Weights in files: our safetensors with their story, bare weights, state dicts, the original's pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import torch as safetensors_torch
from torch import nn

from dnnexplain.assumptions import assume
from dnnexplain.contract import Discrete, DnnExplainError, KnowsNetworks, System
from dnnexplain.files import write_bytes
from dnnexplain.policies import _shipped
from dnnexplain.policies._by_names import fill_by_names
from dnnexplain.policies._describe import size_hint, system_parameters
from dnnexplain.policies._fit import probe_observations
from dnnexplain.policies._how import How, architecture_of, completed, reading_as, were_asked
from dnnexplain.policies._sb3_networks import default_activation, is_agent
from dnnexplain.policies._sb3_pipeline import NOT_NORMALIZED, check_observations
from dnnexplain.policies._torch_files import OLD_TORCH, Listed, part_of, read_arrays, read_state_dict
from dnnexplain.policies._untrained import UNTRAINED, untrained
from dnnexplain.policies._weights import fill, filled, network_from_weights, portable, stripped
from dnnexplain.policies.keras_files import HDF5, is_keras_zip, read_h5_weights, read_keras
from dnnexplain.policies.legacy_pickle import load_legacy
from dnnexplain.policies.networks import build
from dnnexplain.policies.normalizing import behind_its_pipeline
from dnnexplain.policies.onnx_files import is_onnx, read_onnx
from dnnexplain.policies.sb3 import is_sb3_zip, network_of, read_agent, refuse_unknown
from dnnexplain.policies.torch_policy import TorchPolicy, weights_hash
from dnnexplain.reading import open_zip
from dnnexplain.tensor_files import read_tensors, read_whole, story_of
from dnnexplain.tensorflow_files import is_tensorflow, read_checkpoint

__all__ = ["load", "load_any", "load_shipped", "read_metadata", "reading_as", "save", "shipped", "were_asked"]

KEY = _shipped.KEY
PLAIN_PICKLES = {".pkl", ".pickle", ".p"}

read_metadata = _shipped.read_metadata
shipped = _shipped.shipped


# --- our own files ------------------------------------------------------------------------------


def save(
    path: str | Path,
    network: TorchPolicy | nn.Module,
    metadata: Mapping[str, Any] | None = None,
    *,
    system: System | None = None,
    weights_alone: bool = False,
) -> Path:
    """Write weights and their story as safetensors: the whole file or none.

    Args:
        path: usually ``name.safetensors``.
        network: a policy, or a module together with ``system``.
        metadata: anything that JSON holds; known keys are ``role`` (``"default"``, ``"conv"``, ...: how
            :func:`load_shipped` finds it), ``description``, ``command``, ``seed``, ``workload``,
            ``training_time``, ``figures``, ``limits``, ``masked``. Architecture, system, sizes and
            versions are added.
        system: what the module was trained for; a policy knows it.
        weights_alone: keep the weights of a class of your own without its architecture, which only
            ``load(path, system, module=...)`` can then read.

    Returns:
        the path.

    Raises:
        DnnExplainError: no system, an architecture that a file cannot keep, or metadata that JSON cannot hold, or the file cannot be written.
    """
    policy = network if isinstance(network, TorchPolicy) else None
    module = policy.module if policy is not None else network
    world = system or (policy.system if policy is not None else None)
    if world is None or not isinstance(module, nn.Module):
        msg = (
            "save takes a TorchPolicy, or a module and the system it was trained for: save(path, module, system=system)"
        )
        raise DnnExplainError(msg)
    weights, architecture = (dict(module.state_dict()), None) if weights_alone else _whole(module, world)
    story = {
        "format": 1,
        "checkpoint": weights_hash(module),
        "architecture": architecture,
        "system": {"name": world.name, "parameters": system_parameters(world)},
        "observation_shape": list(world.observation_shape),
        "outputs": len(world.output.names),
        "output": world.output.kind,
        "masked": policy.masked if policy is not None else True,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
    text = _to_json({**(policy.metadata if policy is not None else {}), **story, **(metadata or {})})
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}
    return write_bytes(path, safetensors_torch.save(tensors, metadata={KEY: text}))


def _whole(module: nn.Module, system: System) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights and architecture, after the module made of them gave the same answers."""
    weights, architecture = portable(module, system)
    twin = fill(build(architecture, system), weights, "the copy made for saving").eval()
    states = torch.from_numpy(probe_observations(system))
    with torch.no_grad():
        ours, copy = module.eval()(states), twin(states)
    if not isinstance(ours, torch.Tensor) or not torch.allclose(ours, copy, rtol=1e-5, atol=1e-6):
        msg = "the network was not saved: what would be read back gives other answers; keep it with save_onnx"
        raise DnnExplainError(msg)
    return weights, architecture


def _to_json(data: Mapping[str, Any]) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        msg = f"metadata must be plain JSON (text, numbers, lists, objects); {type(value).__name__} is not"
        raise DnnExplainError(msg)

    try:
        return json.dumps(data, default=plain, allow_nan=False)
    except DnnExplainError:
        raise
    except (TypeError, ValueError) as error:
        msg = f"metadata must be plain JSON without NaN or infinity: {error}"
        raise DnnExplainError(msg) from None


def load(
    path: str | Path,
    system: System,
    *,
    module: nn.Module | None = None,
    masked: bool | None = None,
    activation: str | None = None,
) -> TorchPolicy:
    """A policy from a safetensors file: ours, or bare weights of a stack of dense layers.

    Args:
        path: the file; the policy takes its name from it.
        system: the world the network is to act in.
        module: filled with the weights, for an architecture that the file does not name.
        masked: overrides what the file says of masking invalid actions.
        activation: between dense layers, where the file does not name it: ``"tanh"``.

    Raises:
        DnnExplainError: the file is missing, truncated or foreign, or its network does not fit.
    """
    return _load(Path(path), system, How(module, masked, activation))


def _load(path: Path, system: System, how: How) -> TorchPolicy:
    weights, story = _open(path)
    if how.key is not None and not story:
        weights = part_of(path, weights, how.key)
    if how.module is None and story.get("architecture"):
        _check_system(story, system, str(path))
        network = fill(build(story["architecture"], system), weights, str(path))
        return _policy(network, system, path, how, story)
    if how.module is None and story and how.activation is None and how.architecture is None:
        msg = (
            f"{path} keeps weights alone, of an architecture that it does not name; pass the module that they belong to, "
            "load(path, system, module=...), or say what is between its dense layers, activation='tanh'"
        )
        raise DnnExplainError(msg)
    return _bare(weights, system, path, how, story)


def _bare(
    weights: Mapping[str, torch.Tensor], system: System, path: Path, how: How, story: dict[str, Any] | None = None
) -> TorchPolicy:
    """Weights without a word on their architecture, with what the caller says of it."""
    where, note, assumed = str(path), "", []
    if how.module is not None:
        network, note = filled(how.module, weights, where)
    elif how.architecture is not None:
        network = fill(build(architecture_of(how.architecture), system), weights, where)
    elif is_agent(weights):
        usual = default_activation(weights)
        network, guess = network_of(weights, how.activation or usual, where, system)
        assumed += [guess] if guess else []
        if how.activation is None:
            assumed.append(
                f"the file names no activation: {usual}, stable-baselines3's default, was assumed (another: "
                "activation='elu', --activation elu)"
            )
    else:
        inner, note = stripped(weights)
        result, guess = network_from_weights(inner, system, where, how.activation)
        network, assumed = result, [guess] if guess else []
    if how.scale is None and hasattr(system, "byte_scale") and how.module is None and story is None:
        assumed.append(
            "the file says nothing of the scale of its observations: numbers from 0 to 1 were assumed (of bytes: "
            "scale='bytes', --scale bytes)"
        )
    return _policy(network, system, path, how, story or {}, note, assumed)


def _policy(
    network: nn.Module,
    system: System,
    path: Path,
    how: How,
    story: dict[str, Any],
    note: str = "",
    assumed: Sequence[str] = (),
) -> TorchPolicy:
    mask = bool(story.get("masked", True)) if how.masked is None else how.masked
    network, seen = behind_its_pipeline(network, system, how.normalize)
    if seen:
        note, story = "; ".join(part for part in (note, seen) if part), {**story, "observations": seen}
    policy = TorchPolicy(network, system, name=path.stem, masked=mask, scale=how.scale, copy=how.module is not None)
    checkpoint = story.get("checkpoint", policy.checkpoint)
    if (
        checkpoint not in {policy.checkpoint, weights_hash(policy.module, alone=True)}
        and how.scale is how.normalize is None
    ):
        msg = f"{path}: the weights are not those that its header was written for; the file was altered: copy it again"
        raise DnnExplainError(msg)
    policy.metadata = story
    policy.assumed += tuple(assume(f"{path.name}: {sentence}") for sentence in assumed)
    policy.note = "; ".join(part for part in (note, *assumed, policy.note) if part)
    return policy


def _agent(path: Path, data: bytes, system: System, how: How) -> TorchPolicy:
    """An agent of stable-baselines3: its scale and its activation are its file's."""
    agent = read_agent(path, data)
    activation = how.activation or agent.activation
    network: nn.Module
    left_out, guesses = "", list[str]()
    if how.module is None:
        refuse_unknown(agent, activation, str(path))
        check_observations(
            system, agent.shape, str(path), open_statistics=bool(agent.normalized) and how.normalize is None
        )
        network, guess = network_of(agent.weights, activation, str(path), system, agent)
        guesses = [guess] if guess else []
        if agent.normalized is None and how.normalize is None:
            guesses.append(NOT_NORMALIZED)
        if "policy" in agent.own:
            guesses.append(
                f"its policy is a class of its author's ({agent.own['policy']}), which the file does not hold: that it "
                "decides as the package's own was assumed (where it does not, pass its network: load_any(path, system, module=...))"
            )
    else:
        network, left_out = filled(how.module, agent.weights, str(path))
    unit = getattr(system, "byte_scale", None)
    note = "an agent of stable-baselines3" + (f", {activation} between its layers" if how.module is None else "")
    note += f"; {left_out}" if left_out else ""
    scale = how.scale
    if scale is None and unit is not None and agent.high is not None:
        highs = {1.0: "unit", round(1 / unit, 9): "bytes"}
        if agent.high not in highs:
            msg = (
                f"{path}: this agent saw numbers up to {agent.high:g}, {system.name} shows 0 to 1 (or bytes up to "
                f"{1 / unit:g}); was it trained on another environment? If not, say scale='unit' or 'bytes'"
            )
            raise DnnExplainError(msg)
        scale = highs[agent.high]
        note += f", trained on observations from 0 to {agent.high:g}"
    masked = bool(agent.maskable) if how.masked is None else how.masked
    if agent.choices:
        note += ", several choices at once, each combination scored by the sum of its parts"
    if not masked and isinstance(system.output, Discrete):
        note += ", without a mask: invalid actions are not masked here either (masked=True does)"
    how = replace(how, scale=scale, masked=masked)
    return _policy(network, system, path, how, {}, note, guesses)


def _keras(path: Path, data: bytes, system: System, how: How) -> TorchPolicy:
    """A network of Keras, whole, or its weights alone for a module that is given."""
    if how.module is None:
        return _policy(read_keras(path, data), system, path, how, {}, "a network of Keras")
    packed = open_zip(data, path).read("model.weights.h5") if data.startswith(b"PK") else data
    network, words = fill_by_names(how.module, read_h5_weights(path, packed), str(path), how.key)
    return _policy(network, system, path, how, {}, "weights of Keras", [words] if words else [])


def _tensorflow(path: Path, system: System, how: How) -> TorchPolicy:
    """A checkpoint of TensorFlow, which keeps no architecture, for a module that is given."""
    arrays = {name: torch.from_numpy(np.array(item)) for name, item in read_checkpoint(path).items()}
    if how.module is None:
        held = ", ".join(f"{name} {list(array.shape)}" for name, array in list(arrays.items())[:8])
        msg = (
            f"{path} is a checkpoint of TensorFlow, which keeps weights without an architecture ({held}); make the network "
            "as a torch module and pass it: load_any(path, system, module=...), with key='actor' for a part"
        )
        raise DnnExplainError(msg)
    network, words = fill_by_names(how.module, arrays, str(path), how.key)
    return _policy(network, system, path, how, {}, "a checkpoint of TensorFlow", [words] if words else [])


def _open(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, notes = read_tensors(file)
    story = story_of(notes, KEY, file)
    if story is None:
        raise _shipped.damaged(file)
    return tensors, story


def _check_system(story: dict[str, Any], system: System, where: str) -> None:
    """Weights for another system or size are refused in the words of the domain."""
    trained_on = story.get("system") or {}
    if trained_on.get("name") not in (None, system.name):
        msg = f"{where}: this network was trained for {trained_on['name']}, not for {system.name}; choose that system"
        raise DnnExplainError(msg)
    shape, outputs = list(system.observation_shape), len(system.output.names)
    if story.get("observation_shape", shape) == shape and story.get("outputs", outputs) == outputs:
        return
    mine, its = system_parameters(system), trained_on.get("parameters") or {}
    differ = [f"{name} to {its[name]}" for name in its if name in mine and mine[name] != its[name]]
    advice = f"set {', '.join(differ)}." if differ else size_hint(system, int(story.get("outputs", outputs)))
    msg = (
        f"{where}: this network reads {story.get('observation_shape')} and gives {story.get('outputs')} outputs, "
        f"{system.name} shows {shape} and has {outputs}; {advice}"
    )
    raise DnnExplainError(msg)


# --- any file -----------------------------------------------------------------------------------


def load_any(
    path_or_name: str | Path,
    system: System,
    *,
    module: nn.Module | None = None,
    masked: bool | None = None,
    activation: str | None = None,
    architecture: str | Mapping[str, Any] | None = None,
    scale: str | None = None,
    key: str | None = None,
    normalize: str | Path | None = None,
) -> TorchPolicy:
    """A policy from a weights file of any kind that is safe to read, or a shipped network by its name.

    Read are: safetensors (ours, or bare weights), torch state dicts and checkpoints (``.pt``, ``.pth``,
    ``.ckpt``; with ``weights_only``), agents of stable-baselines3 (``.zip``, ``policy.pth``), ONNX, Keras
    (``.keras``, ``.h5``), numpy's ``.npz`` with names as torch has them, checkpoints of TensorFlow with the ``module`` that they belong to, and the published
    DeepRM's pickles of numpy arrays. What is in the file decides, not its extension.

    Args:
        path_or_name: a file, a name that :func:`shipped` lists: ``"default"``, or ``"untrained"``: random weights.
        system: the world the network is to act in.
        module: filled with the weights, for an architecture that is no plain stack of dense layers.
        masked: whether invalid actions are masked; default: what the file says, else yes (no for the
            published pickles and for agents that were trained without).
        activation: between dense layers, where the file does not say: ``"tanh"``.
        architecture: a name of ``NETWORKS`` or of the system's, or ``{"name": ..., "arguments": {...}}``.
        scale: ``"bytes"`` for a network that was trained on the bytes of the gymnasium environment,
            ``"unit"`` for one that was trained on 0 to 1, where the file does not say.
        key: which network of a checkpoint that holds several: ``"actor"``.
        normalize: statistics with which observations were normalised in training: a file that ``VecNormalize``
            of stable-baselines3 saved, or ``.npz`` or ``.json`` with ``mean`` and ``var`` (``epsilon``, ``clip``);
            ``"none"`` for an agent behind a ``VecNormalize`` that left observations as they are.

    Returns:
        A policy whose ``note`` says what was read and adapted, and whose ``assumed`` what the file left open.

    Raises:
        DnnExplainError: in one sentence, what is wrong with the file and what to do.
    """
    how = completed(How(module, masked, activation, architecture, scale, key, normalize))
    path = Path(path_or_name)
    if not path.exists() and isinstance(path_or_name, str) and not path.suffix and len(path.parts) == 1:
        if path_or_name == UNTRAINED:
            return untrained(system, masked=masked is not False)
        how.unused(path_or_name)
        return load_shipped(system, path_or_name, masked=masked)
    if module is None and (known := _known(system, path, None)) is not None:
        return _policy(known[0], system, path, how, {}, known[1])
    if is_tensorflow(path):
        return _tensorflow(path, system, how)
    data = read_whole(path)
    if _is_safetensors(data) or path.suffix == ".safetensors":
        return _load(path, system, how)
    members = open_zip(data, path).namelist() if data.startswith(b"PK\x03\x04") else []
    if is_sb3_zip(members):
        return _agent(path, data, system, how)
    if data.startswith(HDF5) or is_keras_zip(members):
        return _keras(path, data, system, how)
    if members and all(name.endswith(".npy") for name in members):
        arrays = read_arrays(path, data)
        return _bare(arrays if how.key is None else part_of(path, arrays, how.key), system, path, how)
    if data.startswith((b"PK\x03\x04", OLD_TORCH)) or path.suffix in {".pt", ".pth", ".ckpt"}:
        weights = read_state_dict(path, data, how.key)
        known = _known(system, path, weights) if module is None else None
        if known is not None:
            return _policy(known[0], system, path, how, {}, known[1])
        if isinstance(weights, Listed) and module is None:
            weights.check_single(path)
        return _bare(weights, system, path, how)
    if is_onnx(data) or path.suffix == ".onnx":
        graph = read_onnx(path)
        names = ", ".join(map(repr, graph.left_out))
        note = f"the output {names} of the file was left out, which is no score" if names else ""
        return _policy(graph, system, path, how, {}, note)
    if path.suffix in PLAIN_PICKLES or data[:1] == b"\x80":
        return load_legacy(path, system, masked=bool(masked))
    msg = (
        f"{path} is no weights file that dnnexplain reads; it reads .safetensors, torch state dicts (.pt, .pth, .ckpt), "
        "agents of stable-baselines3 (.zip), .onnx, Keras (.keras, .h5), .npz of arrays, checkpoints of TensorFlow (.index) and pickled lists of "
        "numpy arrays (.pkl): export the weights from the program that wrote it"
    )
    raise DnnExplainError(msg)


def _known(system: System, path: Path, weights: Mapping[str, torch.Tensor] | None) -> tuple[nn.Module, str] | None:
    """A published network that the system itself recognises."""
    return system.known_network(path, weights) if isinstance(system, KnowsNetworks) else None


def load_shipped(
    system: System, name: str = "default", *, masked: bool | None = None, directory: Path | None = None
) -> TorchPolicy:
    """A network that comes with dnnexplain, by its role (``"default"``, ``"conv"``, ...) or file name.

    Args:
        system: the network must have been trained for its sizes.
        name: ``"default"`` is the fair network for this system.
        masked: overrides what the file says of masking invalid actions.
        directory: where to look, other than the installed weights.

    Raises:
        DnnExplainError: none is shipped for these sizes, or none of that name; says how to get one.
    """
    return load(_shipped.find(system, name, directory), system, masked=masked)


def _is_safetensors(data: bytes) -> bool:
    return len(data) > 8 and data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= 100_000_000
