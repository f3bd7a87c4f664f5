"""Several observations at a time: what ``VecFrameStack`` of stable-baselines3 shows an agent, of one environment."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob

__all__ = ["Frames", "framed", "frames_seen"]

_BYTE = 255


class Frames(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that shows its last ``count`` observations, oldest first, and zeros for those before it began.

    They stand one after another along the last axis; along the first of a picture of bytes whose channels come first.

    Args:
        env: shows a ``Box``.
        count: observations that are shown at a time.

    Raises:
        DnnExplainError: it shows something else than a ``Box``.
    """

    def __init__(self, env: Any, count: int) -> None:
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, spaces.Box) or not space.shape:
            msg = (
                f"frames={count}: observations that are arrays of numbers can be laid one after another, and this environment shows a "
                f"{type(space).__name__}; wrap it first in gymnasium.wrappers.FlattenObservation"
            )
            raise DnnExplainError(msg)
        self.count, self.axis = count, 0 if _channels_first(space) else -1
        low, high = (np.concatenate([end] * count, axis=self.axis) for end in (space.low, space.high))
        self.observation_space = spaces.Box(low, high, dtype=space.dtype.type)
        self._seen: deque[NDArray[Any]] = deque(maxlen=count)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """The environment's own, behind zeros."""
        seen, info = self.env.reset(seed=seed, options=options)
        self._seen.extend([np.zeros_like(np.asarray(seen))] * self.count)
        return self._with(seen), info

    def step(self, action: Any) -> Any:
        """The environment's own, behind those before it."""
        seen, *rest = self.env.step(action)
        return self._with(seen), *rest

    def _with(self, seen: Any) -> NDArray[Any]:
        self._seen.append(np.asarray(seen))
        return np.concatenate(list(self._seen), axis=self.axis)


def _channels_first(space: spaces.Box) -> bool:
    """Whether it is a picture of bytes, as the package tells them, whose shortest axis is the first."""
    shape = space.shape
    picture = len(shape) == 3 and space.dtype == np.uint8 and (space.low == 0).all() and (space.high == _BYTE).all()
    return bool(picture and int(np.argmin(shape)) == 0)


def frames_seen(count: int) -> str:
    """What a state shows, in words; empty for one observation at a time."""
    return (
        f"the last {count} observations, oldest first, and zeros for those before an episode began" if count > 1 else ""
    )


def framed(knobs: Sequence[Knob], given: Sequence[str | Knob] | None, count: int) -> tuple[list[Knob], Any]:
    """Knobs of ``count`` flat observations, named by those of one and how long ago it was; and what is left to name.

    Args:
        knobs: of all observations, derived from the space.
        given: the user's names: of one observation, of all, or none.
        count: observations.
    """
    each = len(knobs) // count
    names = [knob.name for knob in knobs[:each]]
    if given is not None and len(given) == each:
        names, given = [item if isinstance(item, str) else item.name for item in given], None
    elif given is not None:
        return list(knobs), given
    ago = [f", {back} before" if back else "" for back in range(count - 1, -1, -1)]
    return [replace(knob, name=names[at % each] + ago[at // each]) for at, knob in enumerate(knobs)], given
