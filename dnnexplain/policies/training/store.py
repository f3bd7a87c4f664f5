"""A training run on disk: everything that the next iteration needs, written whole after each one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.files import write_bytes
from dnnexplain.tensor_files import read_unfinished

__all__ = ["Progress", "load_progress", "progress_path", "save_progress"]

Weights = dict[str, torch.Tensor]


@dataclass
class Progress:
    """How far a training run is.

    Attributes:
        imitated, iteration: rounds and iterations done.
        best: the lowest held-out score so far, and the weights that reached it.
        curve: one entry per check: iteration, decisions, held-out figures.
        decisions: environment steps so far; ``seconds``: wall time so far.
    """

    imitated: int = 0
    iteration: int = 0
    best: float = float("inf")
    best_weights: Weights = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    decisions: int = 0
    seconds: float = 0.0


def progress_path(out: Path) -> Path:
    """Where the unfinished run of ``out`` is kept."""
    return out.with_name(out.name + ".progress")


def save_progress(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, story: Mapping[str, Any]
) -> None:
    """Write the run atomically: a kill leaves the previous whole file."""
    tensors: Weights = {f"weights.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in progress.best_weights.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    numbers = {
        key: getattr(progress, key) for key in ("imitated", "iteration", "best", "curve", "decisions", "seconds")
    }
    text = json.dumps({"progress": numbers, "story": story})
    copies = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, safetensors.torch.save(copies, metadata={"dnnexplain": text}))


def load_progress(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, story: Mapping[str, Any]
) -> Progress | None:
    """Fill module and optimizer from an unfinished run; ``None`` if there is none.

    Raises:
        DnnExplainError: the file is damaged, or belongs to a run with other settings.
    """
    if not path.exists():
        return None
    tensors, data = read_unfinished(path, "dnnexplain")
    theirs, mine = data.get("story"), json.loads(json.dumps(story))
    if theirs != mine:
        differs = [key for key in mine if not isinstance(theirs, dict) or theirs.get(key) != mine[key]]
        msg = f"{path} is an unfinished run with another {', '.join(differs)}; finish that one, or pass --fresh to start again"
        raise DnnExplainError(msg)
    module.load_state_dict(_under(tensors, "weights."))
    _fill_optimizer(optimizer, _under(tensors, "optimizer."))
    return Progress(best_weights=_under(tensors, "best."), **data["progress"])


def _under(tensors: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _fill_optimizer(optimizer: torch.optim.Optimizer, tensors: Weights) -> None:
    if not tensors:
        return
    state = optimizer.state_dict()
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state["state"].setdefault(int(index), {})[key] = value
    optimizer.load_state_dict(state)
