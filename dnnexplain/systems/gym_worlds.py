"""Copies of a gymnasium environment: many that go side by side, and one that is put into a state that was seen."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, Space, in_episodes
from dnnexplain.systems.gym_actions import allowed_together, own_form, sampling_mask
from dnnexplain.systems.gym_steps import begin, finite, take
from dnnexplain.systems.small_parts import possible

__all__ = ["Episode", "Met", "Worlds"]

_TOGETHER = 64
"""Episodes that go side by side, each in a copy of the environment."""
_REMEMBERED = 50_000
_TRIALS = 24
"""Steps on which an environment's attribute ``state`` is tried before it is trusted."""
_NEAR = 1e-4
_APART = 8
"""Steps by which it is seen whether a copy goes its own way."""


@dataclass(frozen=True)
class Episode:
    """A workload: the seed with which the environment is reset."""

    seed: int


@dataclass(frozen=True, eq=False)
class Moment:
    """How a state was reached, by the first ``count`` of an episode's actions, and what was allowed in it ``[A]``."""

    seed: int
    actions: list[Any]
    count: int
    mask: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Met:
    """A step of an episode: its row among the workloads, what was seen, what it paid."""

    row: int
    seen: NDArray[np.float32]
    reward: float


class Worlds:
    """An environment, its copies, and how the states were reached that episodes met.

    Args:
        env: the environment.
        output: the space of decisions.
        see: an observation of the environment as the network sees it.
        restore: puts an environment into the state that an observation shows, ``restore(env, observation)``.

    Attributes:
        restored_by: how a state that no episode met is restored, as a sentence; empty where it is not.
    """

    def __init__(
        self,
        env: Any,
        output: Space,
        see: Callable[[Any], NDArray[np.float32]],
        restore: Callable[[Any, NDArray[Any]], None] | None,
    ) -> None:
        self.env, self.output, self.see = env, output, see
        self.restored_by = ""
        self._restore, self._given = restore, restore is not None
        self._tried = self._given
        self._met: dict[bytes, Moment] = {}

    # --- episodes ---

    def walk(self, policy: Policy, workloads: Sequence[Episode], seed: int | None, steps: int) -> Iterator[Met]:
        """Every step of every episode, episode after episode in one world or side by side in copies of it.

        Args:
            policy: decides.
            workloads: the episodes.
            seed: of drawn actions; None for the most likely ones.
            steps: of an episode, at most.
        """
        worlds = self._copies(min(len(workloads), _TOGETHER))
        for first in range(0, len(workloads), len(worlds)):
            rows = range(first, min(first + len(worlds), len(workloads)))
            yield from self._together(worlds, policy, {row: workloads[row] for row in rows}, seed, steps)

    def _copies(self, count: int) -> list[Any]:
        """The environment itself, and copies of it where it can be copied and each goes its own way."""
        try:
            if count > 1 and not self.apart:
                return [self.env]
            return [self.env, *(copy.deepcopy(self.env) for _ in range(count - 1))]
        except Exception:  # noqa: BLE001 - whatever a foreign environment says: it then goes alone
            return [self.env]

    @cached_property
    def apart(self) -> bool:
        """Whether a copy goes as the environment goes, whatever others do: tried once, as some copy but a handle."""
        actions = copy.deepcopy(self.env.action_space)
        actions.seed(0)

        def drawn(world: Any) -> Any:
            return actions.sample(sampling_mask(world))

        first, other = copy.deepcopy(self.env), copy.deepcopy(self.env)
        begin(first, 0)
        twin = copy.deepcopy(first)
        alone: list[tuple[Any, tuple[bytes, float | None, bool]]] = []
        while len(alone) < _APART and not (alone and alone[-1][1][2]):
            action = drawn(first)
            alone.append((action, self._after(first, action)))
        begin(other, 1)
        for action, was in alone:
            if self._after(twin, action) != was:
                return False
            if self._after(other, drawn(other))[2]:
                begin(other)
        return True

    def _after(self, world: Any, action: Any) -> tuple[bytes, float | None, bool]:
        step = take(world, action)
        paid = None if np.isnan(step.reward) else step.reward  # which differs from itself
        return self.see(step.seen).tobytes(), paid, step.ended or step.cut

    def _together(
        self, worlds: Sequence[Any], policy: Policy, begun: dict[int, Episode], seed: int | None, steps: int
    ) -> Iterator[Met]:
        world = dict(zip(begun, worlds, strict=False))
        seen = {row: self.see(begin(world[row], item.seed)) for row, item in begun.items()}
        done: dict[int, list[Any]] = {row: [] for row in begun}
        course, place = in_episodes(policy, len(begun)), {row: at for at, row in enumerate(begun)}
        draws = {} if seed is None else {row: np.random.default_rng((seed, item.seed)) for row, item in begun.items()}
        for _ in range(steps):
            masks = {row: self.mask(world[row]) for row in seen}
            self._remember(seen, begun, done, masks)
            outputs = course.outputs(np.stack(list(seen.values())), np.array([place[row] for row in seen]))
            actions = self._decided(outputs, seen, masks, draws)
            going = {}
            for row, action in actions.items():
                done[row].append(self.action(action))
                step = take(world[row], done[row][-1])
                yield Met(row, seen[row], step.reward)
                if not (step.ended or step.cut):
                    going[row] = self.see(step.seen)
            seen = going
            if not seen:
                return

    def _decided(
        self,
        outputs: NDArray[np.float64],
        seen: dict[int, NDArray[np.float32]],
        masks: dict[int, NDArray[np.bool_] | None],
        draws: dict[int, np.random.Generator],
    ) -> dict[int, Any]:
        every = np.ones(len(self.output.names), dtype=bool)
        valid = None
        if any(mask is not None for mask in masks.values()):
            valid = np.stack([every if mask is None else mask for mask in masks.values()])
        if not draws:
            return dict(zip(seen, self.output.decide(outputs, valid), strict=True))
        each = [None if valid is None else valid[place : place + 1] for place in range(len(seen))]
        return {
            row: self.output.draw(outputs[place : place + 1], each[place], draws[row])[0]
            for place, row in enumerate(seen)
        }

    def _remember(
        self,
        seen: dict[int, NDArray[np.float32]],
        begun: dict[int, Episode],
        done: dict[int, list[Any]],
        masks: dict[int, NDArray[np.bool_] | None],
    ) -> None:
        for row, item in seen.items():
            if len(self._met) < _REMEMBERED:
                self._met[item.tobytes()] = Moment(begun[row].seed, done[row], len(done[row]), masks[row])

    # --- one state ---

    def mask(self, world: Any) -> NDArray[np.bool_] | None:
        """What ``action_masks()`` says now ``[A]``, if the environment has it."""
        said = getattr(world.unwrapped, "action_masks", None)
        if said is None:
            return None
        return allowed_together(self.env.action_space, np.asarray(said(), dtype=bool).ravel())

    def mask_met(self, seen: NDArray[np.float32]) -> NDArray[np.bool_] | None:
        """What was allowed when a state was met ``[A]``, if it was."""
        met = self._met.get(np.asarray(seen, dtype=np.float32).tobytes())
        return None if met is None else met.mask

    def action(self, taken: Any) -> Any:
        """An action in the environment's own form."""
        return own_form(self.env.action_space, taken)

    def at(self, seen: NDArray[np.float32], name: str) -> Any:
        """A copy of the environment in the state that an observation shows.

        Raises:
            DnnExplainError: it cannot be copied, or nothing says how to come to that state.
        """
        try:
            world, apart = copy.deepcopy(self.env), self.apart
        except DnnExplainError:  # a step or a reset failed, and says so
            raise
        except Exception as error:
            msg = f"{name} has no oracle, for its environment cannot be copied: {error}"
            raise DnnExplainError(msg) from error
        if not apart:
            msg = (
                f"{name} has no oracle, for a copy of its environment does not go as the environment goes: both move one "
                "simulator, or chance comes from elsewhere than the environment's own np_random"
            )
            raise DnnExplainError(msg)
        met = self._met.get(np.asarray(seen, dtype=np.float32).tobytes())
        if met is not None and not self._given:
            begin(world, met.seed)
            for action in met.actions[: met.count]:
                take(world, action)
            return world
        if not self._tried:
            self._tried = True
            self._restore = self._by_attribute()
        if self._restore is None:
            msg = (
                f"{name} has no oracle for this state: it was met in no episode, and nothing says how to put the "
                "environment into it; give GymSystem(env, restore=function of (env, observation))"
            )
            raise DnnExplainError(msg)
        begin(world, 0)
        self._restore(world, seen)
        return world

    def _by_attribute(self) -> Callable[[Any, NDArray[Any]], None] | None:
        """A way to restore by the environment's attribute ``state``, where that is what it shows: tried on an episode."""
        try:
            world = copy.deepcopy(self.env)
            world.action_space.seed(0)
            seen = self.see(world.reset(seed=0)[0])
            for _ in range(_TRIALS):
                other = copy.deepcopy(self.env)
                other.reset(seed=1)
                _put(other, seen)
                action = world.action_space.sample(sampling_mask(world))
                after, reward, ended, cut, _ = world.step(action)
                there, paid, over, _, _ = other.step(action)
                same = np.allclose(self.see(after), self.see(there), atol=_NEAR) and abs(reward - paid) <= _NEAR
                if not same or bool(ended) != bool(over):
                    return None
                seen = self.see(world.reset()[0]) if ended or cut else self.see(after)
        except Exception:  # noqa: BLE001 - whatever a foreign environment says: it has no such attribute
            return None
        self.restored_by = (
            "States that no episode met are put into the environment by its attribute 'state', which went on as the "
            f"environment did in {_TRIALS} steps."
        )
        return _put

    def cheapest(self, begun: Any, first: NDArray[Any], tried: NDArray[Any], depth: int) -> NDArray[np.float64]:
        """What each of some actions and the best ``depth - 1`` decisions after it cost ``[C]``; NaN where not allowed.

        Args:
            begun: a world in the state.
            first: the actions asked about ``[C]`` or ``[C, A]``.
            tried: the actions that are tried in each later step.
            depth: decisions in all.
        """
        mask = self.mask(begun)
        allowed = np.ones(len(self.output.names), dtype=bool) if mask is None else mask
        able = possible(self.output, allowed[None], first)[0]
        return np.array(
            [self._cost(begun, item, tried, depth) if may else np.nan for item, may in zip(first, able, strict=True)]
        )

    def _cost(self, begun: Any, action: Any, tried: NDArray[Any], depth: int) -> float:
        world = copy.deepcopy(begun)
        _, reward, ended, cut = take(world, self.action(action))
        reward = finite(reward, world)
        if depth == 1 or ended or cut:
            return -float(reward)
        return -float(reward) + float(np.nanmin(self.cheapest(world, tried, tried, depth - 1)))


def _put(world: Any, seen: NDArray[Any]) -> None:
    """Set the attribute ``state`` of an environment that shows it."""
    inner = world.unwrapped
    before = inner.state
    if np.shape(before) != np.shape(seen):
        msg = "the state is not what is seen"
        raise ValueError(msg)
    there = np.asarray(seen, dtype=np.float64)
    inner.state = tuple(there.tolist()) if isinstance(before, tuple) else there.astype(np.asarray(before).dtype)
