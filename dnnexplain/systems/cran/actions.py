"""What a decision does to the heads: one toggle per slot, or any set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Discrete, MultiBinary, Space
from dnnexplain.systems.cran.power import set_of
from dnnexplain.systems.cran.scene import Scene

__all__ = ["ACTIONS", "action_space", "after"]

ACTIONS = ("toggle", "set")
"""One head or none per slot, as published; or all heads at once."""


def action_space(scene: Scene, action: str) -> Space:
    """What a policy may do: ``no change``, ``toggle head 1``, ...; or a switch per head."""
    heads = tuple(f"head {head + 1}" for head in range(scene.heads))
    if action != "toggle":
        return MultiBinary(heads)
    toggles = tuple(f"toggle {head}" for head in heads)
    return Discrete(("no change", *toggles), verbs={"no change": "change nothing", **{name: name for name in toggles}})


def after(space: Space, awake: NDArray[np.int64], actions: NDArray[Any]) -> NDArray[np.int64]:
    """The sets ``[B]``, as bits, after actions of the space in sets ``[B]``."""
    if isinstance(space, MultiBinary):
        return np.asarray(set_of(actions), dtype=np.int64)
    return np.where(actions > 0, awake ^ (1 << np.maximum(actions - 1, 0)), awake)
