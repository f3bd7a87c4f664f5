"""Agents of stable-baselines3 and sb3-contrib: their ``.zip`` and ``policy.pth``, read without either package.

A ``.zip`` holds weights (a torch state dict) and ``data``, JSON in which what JSON cannot hold is pickled
beside a readable copy. Only the readable copies are used; nothing is unpickled. Defaults that ``data``
does not repeat are those of the packages.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import Box, DnnExplainError, System
from dnnexplain.policies._adapters import Picked
from dnnexplain.policies._sb3_networks import Pixels, Squash, decider, default_activation
from dnnexplain.policies._sb3_pipeline import as_shown, chosen_together
from dnnexplain.policies.networks import NAMED_ACTIVATIONS, activation_name
from dnnexplain.reading import open_zip, parse_json

__all__ = [
    "Agent",
    "has_parts_of_agent",
    "is_sb3_zip",
    "network_of",
    "read_agent",
    "refuse_live_agent",
    "refuse_unknown",
]

_STARTS = (
    "the environment's choices do not start at 0, which stable-baselines3 does not take into account: the agent sees each "
    "value in the cell of that number; at a value without such a cell the package ends in an error, and here none is lit "
    "(train it on choices that start at 0, Discrete(n), and the cells are the values)"
)
BYTE = 255
"""The largest number of a byte; pictures of bytes are divided by it."""
PACKAGES = frozenset({"stable_baselines3", "sb3_contrib"})


@dataclass(frozen=True, slots=True)
class Agent:
    """What a file says of an agent.

    Attributes:
        weights: its state dict.
        activation: between its layers; empty if the file does not say.
        high: the largest value of its observations; ``None`` if the file does not say.
        maskable: whether it was trained with invalid actions masked; ``None`` if the file does not say.
        is_bytes: whether pictures are divided by 255 before the network; ``None`` if the file does not say.
        ends: the lowest and the highest action; ``None`` if the file does not say.
        squash: whether a tanh bounds its actions, where its kind leaves that open.
        clip_mean: within what the mean of a squashed Gaussian is cut when it explores by its state (gSDE).
        own: what the file names and does not hold, classes of its author's: said by what they are for.
        shape: of its observations; ``None`` if the file does not say.
        normalized: whether it was trained behind ``VecNormalize``, whose statistics are in another file; ``None`` if the
            file does not say: agents that learn from a memory keep what they saw before it as well.
        choices: how many there are of each of several choices that it makes at once; empty for one choice, ``None`` if the
            file does not say.
    """

    weights: Mapping[str, torch.Tensor]
    activation: str = ""
    high: float | None = None
    maskable: bool | None = None
    is_bytes: bool | None = None
    ends: tuple[list[float], list[float]] | None = None
    squash: bool = False
    clip_mean: float = 2.0
    own: Mapping[str, str] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    normalized: bool | None = False
    choices: tuple[int, ...] | None = None


def is_sb3_zip(names: list[str]) -> bool:
    """Whether an archive's members are those of a saved agent."""
    return "policy.pth" in names and "data" in names


def _of_packages(thing: object) -> bool:
    return any(kind.__module__.partition(".")[0] in PACKAGES for kind in type(thing).__mro__)


def refuse_live_agent(thing: object) -> None:
    """An agent in memory, or its whole policy, is no network of scores, and does not tell its scale: its file does.

    Raises:
        DnnExplainError: the thing is one of these; says how to hand it over.
    """
    whole = not isinstance(thing, nn.Module) or hasattr(thing, "observation_space")
    if whole and _of_packages(thing):
        msg = (
            f"this {type(thing).__name__} is an agent of stable-baselines3, whose answers are actions, not scores; save it "
            "and load the file, which also tells its scale and its mask: agent.save('agent.zip'), then "
            "load_any('agent.zip', system)"
        )
        raise DnnExplainError(msg)


