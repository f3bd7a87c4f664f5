"""What may be done in a gymnasium environment, as a space of the contract, and back in the environment's own form.

Several choices at once (``MultiDiscrete``) are one choice among all combinations: what is explained is what is
done together, and a rule, an oracle and a mask speak of that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dnnexplain import contract
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["action_space", "allowed_together", "choices_made", "own_form", "said_of_actions", "sampling_mask"]

_MOST = 256
"""Combinations of several choices, at most."""


def choices_made(space: gymnasium.Space[Any]) -> tuple[int, ...]:
    """How many there are of each of several choices that are made at once; empty for every other space."""
    return tuple(int(n) for n in space.nvec.ravel()) if isinstance(space, spaces.MultiDiscrete) else ()


def action_space(
    space: gymnasium.Space[Any], names: tuple[str, ...] = ()
) -> contract.Discrete | contract.Box | contract.MultiBinary:
    """An environment's action space as the contract's, with names for what may be done.

    Raises:
        DnnExplainError: another kind of space, or names that do not fit it.
    """
    if isinstance(space, spaces.MultiDiscrete):
        return contract.Discrete(_together(space, names))
    kinds: Mapping[type, str] = {spaces.Discrete: "action", spaces.Box: "number", spaces.MultiBinary: "switch"}
    word = next((word for kind, word in kinds.items() if isinstance(space, kind)), "")
    if not word:
        msg = (
            f"an action space of kind {type(space).__name__} is not supported; use Discrete, MultiDiscrete, Box or "
            "MultiBinary (gymnasium.wrappers.TransformAction puts an environment behind another space)"
        )
        raise DnnExplainError(msg)
    count = int(space.n) if isinstance(space, spaces.Discrete) else int(np.prod(space.shape or ()))
    if names and len(names) != count:
        msg = f"the environment has {counted(count, 'action')}, and {counted(len(names), 'name')} were given: {', '.join(names)}"
        raise DnnExplainError(msg)
    named = names or tuple(f"{word} {i}" for i in range(count))
    if isinstance(space, spaces.Discrete):
        return contract.Discrete(named)
    if isinstance(space, spaces.MultiBinary):
        return contract.MultiBinary(named)
    assert isinstance(space, spaces.Box)
    low, high = (tuple(np.asarray(end, dtype=float).ravel().tolist()) for end in (space.low, space.high))
    return contract.Box(named, low=low, high=high)


def _together(space: spaces.MultiDiscrete, names: tuple[str, ...]) -> tuple[str, ...]:
    """The name of each combination: of its parts, or as given.

    Raises:
        DnnExplainError: too many combinations, or names of another number.
    """
    sizes, starts = choices_made(space), space.start.ravel()
    count = math.prod(sizes)
    shown = " x ".join(map(str, sizes[:6])) + (" x ..." if len(sizes) > 6 else "")
    if count > _MOST:
        msg = (
            f"the environment makes {counted(len(sizes), 'choice')} at once, {shown}: {counted(count, 'combination')}, of which at most "
            f"{_MOST} are explained as one choice each; wrap it so that one choice is made at a time, or a number is set "
            "(gymnasium.wrappers.TransformAction with a Discrete or a Box)"
        )
        raise DnnExplainError(msg)
    if len(names) == count:
        return names
    if names and len(names) != sum(sizes):
        msg = (
            f"the environment makes {counted(len(sizes), 'choice')} at once, {shown}: give {counted(sum(sizes), 'name')}, of what each choice "
            f"is between, or {count}, of all combinations; {len(names)} were given"
        )
        raise DnnExplainError(msg)
    parts = _one_by_one(names, sizes) if names else []
    places = (np.unravel_index(index, sizes) for index in range(count))
    if parts:
        return tuple(", ".join(parts[i][at] for i, at in enumerate(place)) for place in places)
    return tuple("action " + ", ".join(str(int(a + s)) for a, s in zip(place, starts, strict=True)) for place in places)


def _one_by_one(items: Any, sizes: Sequence[int]) -> list[Any]:
    """What stands one after another for all choices, choice by choice."""
    ends = itertools.accumulate(sizes, initial=0)
    return [items[start:end] for start, end in itertools.pairwise(ends)]


def own_form(space: gymnasium.Space[Any], taken: Any) -> Any:
    """An action of the contract's space as the environment takes it."""
    if isinstance(space, spaces.Discrete):
        return int(space.start) + int(taken)
    if isinstance(space, spaces.MultiDiscrete):
        parts = np.array(np.unravel_index(int(taken), choices_made(space)))
        return (parts.reshape(space.shape) + space.start).astype(space.dtype)
    whole = np.issubdtype(space.dtype, np.integer)
    return (np.rint(taken) if whole else np.asarray(taken)).reshape(space.shape or ()).astype(space.dtype)


def allowed_together(space: gymnasium.Space[Any], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask of what an environment says as one of the contract's actions ``[A]``.

    Of several choices environments tell one after another what each may be; a combination is allowed if its parts are.
    """
    sizes = choices_made(space)
    if not sizes or len(mask) != sum(sizes):
        return mask
    allowed = np.ones((), dtype=bool)
    for part in _one_by_one(mask, sizes):
        allowed = np.logical_and.outer(allowed, part)
    return np.asarray(allowed.ravel())


def said_of_actions(space: gymnasium.Space[Any]) -> Sequence[str]:
    """What has to be said of actions that are whole numbers, or several choices at once."""
    if isinstance(space, spaces.MultiDiscrete):
        shown = " x ".join(map(str, choices_made(space)))
        return [
            f"The environment makes {counted(len(choices_made(space)), 'choice')} at once ({shown}): an action is a combination of them."
        ]
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.integer):
        return [
            f"The environment takes whole numbers ({space.dtype}): a network's number is played rounded to the nearest."
        ]
    return []


def sampling_mask(world: Any) -> Any:
    """What an environment says is allowed now, as its action space's own ``sample`` takes it; ``None`` if it says nothing."""
    said, space = getattr(world.unwrapped, "action_masks", None), world.action_space
    if said is None or isinstance(space, spaces.Box):
        return None
    mask = np.asarray(said(), dtype=np.int8).ravel()
    sizes = choices_made(space)
    if not sizes or len(mask) != sum(sizes) or len(space.shape) != 1:
        return None if sizes else mask
    return tuple(_one_by_one(mask, sizes))
