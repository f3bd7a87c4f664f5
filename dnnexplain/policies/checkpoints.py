"""Weights in files: our safetensors with their story, bare weights, state dicts, the original's pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import nn

from dnnexplain.contract import DnnExplainError, KnowsNetworks, System
from dnnexplain.files import write_bytes
from dnnexplain.policies import _shipped
from dnnexplain.policies._describe import size_hint, system_parameters
from dnnexplain.policies._files import read_bytes
from dnnexplain.policies._torch_files import OLD_TORCH, read_state_dict
from dnnexplain.policies._untrained import UNTRAINED, untrained
from dnnexplain.policies._weights import fill, network_from_weights, portable
from dnnexplain.policies.legacy_pickle import load_legacy
from dnnexplain.policies.networks import build
from dnnexplain.policies.onnx_files import is_onnx, read_onnx
from dnnexplain.policies.torch_policy import TorchPolicy, weights_hash

__all__ = ["load", "load_any", "load_shipped", "read_metadata", "save", "shipped"]

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

    Returns:
        the path.

    Raises:
        DnnExplainError: no system, or metadata that JSON cannot hold, or the file cannot be written.
    """
    policy = network if isinstance(network, TorchPolicy) else None
    module = policy.module if policy is not None else network
    world = system or (policy.system if policy is not None else None)
    if world is None or not isinstance(module, nn.Module):
        msg = (
            "save takes a TorchPolicy, or a module and the system it was trained for: save(path, module, system=system)"
        )
        raise DnnExplainError(msg)
    weights, architecture = portable(module, world)
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
    path: str | Path, system: System, *, module: nn.Module | None = None, masked: bool | None = None
) -> TorchPolicy:
    """A policy from a safetensors file: ours, or bare weights of a stack of dense layers.

    Args:
        path: the file; the policy takes its name from it.
        system: the world the network is to act in.
        module: filled with the weights, for an architecture that the file does not name.
        masked: overrides what the file says of masking invalid actions.

    Raises:
        DnnExplainError: the file is missing, truncated or foreign, or its network does not fit.
    """
    weights, story = _open(Path(path))
    note = ""
    if module is not None:
        network = fill(module, weights, str(path))
    elif story.get("architecture"):
        _check_system(story, system, str(path))
        network = fill(build(story["architecture"], system), weights, str(path))
    else:
        network, note = network_from_weights(weights, system, str(path))
    return _policy(network, system, path, story, note, masked)


def _policy(
    network: nn.Module, system: System, path: str | Path, story: dict[str, Any], note: str, masked: bool | None
) -> TorchPolicy:
    mask = bool(story.get("masked", True)) if masked is None else masked
    policy = TorchPolicy(network, system, name=Path(path).stem, masked=mask)
    if story.get("checkpoint", policy.checkpoint) != policy.checkpoint:
        msg = f"{path}: the weights are not those that its header was written for; the file was altered: copy it again"
        raise DnnExplainError(msg)
    policy.metadata = story
    policy.note = "; ".join(part for part in (note, policy.note) if part)
    return policy


def _open(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    data = read_bytes(file)
    try:
        weights = safetensors_torch.load(data)
    except (SafetensorError, ValueError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        msg = f"{file}: not a whole safetensors file (truncated or damaged: {reason}); copy it again"
        raise DnnExplainError(msg) from None
    return weights, read_metadata(file)


def _check_system(story: dict[str, Any], system: System, where: str) -> None:
    """Weights for another system or size are refused in the words of the domain."""
    told = story.get("system") or {}
    if told.get("name") not in (None, system.name):
        msg = f"{where}: this network was trained for {told['name']}, not for {system.name}; choose that system"
        raise DnnExplainError(msg)
    shape, outputs = list(system.observation_shape), len(system.output.names)
    if story.get("observation_shape", shape) == shape and story.get("outputs", outputs) == outputs:
        return
    mine, its = system_parameters(system), told.get("parameters") or {}
    differ = [f"{name}={its[name]}" for name in its if name in mine and mine[name] != its[name]]
    advice = f"Pass {', '.join(differ)}." if differ else size_hint(system, int(story.get("outputs", outputs)))
    msg = (
        f"{where}: this network reads {story.get('observation_shape')} and gives {story.get('outputs')} outputs, "
        f"{system.name} shows {shape} and has {outputs}; {advice}"
    )
    raise DnnExplainError(msg)


# --- any file -----------------------------------------------------------------------------------


def load_any(
    path_or_name: str | Path, system: System, *, module: nn.Module | None = None, masked: bool | None = None
) -> TorchPolicy:
    """A policy from a weights file of any kind that is safe to read, or a shipped network by its name.

    Read are: safetensors (ours, or bare weights), torch state dicts (``.pt``, ``.pth``; with
    ``weights_only``), and the published DeepRM's pickles of numpy arrays. What is in the file decides,
    not its extension.

    Args:
        path_or_name: a file, a name that :func:`shipped` lists: ``"default"``, or ``"untrained"``: random weights.
        system: the world the network is to act in.
        module: filled with the weights, for an architecture that is no plain stack of dense layers.
        masked: whether invalid actions are masked; default: what the file says, else yes (no for the
            published pickles, which were trained without).

    Raises:
        DnnExplainError: in one sentence, what is wrong with the file and what to do.
    """
    path = Path(path_or_name)
    if not path.exists() and isinstance(path_or_name, str) and not path.suffix and len(path.parts) == 1:
        if path_or_name == UNTRAINED:
            return untrained(system, masked=masked is not False)
        return load_shipped(system, path_or_name, masked=masked)
    if module is None and (known := _known(system, path, None)) is not None:
        return _policy(known[0], system, path, {}, known[1], masked)
    data = read_bytes(path)
    if _is_safetensors(data) or path.suffix == ".safetensors":
        return load(path, system, module=module, masked=masked)
    if data.startswith((b"PK\x03\x04", OLD_TORCH)) or path.suffix in {".pt", ".pth"}:
        weights = read_state_dict(path, data)
        if module is not None:
            return _policy(fill(module, weights, str(path)), system, path, {}, "", masked)
        network, note = _known(system, path, weights) or network_from_weights(weights, system, str(path))
        return _policy(network, system, path, {}, note, masked)
    if is_onnx(data) or path.suffix == ".onnx":
        return _policy(read_onnx(path), system, path, {}, "", masked)
    if path.suffix in PLAIN_PICKLES or data[:1] == b"\x80":
        return load_legacy(path, system, masked=bool(masked))
    msg = (
        f"{path} is no weights file that dnnexplain reads; it reads .safetensors, torch state dicts (.pt, .pth) and "
        "the published DeepRM's .pkl: export the weights from the program that wrote it"
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