def refuse_unknown(agent: Agent, activation: str, where: str) -> None:
    """What an agent's layers are cannot be told where its file names classes that it does not hold.

    Args:
        agent: what the file says.
        activation: between its layers, with what the caller said of it; empty if neither says.
        where: the file.

    Raises:
        DnnExplainError: its activation or what is before its layers is a class of its author's.
    """
    module = "make its network as a module and pass it, load_any(path, system, module=...)"
    if "features extractor" in agent.own:
        msg = (
            f"{where}: before this agent's layers is a features extractor of its author's "
            f"({agent.own['features extractor']}), which the file names and does not hold; {module}"
        )
        raise DnnExplainError(msg)
    if not activation:
        msg = (
            f"{where}: between this agent's layers is {agent.own['activation']}, which is none of the activations that "
            f"have a name here ({', '.join(NAMED_ACTIVATIONS)}); say which of these it computes, activation='elu' "
            f"(--activation elu), or {module}"
        )
        raise DnnExplainError(msg)


def has_parts_of_agent(module: nn.Module) -> bool:
    """Whether a module was put together from an agent's parts, which saw what the agent saw."""
    return any(_of_packages(part) for part in module.modules())


def read_agent(path: Path, data: bytes) -> Agent:
    """The agent in a ``.zip``.

    Raises:
        DnnExplainError: damaged, or an agent of another kind.
    """
    from dnnexplain.policies._torch_files import read_state_dict  # noqa: PLC0415 - it imports this module

    with open_zip(data, path) as archive:
        try:
            said: Any = parse_json(archive.read("data").decode("utf-8"), f"{path} (its data)")
            packed = archive.read("policy.pth")
        except DnnExplainError:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged member may raise nearly anything
            msg = f"{path}: a truncated or damaged agent of stable-baselines3 ({' '.join(str(error).split())[:80]})"
            raise DnnExplainError(msg) from None
    weights = read_state_dict(Path(f"{path} (its policy.pth)"), packed)
    said = said if isinstance(said, dict) else {}
    kind, options = _part(said, "policy_class"), _part(said, "policy_kwargs")
    seen, done = _part(said, "observation_space"), _part(said, "action_space")
    activation, own = _activation(options.get("activation_fn"), default_activation(weights)), _own(kind, options)
    return Agent(
        weights,
        activation,
        _highest(seen.get("high")),
        "maskable" in str(kind.get("__module__", "")),
        _are_bytes(seen, options),
        _ends(done),
        _squashes(kind, options),
        _clip(options.get("clip_mean")),
        own if activation else {**own, "activation": str(options.get("activation_fn"))},
        _shape(seen.get("_shape")),
        _normalized(said, weights),
        tuple(int(count) for count in _printed(done.get("nvec"))) if done.keys() & {"n", "nvec"} else None,
    )


