"""What stands between an environment and an agent of stable-baselines3: wrappers of its observations and its actions.

An agent's file names none of its wrappers; they are told by what it holds: the shape of what it saw, whether what it
saw last was kept twice (before and after ``VecNormalize``), and what it chooses between.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, System
from dnnexplain.policies._adapters import Permuted, ScaledInput
from dnnexplain.policies._describe import frames_of, stacked_refusal

__all__ = ["NOT_NORMALIZED", "as_shown", "check_observations", "chosen_together"]


NOT_NORMALIZED = (
    "the file does not say whether VecNormalize stood before this agent: none was assumed (its statistics: "
    "normalize='vecnormalize.pkl', --normalize vecnormalize.pkl; none: normalize='none')"
)


def check_observations(system: System, shape: tuple[int, ...] | None, where: str, *, open_statistics: bool) -> None:
    """Refuse an agent that saw something else than the system shows, as far as its file tells.

    Args:
        system: the world it is to act in.
        shape: of what the agent saw; ``None`` if the file does not say.
        where: the file.
        open_statistics: whether it was trained behind ``VecNormalize`` and nobody said by which statistics.

    Raises:
        DnnExplainError: says what to write.
    """
    count = frames_of(math.prod(shape), system) if shape is not None else 0
    if count and shape is not None:
        sizes = " x ".join(map(str, shape))
        msg = f"{where}: this agent saw {math.prod(shape):,} numbers ({sizes}), {stacked_refusal(count, system)}"
        raise DnnExplainError(msg)
    if open_statistics:
        msg = (
            f"{where}: this agent was trained behind VecNormalize, whose statistics are in the file that its save() wrote: "
            "normalize='vecnormalize.pkl' (--normalize vecnormalize.pkl); normalize='none' if it left observations as they "
            "are (norm_obs=False)"
        )
        raise DnnExplainError(msg)


def as_shown(
    network: nn.Sequential, system: System, shape: tuple[int, ...] | None, *, is_bytes: bool, byte: int
) -> nn.Sequential:
    """A network of dense layers behind what the package does to pictures: channels to the front, bytes divided by 255."""
    shown = tuple(system.observation_shape)
    if shape is None or len(shape) != 3:
        return network
    before: OrderedDict[str, nn.Module] = OrderedDict()
    if is_bytes:
        before["scale"] = ScaledInput(1 / byte)
    if shape != shown and shape == (shown[-1], *shown[:-1]):
        before["channels_first"] = Permuted((0, 3, 1, 2))
    return nn.Sequential(OrderedDict(**before, **dict(network.named_children()))).eval() if before else network


def chosen_together(
    network: nn.Sequential, system: System, choices: tuple[int, ...] | None, where: str
) -> nn.Sequential:
    """An agent that makes several choices at once, with a score for each combination: the sum of its parts' scores.

    The likelihood of a combination is the product of its parts', as in training.

    Args:
        network: gives the scores of all parts, one after another.
        system: its ``choices_made`` are how many there are of each.
        choices: the same, as the agent's file says it; ``None`` if it does not.
        where: the file.

    Raises:
        DnnExplainError: the agent makes other choices than the system.
    """
    made: tuple[int, ...] = tuple(getattr(system, "choices_made", ()))
    if choices is not None and choices != made:
        its, needs = (" x ".join(map(str, item)) if item else "one choice" for item in (choices, made))
        msg = (
            f"{where}: this agent's actions are {its}, those of {system.name} {needs} (several choices at once are a "
            "MultiDiscrete); make the system of the environment that it was trained on, GymSystem(env)"
        )
        raise DnnExplainError(msg)
    last: Any = list(network.children())[-1]
    if not made or getattr(last, "out_features", None) != sum(made):
        return network
    ends = np.cumsum((0, *made[:-1]))
    rows = np.zeros((math.prod(made), sum(made)), dtype=np.float32)
    for row in range(len(rows)):
        rows[row, ends + np.array(np.unravel_index(row, made))] = 1
    joint = nn.utils.skip_init(nn.Linear, rows.shape[1], rows.shape[0], bias=False)
    with torch.no_grad():
        joint.weight.copy_(torch.from_numpy(rows))
    return nn.Sequential(OrderedDict(**dict(network.named_children()), together=joint)).eval()
