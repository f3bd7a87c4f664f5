"""Fit a torch module to a system: find the input layout it takes, and say what is wrong if none fits."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, System, state_from_values
from dnnexplain.counts import counted
from dnnexplain.policies._adapters import OneOutput
from dnnexplain.policies._describe import describe_outputs, frames_of, size_hint, stacked_refusal
from dnnexplain.policies._own_modules import restless

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_module", "probe_observations"]

PROBE_ROWS = 5
"""More than one, so that a module that takes the batch for a channel is found out."""


def probe_observations(system: System, rows: int = PROBE_ROWS) -> NDArray[np.float32]:
    """The system's default state, then seeded random valid states; ``[rows, *observation_shape]``."""
    rng = np.random.default_rng(0)
    low = np.array([knob.low for knob in system.knobs])
    high = np.array([knob.high for knob in system.knobs])
    values = rng.uniform(low, high, size=(rows, len(system.knobs)))
    values[0] = state_from_values(system, {}).values
    return np.asarray(system.encode(system.repair(values)), dtype=np.float32)


def fit_module(module: nn.Module, system: System) -> tuple[nn.Module, str]:
    """A module that maps ``[B, *observation_shape]`` to ``[B, A]``, made from one that takes it, or flat, or an image.

    Args:
        module: in eval mode, float32.
        system: whose observations it is to read.

    Returns:
        the module, wrapped in an adapter where its input needs another shape, and a note that says so
        (empty when nothing was changed).

    Raises:
        DnnExplainError: no layout fits; the message says what was expected, what came, and what to do.
    """
    _check_weights(module)
    device = _device(module)
    probe = torch.from_numpy(probe_observations(system)).to(device)
    failures: list[tuple[str, str]] = []
    for note, fitted in _layouts(module, system):
        whole, part = _one_answer(fitted, probe, system)
        trouble = _try(whole, probe, system)
        if trouble is None:
            return whole, "; ".join(words for words in (note, part) if words)
        failures.append((note or "as it is", trouble))
    raise DnnExplainError(_explain(module, system, failures))


_MISSING = re.compile(r"forward\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)")


def _device(module: nn.Module) -> torch.device:
    first = next(module.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def _layouts(module: nn.Module, system: System) -> list[tuple[str, nn.Module]]:
    shape = system.observation_shape
    layouts: list[tuple[str, nn.Module]] = [("", module)]
    if len(shape) != 1:
        flat = nn.Sequential(OrderedDict(flatten=nn.Flatten(), network=module))
        layouts.append((f"the input is flattened to {int(np.prod(shape))} numbers before the network", flat))
    if shape:
        channel = nn.Sequential(OrderedDict(channel=nn.Unflatten(1, (1, shape[0])), network=module))
        layouts.append(("a channel axis of size 1 is added before the network", channel))
        behind = nn.Sequential(OrderedDict(channel=nn.Unflatten(-1, (shape[-1], 1)), network=module))
        layouts.append(("a channel axis of size 1 is added behind the observation", behind))
    return [(note, fitted.eval()) for note, fitted in layouts]


def _check_weights(module: nn.Module) -> None:
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor) or tensor.is_quantized:
            msg = (
                f"the network's {name!r} holds quantised weights, through which no gradient leads; give the network as it "
                "was before it was quantised"
            )
            raise DnnExplainError(msg)
        if isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer)):
            msg = (
                f"the network's {name!r} has no weights yet: it is a lazy layer that saw no input, so nothing was trained; "
                "run the network once, module(torch.zeros(1, *system.observation_shape)), and train it"
            )
            raise DnnExplainError(msg)
        if tensor.is_meta:
            msg = (
                f"the network's {name!r} is on the device 'meta', where tensors have no values: make the network on "
                "the cpu, module.to_empty(device='cpu'), and load its weights, module.load_state_dict(...)"
            )
            raise DnnExplainError(msg)
        if tensor.is_complex():
            msg = f"the network's {name!r} holds complex numbers; real float32 weights are expected"
            raise DnnExplainError(msg)
        if tensor.is_floating_point() and not _all_finite(tensor):
            bad = int((~torch.isfinite(tensor)).sum())
            msg = (
                f"the network's {name!r} holds {bad} values that are NaN or infinite; its training probably "
                "diverged, or the file is damaged: take an earlier checkpoint"
            )
            raise DnnExplainError(msg)


def _all_finite(tensor: torch.Tensor) -> bool:
    """Whether no number is NaN or infinite, seen without a second array of its size."""
    return tensor.numel() == 0 or bool(torch.stack(torch.aminmax(tensor.detach())).isfinite().all())


def _one_answer(module: nn.Module, probe: torch.Tensor, system: System) -> tuple[nn.Module, str]:
    """Of several outputs the scores, if exactly one has their shape: an actor-critic's, or those beside a hidden state."""
    expected = (len(probe), len(system.output.names))
    try:
        with torch.no_grad():
            answer = module(probe)
    except Exception:  # noqa: BLE001 - told by _try
        return module, ""
    places = list(answer) if isinstance(answer, Mapping) else list(range(len(answer))) if _is_list(answer) else []
    fitting = [place for place in places if getattr(answer[place], "shape", None) == expected]
    if len(fitting) != 1:
        return module, ""
    named = f"{fitting[0]!r}" if isinstance(answer, Mapping) else f"number {fitting[0] + 1}"
    return OneOutput(
        module, fitting[0]
    ).eval(), f"of the network's {counted(len(places), 'output')}, {named} is taken: the scores"


def _is_list(answer: Any) -> bool:
    return isinstance(answer, tuple | list)