def _normalized(said: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> bool | None:
    """Whether statistics stood before an agent, by whether it kept what it saw before them."""
    if said.get("_last_original_obs") is None:
        return False
    return True if "action_net.weight" in weights else None


def _shape(said: Any) -> tuple[int, ...] | None:
    """The shape of an array, if that is what a file says."""
    whole = isinstance(said, list) and said and all(type(size) is int and size > 0 for size in said)
    return tuple(said) if whole else None


def _activation(said: Any, usual: str) -> str:
    """The name of the activation that a file says by its class; empty for one that is not known."""
    if said is None:
        return usual
    exact = re.fullmatch(r"<class 'torch\.nn\.modules\.\w+\.(\w+)'>", str(said).strip())
    try:
        return activation_name(exact[1]) if exact else ""
    except DnnExplainError:
        return ""


def _squashes(kind: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether actions end in a tanh: as the options say, else as is usual for the kind."""
    search = "ars" in str(kind.get("__module__", "")).split(".")
    return bool(options.get("squash_output", search and "Linear" not in str(kind.get("__init__", ""))))


def _clip(said: Any, usual: float = 2.0) -> float:
    """Within what a mean is cut, if the file says a number for it."""
    return float(said) if isinstance(said, int | float) and said > 0 else usual


def _own(kind: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Classes that belong to neither package: of the policy and of what is before its layers."""
    policy = str(kind.get("__module__", ""))
    before = re.sub(r"^<class '|'>$", "", str(options.get("features_extractor_class", "")))
    named = {"policy": policy, "features extractor": before}
    return {what: name for what, name in named.items() if name and name.partition(".")[0] not in PACKAGES}


def _are_bytes(seen: Mapping[str, Any], options: Mapping[str, Any]) -> bool | None:
    """Whether the package divides what the agent sees by 255: pictures of bytes, unless it was told not to."""
    if not seen.get("dtype"):
        return None
    flat = _shape(seen.get("_shape"))
    picture = flat is None or (len(flat) == 3 and _highest(seen.get("high")) == BYTE)
    return picture and str(seen["dtype"]) == "uint8" and str(options.get("normalize_images", True)) != "False"


def _ends(space: Mapping[str, Any]) -> tuple[list[float], list[float]] | None:
    """The lowest and the highest action, where numpy printed them whole."""
    low, high = (_printed(space.get(name)) for name in ("low", "high"))
    return (low, high) if low and len(low) == len(high) else None


def _printed(text: Any) -> list[float]:
    """The numbers of an array as numpy prints it; none if it left some out."""
    matches = re.findall(r"-?\d+(?:\.\d*)?(?:e[-+]?\d+)?", str(text or ""))
    return [] if "..." in str(text) else [float(item) for item in matches]


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}


def _highest(text: Any) -> float | None:
    """The largest number in numpy's way of printing an array."""
    numbers = [float(word) for word in re.findall(r"-?\d+(?:\.\d*)?(?:e[-+]?\d+)?", str(text or ""))]
    return max(numbers) if numbers else None


def network_of(
    weights: Mapping[str, torch.Tensor], activation: str, where: str, system: System, agent: Agent | None = None
) -> tuple[nn.Sequential, str]:
    """The part of an agent that decides, and what was assumed of it (empty if nothing was).

    Args:
        weights: its state dict.
        activation: between its dense layers.
        where: the file, for messages.
        system: whose observations and actions it is to have.
        agent: what its file says of it; ``None`` for a bare state dict.

    Raises:
        DnnExplainError: layers of another kind; they are named.
    """
    bounds = [list(map(float, end)) for end in system.output.bounds] if isinstance(system.output, Box) else []
    agent_ends = agent.ends if agent is not None else None
    ends = agent_ends if agent_ends is not None and bounds else (bounds[0], bounds[1]) if bounds else None
    convolves = any(name.endswith("cnn.0.weight") for name in weights)
    pixels, guess = None, ""
    if convolves:
        high = max((knob.high for knob in system.knobs), default=1.0)
        is_bytes = agent.is_bytes if agent is not None and agent.is_bytes is not None else high == BYTE
        pixels = Pixels(tuple(system.observation_shape), 1 / BYTE if is_bytes else 1.0)
        if agent is None or agent.is_bytes is None:
            guess = (
                "the file does not say whether pictures were divided by 255 before the network: "
                + ("they were assumed to be, for they are bytes" if is_bytes else "they were assumed not to be")
                + " (the agent's .zip says it: load that)"
            )
    squash = Squash(
        ends, clip=agent.clip_mean if agent is not None else 2.0, tanh=agent.squash if agent is not None else None
    )
    network = decider(weights, activation, where, outputs=len(system.output.names), pixels=pixels, squash=squash)
    if agent is not None and not convolves:
        network = as_shown(network, system, agent.shape, is_bytes=bool(agent.is_bytes), byte=BYTE)
    network = chosen_together(network, system, agent.choices if agent is not None else None, where)
    cells = _cells_of_choices(system)
    if cells is not None:
        network = nn.Sequential(OrderedDict(cells=Picked(cells), **dict(network.named_children())))
        guess = "; ".join(part for part in (guess, _STARTS) if part)
    return network, guess


def _cells_of_choices(system: System) -> list[int] | None:
    """Which of a system's cells lights each cell of an agent; ``None`` where they are the same.

    The package lights cell ``v`` for the value ``v`` of a choice, also where the choice starts at another value than
    0, and ends in an error at a value that has no such cell: below 0, or from the number of choices on.
    """
    choices: Sequence[tuple[int, int, int]] = getattr(system, "choices_seen", ())
    if not any(start for *_, start in choices):
        return None
    cells = list(range(math.prod(system.observation_shape)))
    for first, count, start in choices:
        cells[first : first + count] = [
            first + value - start if 0 <= value - start < count else -1 for value in range(count)
        ]
    return cells
