"""Modules of the user's own, as they are met: compiled, scripted, made in inference mode, or not to be copied."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies._onnx_recurrent import RECURRENT
from dnnexplain.twins import memo_for

__all__ = ["apart", "duplicate", "memory_of", "own_copy", "restless"]

_REGISTRIES = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}


@contextmanager
def apart() -> Iterator[None]:
    """Leave the caller's inference mode and autocast: what is computed inside has gradients and float32."""
    device = "cuda" if torch.is_autocast_enabled("cuda") else "cpu"
    with torch.inference_mode(mode=False), torch.autocast(device, enabled=False):
        yield


def own_copy(module: nn.Module, example: torch.Tensor, *, copied: bool = True) -> tuple[nn.Module, str]:
    """A copy of a module that is the policy's own (or itself, unless ``copied``), and a note on what was done for it.

    A compiled module is taken without its compiler. A TorchScript one cannot be hooked, so its graph is
    read into layers, by way of ONNX. What a module keeps that cannot be copied (a lock, an open file, its
    environment) is shared with the original; a tensor that it keeps from its last run is detached.

    Raises:
        DnnExplainError: it cannot be copied, or it is a TorchScript module whose graph cannot be read.
    """
    compiled = getattr(module, "_orig_mod", None)
    if isinstance(compiled, nn.Module):
        inner, note = own_copy(compiled, example, copied=copied)
        return inner, "; ".join(part for part in ("the module is taken as it was before torch.compile", note) if part)
    if isinstance(module, torch.jit.ScriptModule):
        return _from_script(module, example), "TorchScript was read into layers; outputs are the same"
    return _trainable(duplicate(module) if copied else module), ""


def duplicate(module: nn.Module) -> nn.Module:
    """A deep copy; what cannot be copied (a lock, an open file) is shared, what was computed is detached.

    Raises:
        DnnExplainError: no copy can be made.
    """
    try:
        return copy.deepcopy(module, memo_for(module))
    except Exception:  # noqa: BLE001 - anything may be kept in a module, and refuse in its own way
        return _careful_copy(module, memo_for(module))


def _careful_copy(module: nn.Module, memo: dict[int, Any] | None = None) -> nn.Module:
    """A copy that shares what refuses to be copied; it is copied in this way itself, by anybody."""
    memo = {} if memo is None else memo
    for part in module.modules():
        for name, value in vars(part).items():
            if name in _REGISTRIES or name == "__deepcopy__":
                continue
            try:
                copy.deepcopy(value, dict(memo))
            except Exception:  # noqa: BLE001 - anything may be kept in a module, and refuse in its own way
                memo[id(value)] = value.detach().clone() if isinstance(value, torch.Tensor) else value
    own = vars(module).pop("__deepcopy__", None)
    try:
        twin = copy.deepcopy(module, memo)
    except Exception as error:  # noqa: BLE001 - as above
        msg = (
            f"this {type(module).__name__} cannot be copied ({' '.join(str(error).split())[:120]}); make a new one and "
            "load its weights: new.load_state_dict(module.state_dict())"
        )
        raise DnnExplainError(msg) from None
    finally:
        if own is not None:
            vars(module)["__deepcopy__"] = own
    vars(twin)["__deepcopy__"] = partial(_careful_copy, twin)
    return twin


def _trainable(module: nn.Module) -> nn.Module:
    """Weights that were made in inference mode take no part in gradients: they are made anew."""
    for part in module.modules():
        for name, weight in part._parameters.items():  # noqa: SLF001 - the public way refuses inference tensors
            if weight is not None and _of_inference(weight):
                part._parameters[name] = nn.Parameter(weight.detach().clone())  # noqa: SLF001
        for name, value in part._buffers.items():  # noqa: SLF001
            if value is not None and _of_inference(value):
                part._buffers[name] = value.clone()  # noqa: SLF001
    return module


def _of_inference(value: torch.Tensor) -> bool:
    lazy = isinstance(value, nn.UninitializedParameter | nn.UninitializedBuffer)
    return not lazy and value.is_inference()


def _from_script(module: Any, example: torch.Tensor) -> nn.Module:
    from dnnexplain.policies.onnx_files import through_onnx  # noqa: PLC0415 - loads onnx

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated; people have it nevertheless
        torch.jit.save(module, buffer)
        buffer.seek(0)
        plain = torch.jit.load(buffer, map_location="cpu").eval()
    first: DnnExplainError | None = None
    for shaped in (example, example.flatten(1), example.unsqueeze(1)):
        try:
            return through_onnx(plain, shaped)
        except DnnExplainError as error:
            first = first or error
    msg = (
        f"this TorchScript module cannot be read into layers, so nothing inside it can be explained ({first}); pass the "
        "nn.Module that it was made of"
    )
    raise DnnExplainError(msg)


def memory_of(module: nn.Module) -> str:
    """What a recurrent network's explanation assumes of its hidden state; empty for any other network."""
    kinds = [type(part).__name__ for part in module.modules() if isinstance(part, nn.RNNBase | nn.RNNCellBase)]
    graphs = [step.operator for part in module.modules() for step in getattr(part, "steps", ())]
    kinds += [kind for kind in graphs if kind in RECURRENT]
    if not kinds:
        return ""
    kind = kinds[0]
    article = "an" if kind[0] in "LR" else "a"  # as the letters are said
    return f"the network has {article} {kind}: its hidden state starts anew in every state, as at the beginning of an episode"


def restless(module: nn.Module, probe: torch.Tensor) -> str:
    """Why the module answers the same states differently when asked again; empty if it does not."""

    def answer(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        outputs: torch.Tensor = module(probe)
        return outputs.detach().clone()

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        first, again, other = answer(1), answer(1), answer(2)
    if not torch.equal(first, again):
        return (
            "another answer to the same states when asked again: it keeps something from call to call (a hidden state, "
            "running statistics); let forward() start anew, and return the state beside the scores"
        )
    if not torch.equal(first, other):
        return (
            "an answer that depends on chance in evaluation: noise, or dropout called as a function without "
            "training=self.training; switch it off in eval()"
        )
    return ""