def _try(module: nn.Module, probe: torch.Tensor, system: System) -> str | None:
    """What is wrong with the module's answer to ``probe``, or ``None``."""
    expected = (len(probe), len(system.output.names))
    try:
        with torch.no_grad():
            answer = module(probe)
            alone = module(probe[:1]) if isinstance(answer, torch.Tensor) and answer.shape == expected else None
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; its word goes into the message
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if not isinstance(answer, torch.Tensor):
        return _not_a_tensor(answer)
    if tuple(answer.shape) != expected:
        return f"shape {list(answer.shape)}"
    if not answer.is_floating_point():
        return f"whole numbers ({str(answer.dtype).removeprefix('torch.')}); return the scores before argmax"
    if not bool(torch.isfinite(answer).all()):
        return "NaN or infinite values; a log of zero, a division by zero or an overflow is inside"
    if unrest := restless(module, probe):
        return unrest
    if alone is None or alone.shape != (1, expected[1]) or not torch.allclose(alone, answer[:1], rtol=1e-3, atol=1e-4):
        return "an answer for one state that depends on the other states of the batch; keep axis 0 for the batch"
    return None


def _not_a_tensor(answer: Any) -> str:
    if isinstance(answer, tuple | list):
        return f"{counted(len(answer), 'thing')} ({type(answer).__name__}); {_alone(answer, several=True)}"
    return f"a {type(answer).__name__}; {_alone([answer], several=False)}"


def _alone(answers: Any, *, several: bool) -> str:
    """How the scores alone are had of what a network gave; ``several``: in a row, be it of one."""
    for place, item in enumerate(answers):
        for name in ("logits", "loc"):
            if isinstance(item, torch.distributions.Distribution) and name in vars(item):
                where = f"[{place}]" if several else ""
                return f"return the scores of the distribution, e.g. wrap it: return net(x){where}.{name}"
    if several:
        return "return the scores alone, e.g. wrap it: return net(x)[0]"
    return "return one tensor of scores"


def _explain(module: nn.Module, system: System, failures: list[tuple[str, str]]) -> str:
    count, inputs = len(system.output.names), int(np.prod(system.observation_shape))
    shape = " x ".join(str(size) for size in system.observation_shape)
    lines = [trouble.partition(": ")[2] for _, trouble in failures if trouble.startswith(DnnExplainError.__name__)]
    if lines:  # a layer of ours says itself what it cannot do
        return lines[0]
    missing = next((match for _, trouble in failures if (match := _MISSING.search(trouble))), None)
    if missing:
        return (
            f"the network's forward() needs more than the observation, {missing[1]}; give a module whose forward() takes the "
            "observation alone and begins with what it needs, such as a hidden state of zeros"
        )
    if part := _part_asked_for(module):
        return (
            f"the network reads its observation by the names of its parts ({part!r}), {system.name} shows one array [B, "
            f"{shape.replace(' x ', ', ')}] with all parts one after another; give a module whose forward() takes that array and makes the parts of it"
        )
    gave, takes = _given_outputs(failures), _first_inputs(module)
    if gave is not None and gave != count:
        return (
            f"the network gave {gave} outputs, {system.name} has {describe_outputs(system)}; {size_hint(system, gave)}"
        )
    if takes is not None and takes in (forms := getattr(system, "other_forms", {})):
        return f"the network takes {takes:,} numbers: that is {forms[takes]}"
    if takes is not None and takes != inputs:
        last = _last_outputs(module)
        if last in (None, count) and (frames := frames_of(takes, system)):
            return f"the network's first layer takes {takes:,} numbers, {stacked_refusal(frames, system)}"
        if last in (None, count):
            hint = f"make the network for {inputs:,} inputs, or the system of the size it was trained for"
            return (
                f"the network's first layer takes {takes:,} numbers, {system.name} shows {inputs:,} ({shape}); {hint}"
            )
        return (
            f"the network takes {takes:,} numbers and gave {last} outputs, but {system.name} shows {inputs:,} ({shape}) and "
            f"has {describe_outputs(system)}; {size_hint(system, last)}"
        )
    tried = dict.fromkeys(f"{trouble}" for _, trouble in _tellable(failures))
    return (
        f"the network must map a float32 tensor [B, {shape.replace(' x ', ', ')}] (or its flattened, or [B, 1, ...] form) "
        f"to [B, {count}] scores, one for each of {system.name}'s {describe_outputs(system)}; it gave {'; then '.join(tried)}"
    )


class _Parts(dict[str, Any]):
    """An observation that has no part: it remembers which one was asked for."""

    first = ""

    def __missing__(self, key: Any) -> Any:
        self.first = self.first or str(key)
        raise KeyError(key)


def _part_asked_for(module: nn.Module) -> str:
    """The name of the part of an observation that the module reads first; empty if it reads none by name."""
    parts = _Parts()
    try:
        module(parts)
    except Exception:  # noqa: BLE001 - foreign code may raise anything; only what it asked for counts
        return parts.first
    return parts.first


def _tellable(failures: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Answers tell more than exceptions, and the exception of the natural layout more than the others."""
    answers = [failure for failure in failures if not re.match(r"\w+: ", failure[1])]
    return answers[:1] or failures[:2]


def _given_outputs(failures: list[tuple[str, str]]) -> int | None:
    for _, trouble in failures:
        match = re.fullmatch(rf"shape \[{PROBE_ROWS}, (\d+)\]", trouble)
        if match:
            return int(match.group(1))
    return None


def _first_inputs(module: nn.Module) -> int | None:
    """How many numbers the network takes, if it starts with a dense layer."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd)]  # noqa: SLF001
    return layers[0].in_features if layers and isinstance(layers[0], nn.Linear) else None


def _last_outputs(module: nn.Module) -> int | None:
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    return layers[-1].out_features if layers else None
