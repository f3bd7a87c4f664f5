"""Asking an environment, which is a stranger's program: what it does wrong is said in a sentence that names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["Step", "WithOptions", "begin", "finite", "held_still", "take"]


class Step(NamedTuple):
    """What an environment answers to an action."""

    seen: Any
    reward: float
    ended: bool
    cut: bool


class WithOptions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose every reset is given the same options."""

    def __init__(self, env: Any, options: Mapping[str, Any]) -> None:
        super().__init__(env)
        self.options = dict(options)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """The environment's own, with these options."""
        return self.env.reset(seed=seed, options={**self.options, **(options or {})})


def held_still(world: Any) -> list[str]:
    """Let no wrapper learn on while the environment is looked at; what has to be said of that.

    ``NormalizeObservation`` and ``NormalizeReward`` move their mean and variance with every step that is taken.
    """
    still = []
    while isinstance(world, gymnasium.Wrapper):
        if getattr(world, "update_running_mean", False):
            world.update_running_mean = False  # type: ignore[attr-defined]
            still.append(type(world).__name__)
        world = world.env
    return [
        f"The statistics of the environment's {name} are those that it has now: they move no further." for name in still
    ]


def begin(world: Any, seed: int | None = None) -> Any:
    """The first observation of an episode.

    Raises:
        DnnExplainError: the environment's ``reset`` failed, or gives something else than (observation, info).
    """
    try:
        answer = world.reset(seed=seed)
    except DnnExplainError:
        raise
    except Exception as error:
        hint = "; what its reset needs is given by GymSystem(env, options={...})" if isinstance(error, KeyError) else ""
        raise _failed(world, f"reset(seed={seed})", error, hint) from error
    if not isinstance(answer, tuple) or len(answer) != 2:
        msg = f"{_name(world)}: its reset gives a {type(answer).__name__} and not (observation, info); {_OLD}"
        raise DnnExplainError(msg)
    return answer[0]


def take(world: Any, action: Any) -> Step:
    """One step; the reward is one number, perhaps NaN.

    Raises:
        DnnExplainError: the environment's ``step`` failed, or does not give the five things that it should.
    """
    try:
        answer = world.step(action)
    except DnnExplainError:
        raise
    except Exception as error:
        hint = "; actions that are not always allowed are told by a method action_masks() of the environment"
        raise _failed(world, f"step({action!r})", error, hint) from error
    count = len(answer) if isinstance(answer, tuple) else 1
    if count != 5:
        msg = f"{_name(world)}: its step gives {counted(count, 'thing')}, not observation, reward, terminated, truncated, info; {_OLD}"
        raise DnnExplainError(msg)
    try:
        paid = np.asarray(answer[1], dtype=np.float64).ravel()
    except (TypeError, ValueError):
        paid = np.zeros(0)
    if paid.size != 1:
        msg = f"{_name(world)}: its step pays {answer[1]!r}, a reward must be one number; add up what it consists of"
        raise DnnExplainError(msg)
    return Step(answer[0], float(paid[0]), bool(answer[2]), bool(answer[3]))


def finite(reward: float, world: Any) -> float:
    """A reward that can be added up.

    Raises:
        DnnExplainError: NaN or infinite.
    """
    if not np.isfinite(reward):
        msg = f"{_name(world)} paid a reward of {reward:g}, so that an episode's cost is no number; pay numbers, a large loss for infinity"
        raise DnnExplainError(msg)
    return reward


_OLD = "it is written for an older gym: wrap it so that it does as gymnasium.Env says"


def _name(world: Any) -> str:
    return str(getattr(getattr(world, "spec", None), "id", None) or type(world.unwrapped).__name__)


def _failed(world: Any, call: str, error: Exception, hint: str) -> DnnExplainError:
    why = " ".join(str(error).split())[:160]
    return DnnExplainError(f"{_name(world)}: the environment's own {call} failed: {type(error).__name__}: {why}{hint}")
