"""Agents of stable-baselines3 and sb3-contrib: their ``.zip`` and ``policy.pth``, read without either package.

A ``.zip`` holds weights (a torch state dict) and ``data``, JSON in which what JSON cannot hold is pickled
beside a readable copy. Only the readable copies are used; nothing is unpickled. Defaults that ``data``
does not repeat are those of the packages: tanh for actor-critics, ReLU for DQN.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies.networks import activation_name, dense_stack
from dnnexplain.reading import open_zip, parse_json

__all__ = ["Agent", "has_parts_of_agent", "is_agent", "is_sb3_zip", "network_of", "read_agent", "refuse_live_agent"]

PACKAGES = frozenset({"stable_baselines3", "sb3_contrib"})

ACTOR = re.compile(r"(mlp_extractor\.(?:shared_net|policy_net)\.\d+|action_net)\.(weight|bias)")
CRITIC = re.compile(r"(mlp_extractor\.value_net\.\d+|value_net)\.(weight|bias)|log_std")
QUALITY = re.compile(r"(q_net\.q_net\.\d+)\.(weight|bias)")
TARGET = re.compile(r"q_net_target\..*")


@dataclass(frozen=True, slots=True)
class Agent:
    """What a file says of an agent.

    Attributes:
        weights: its state dict.
        activation: between its layers; empty if the file does not say.
        high: the largest value of its observations; ``None`` if the file does not say.
        maskable: whether it was trained with invalid actions masked; ``None`` if the file does not say.
    """

    weights: Mapping[str, torch.Tensor]
    activation: str = ""
    high: float | None = None
    maskable: bool | None = None


def is_sb3_zip(names: list[str]) -> bool:
    """Whether an archive's members are those of a saved agent."""
    return "policy.pth" in names and "data" in names


def is_agent(weights: Mapping[str, torch.Tensor]) -> bool:
    """Whether a bare state dict is one of stable-baselines3, by its layers' names."""
    return "action_net.weight" in weights or any(QUALITY.fullmatch(name) for name in weights)


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
    module = str(_part(said, "policy_class").get("__module__", ""))
    default = "relu" if ".dqn." in module else "tanh"
    asked = _part(said, "policy_kwargs").get("activation_fn")
    return Agent(
        weights,
        default if asked is None else activation_name(str(asked).strip("<>' ").rpartition(".")[2]),
        _highest(_part(said, "observation_space").get("high")),
        "maskable" in module,
    )


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}


def _highest(text: Any) -> float | None:
    """The largest number in numpy's way of printing an array."""
    numbers = [float(word) for word in re.findall(r"-?\d+(?:\.\d*)?(?:e[-+]?\d+)?", str(text or ""))]
    return max(numbers) if numbers else None


def network_of(weights: Mapping[str, torch.Tensor], activation: str, where: str) -> nn.Sequential:
    """The part of an agent that decides: its actor, or its values of the actions.

    Raises:
        DnnExplainError: the agent has layers that are not dense ones in a row; they are named.
    """
    quality = any(QUALITY.fullmatch(name) for name in weights)
    wanted, left_out = (QUALITY, TARGET) if quality else (ACTOR, CRITIC)
    stems = list(dict.fromkeys(match.group(1) for name in weights if (match := wanted.fullmatch(name))))
    foreign = [name for name in weights if not wanted.fullmatch(name) and not left_out.fullmatch(name)]
    try:
        layers = [(weights[f"{stem}.weight"], weights[f"{stem}.bias"]) for stem in stems]
        fits = all(a.shape[0] == b.shape[1] for (a, _), (b, _) in itertools.pairwise(layers))
    except (KeyError, IndexError):
        fits = False
    if foreign or not fits or not layers:
        named = ", ".join(foreign[:3]) or "its layers do not follow one another"
        msg = (
            f"{where}: of stable-baselines3 the MlpPolicy of PPO, A2C, MaskablePPO and DQN is read; this agent has more "
            f"({named}): make its network as a module and pass it, load_any(path, system, module=...)"
        )
        raise DnnExplainError(msg)
    module = dense_stack([layers[0][0].shape[1], *(weight.shape[0] for weight, _ in layers)], activation)
    dense = [layer for layer in module if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(dense, layers, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return module
