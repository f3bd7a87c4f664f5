"""A network in training, and the file from which an unfinished run goes on."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.files import write_bytes
from dnnexplain.tensor_files import read_unfinished

__all__ = ["Trainee"]

SLOWNESS = 0.005
"""Of the average: the share that a step's weights have in it."""


class Trainee:
    """A network in training: its average over the last steps, the best of these, and its optimiser.

    Args:
        module: the network.
        file: of the unfinished run.
        settings: of the run, as JSON holds them; a file of a run with others is refused.
        steps: in all.
        rate: learning rate at the start; it falls to 0 as a cosine.
        fresh: whether to begin anew although there is a file.

    Attributes:
        step: steps done.
        least: the least cost that was measured of an average.
        average, best: over the last steps; that which cost least.
        acting: the average at the last :meth:`act`.
    """

    def __init__(
        self, module: nn.Module, file: Path, settings: Mapping[str, Any], steps: int, rate: float, *, fresh: bool
    ) -> None:
        self.module, self.file, self.settings, self.steps, self.rate = module, file, dict(settings), steps, rate
        self.average, self.best, self.acting = _copy(module), _copy(module), _copy(module)
        self.optimiser = torch.optim.Adam(module.parameters(), lr=rate)
        self.step, self.least = 0, math.inf
        if file.exists() and not fresh:
            self._load()

    def learn(self, loss: Tensor) -> None:
        """One step down a loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
        self.optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.module.parameters(), strict=True):
                slow.lerp_(fast, SLOWNESS)
        self.step += 1

    def act(self) -> None:
        """Let the present average be what acts from now on."""
        self.acting.load_state_dict(self.average.state_dict())

    def measured(self, cost: float) -> None:
        """Keep the average if it never cost less; save the run."""
        if cost < self.least:
            self.least = cost
            self.best.load_state_dict(self.average.state_dict())
        parts = {
            f"{prefix}.{name}": value
            for prefix, module in self._modules().items()
            for name, value in module.state_dict().items()
        }
        for number, state in self.optimiser.state_dict()["state"].items():
            parts |= {f"adam.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        mark = json.dumps({"settings": self.settings, "step": self.step, "least": self.least})
        write_bytes(self.file, save({k: v.contiguous() for k, v in parts.items()}, metadata={"progress": mark}))

    def _modules(self) -> dict[str, nn.Module]:
        return {"module": self.module, "average": self.average, "best": self.best, "acting": self.acting}

    def _load(self) -> None:
        parts, data = read_unfinished(self.file, "progress")
        if data.get("settings") != self.settings:
            msg = f"{self.file} is an unfinished run with other settings; finish it with them, or start again with --fresh"
            raise DnnExplainError(msg)
        self.step, self.least = int(data["step"]), float(data["least"])
        moments: dict[int, dict[str, Tensor]] = {}
        for prefix, module in self._modules().items():
            module.load_state_dict(
                {
                    name.removeprefix(f"{prefix}."): value
                    for name, value in parts.items()
                    if name.startswith(f"{prefix}.")
                }
            )
        for name, value in parts.items():
            if name.startswith("adam."):
                _, number, field = name.split(".")
                moments.setdefault(int(number), {})[field] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})


def _copy(module: nn.Module) -> nn.Module:
    twin = copy.deepcopy(module)
    for parameter in twin.parameters():
        parameter.requires_grad = False
    return twin
