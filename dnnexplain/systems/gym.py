"""Any gymnasium environment as a system: its observation space gives the knobs, its episodes the workloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    Box,
    Choice,
    Discrete,
    DnnExplainError,
    Episodes,
    Judgement,
    Knob,
    MultiBinary,
    Policy,
    Relation,
    State,
    Target,
    state_from_values,
)
from dnnexplain.counts import counted
from dnnexplain.systems.gym_actions import action_space, choices_made, said_of_actions, sampling_mask
from dnnexplain.systems.gym_frames import Frames, framed, frames_seen
from dnnexplain.systems.gym_parts import FAR, Cells, OneHot, Part, flat, parts_of
from dnnexplain.systems.gym_steps import WithOptions, begin, finite, held_still, take
from dnnexplain.systems.gym_worlds import Episode, Worlds
from dnnexplain.systems.small_parts import MOST_SWITCHES, KnobFeatures, check_counts, tried_actions

__all__ = ["GymSystem"]

Values = NDArray[np.float64]
_TRIED = 2000
"""Steps of random episodes that give bounds where the space has none."""
_MOST_FUTURES = 4096


@dataclass(eq=False)
class Fixed:
    """A rule that always does the same."""

    name: str
    row: Values

    def outputs(self, observations: NDArray[Any]) -> Values:
        """The same outputs in every state ``[B, A]``."""
        return np.tile(self.row, (len(observations), 1))


class GymSystem:
    """A gymnasium environment, as it is registered or as an object.

    For example::

        world = GymSystem("CartPole-v1", knobs=("position", "speed", "angle", "turning"), actions=("left", "right"))

    A flat ``Box`` gives a knob for each number, ``Discrete`` parts one knob each (the network sees a cell for
    each choice), a picture a knob for each of up to 36 patches; ``Dict`` and ``Tuple`` are laid out one after
    another, as ``gymnasium.wrappers.FlattenObservation`` does. The cost of an episode is minus its return.

    Args:
        env: a name (``"CartPole-v1"``), an environment, or a function that makes one.
        knobs: names, or whole :class:`Knob`, in the order of the observation; derived from the space if not given.
        actions: names of the actions.
        steps: decisions in an episode, at most.
        horizon: decisions that the oracle looks ahead; 0 for no oracle.
        restore: puts a copied environment into the state that an observation shows, ``restore(env, observation)``.
            Without it the oracle knows states that this object met in episodes, which it plays again, and all others
            where the environment's attribute ``state`` is what is seen (tried on some steps before it is trusted).
        levels: into how many steps the oracle divides the range of a number; its losses are then estimates.
        options: what every ``reset`` of the environment is given.
        frames: observations that are shown at a time, as ``VecFrameStack`` of stable-baselines3 does: oldest first, zeros
            for those before an episode began.

    Attributes:
        choices_made: how many there are of each of several choices that are made at once (``MultiDiscrete``), whose
            combinations are the actions; empty elsewhere.
        assumed: what the environment leaves open, a sentence each; said in every result.
        choices_seen: the first cell, the number of cells and the lowest value of each choice in the observation.

    Raises:
        DnnExplainError: no such environment, a space that cannot be read, or names that do not fit.
    """

    cost_is_ratio = False
    cost_name = "minus the return"
    workload_names: Mapping[str, str] = {"episodes": "Episodes of the environment, one for each seed."}
    workload_knobs: tuple[Knob, ...] = ()

    def __init__(
        self,
        env: Any,
        knobs: Sequence[str | Knob] | None = None,
        *,
        actions: Sequence[str] = (),
        name: str | None = None,
        steps: int = 1000,
        horizon: int = 3,
        restore: Callable[[Any, NDArray[Any]], None] | None = None,
        levels: int = 5,
        options: Mapping[str, Any] | None = None,
        frames: int = 1,
    ) -> None:
        check_counts("GymSystem", steps=steps, horizon=horizon, levels=levels, frames=frames)
        self.env = _made(env) if options is None else WithOptions(_made(env), options)
        self.frames, self.pipeline = frames, frames_seen(frames)
        self.env = Frames(self.env, frames) if frames > 1 else self.env
        value = getattr(self.env.spec, "id", None) or type(self.env.unwrapped).__name__
        self.name = name or str(value)
        self.parameters: dict[str, Any] = {"environment": str(value), "steps": steps, "horizon": horizon}
        if options is not None:
            self.parameters["options"] = dict(options)
        if frames > 1:
            self.parameters["frames"] = frames
        self.steps, self.horizon, self.levels = steps, horizon, levels
        self._space = self.env.observation_space
        self.assumed: list[str] = held_still(self.env)
        self._parts = parts_of(self._space, "", self._tried() if _unbounded(self._space) else None)
        derived = [knob for part in self._parts for knob in part.knobs]
        if frames > 1 and isinstance(self._parts[0], Cells):
            derived, knobs = framed(derived, knobs, frames)
        self.knobs = _named(derived, knobs)
        self.groups = tuple(knob.group or knob.name for knob in self.knobs)
        picture = isinstance(self._space, spaces.Box) and len(self._space.shape) > 1
        wide = sum(part.size for part in self._parts)
        self.observation_shape: tuple[int, ...] = tuple(self._space.shape or ()) if picture else (wide,)
        self.cell_group = self._owners().reshape(self.observation_shape)
        self.groups = tuple(dict.fromkeys(self.groups))
        self.output = action_space(self.env.action_space, tuple(actions))
        self.choices_made = choices_made(self.env.action_space)
        self._low = np.array([knob.low for knob in self.knobs])
        self._high = np.array([knob.high for knob in self.knobs])
        self._worlds = Worlds(self.env, self.output, self._seen, restore)
        for ability in ("losses", "best_action") if isinstance(self.output, Discrete) else ("judge",):
            setattr(self, ability, None)  # a protocol's way of saying: not here
        self.choices_seen = tuple((at.start, p.size, p.start) for p, at in self._stretches() if isinstance(p, OneHot))
        self.assumed += said_of_actions(self.env.action_space)
        if getattr(self.env.unwrapped, "action_masks", None) is not None:
            self.assumed.append(
                "Which actions are valid is known in states met in episodes; elsewhere all are taken to be."
            )

    # --- one decision ---

    def encode(self, values: Values, background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Knob values ``[B, K]`` as observations; cells whose knob shows what ``background`` shows are kept."""
        values = np.asarray(values, dtype=np.float64)
        if background is None:
            return self._painted(values, None).reshape(-1, *self.observation_shape).astype(np.float32)
        ground = np.broadcast_to(
            np.asarray(background, dtype=np.float32).reshape(-1, self.cell_group.size),
            (len(values), self.cell_group.size),
        )
        kept = (values == self.decode(ground.reshape(-1, *self.observation_shape)))[:, self._owners(knobs=True)]
        seen = np.where(kept, ground, self._painted(values, ground.astype(np.float64)).astype(np.float32))
        return seen.reshape(-1, *self.observation_shape).astype(np.float32)

    def decode(self, observations: NDArray[Any]) -> Values:
        """Knob values ``[B, K]`` that observations show, within the knobs' bounds."""
        cells = np.asarray(observations, dtype=np.float64).reshape(len(observations), -1)
        return self.repair(np.concatenate([part.read(cells[:, at]) for part, at in self._stretches()], axis=1))

    def repair(self, values: Values) -> Values:
        """Every knob within its bounds and on its grid ``[B, K]``."""
        clip = np.clip(np.asarray(values, dtype=np.float64), self._low, self._high)
        for index, knob in enumerate(self.knobs):
            if knob.step is not None:
                steps = np.round((clip[:, index] - knob.low) / knob.step)
                clip[:, index] = np.minimum(knob.low + knob.step * steps, knob.high)
        return clip

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """Which actions are valid ``[B, A]``: what ``action_masks()`` said when the state was met, else all."""
        valid = np.ones((len(observations), len(self.output.names)), dtype=bool)
        for row, seen in enumerate(np.asarray(observations, dtype=np.float32)):
            mask = self._worlds.mask_met(seen)
            if mask is not None:
                valid[row] = mask
        return valid

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """``"all in the middle"``, ``"all lowest"``, and 64 ``"beginnings of episodes"``."""
        del state
        begun = np.stack([self._seen(begin(self.env, seed)) for seed in range(64)])
        return {
            "beginnings of episodes": begun,
            "all in the middle": self.encode(self.repair(((self._low + self._high) / 2)[None])),
            "all lowest": self.encode(self._low[None]),
        }

    def targets(self, state: State) -> Mapping[str, Target]:
        """None beside those that every output has."""
        del state
        return {}

    def rules(self) -> Mapping[str, Policy]:
        """Always the same action; of numbers, their middle; of switches, all off."""
        names = self.output.names
        if isinstance(self.output, Discrete):
            return {f"always {name}": Fixed(f"always {name}", np.eye(len(names))[i]) for i, name in enumerate(names)}
        if isinstance(self.env.action_space, spaces.Box):
            low, high = self.output.bounds  # type: ignore[union-attr]
            middle = np.where(np.isfinite(low + high), (low + high) / 2, 0.0)
            return {"always the middle": Fixed("always the middle", np.nan_to_num(middle))}
        return {"all off": Fixed("all off", -np.ones(len(names)))}

    def state_to_json(self, state: State) -> dict[str, Any]:
        """Values by knob, and the whole observation where it shows more than the knobs."""
        data: dict[str, Any] = {k.name: float(v) for k, v in zip(self.knobs, state.values, strict=True)}
        if state.background is not None and not np.array_equal(self.encode(state.values[None])[0], state.background):
            data["observation"] = np.asarray(state.background, dtype=float).ravel().tolist()
        return data

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse; knobs not named keep their defaults, or what the observation shows."""
        rest, base = dict(data), None
        cells = rest.pop("observation", None)
        for name, value in rest.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                msg = f"{name} must be a number, not {value!r}"
                raise DnnExplainError(msg)
        if cells is not None:
            seen = np.asarray(cells, dtype=np.float32)
            if seen.size != self.cell_group.size:
                msg = f"an observation of {self.name} has {self.cell_group.size} numbers, not {seen.size}"
                raise DnnExplainError(msg)
            seen = seen.reshape(self.observation_shape)
            base = State(self.decode(seen[None])[0], seen)
        return state_from_values(self, rest, base)

    def describe(self, state: State) -> str:
        """The first eight knobs with their values."""
        lines = [f"{k.name} {v:.3g} {k.unit}".strip() for k, v in zip(self.knobs[:8], state.values, strict=False)]
        more = len(self.knobs) - len(lines)
        return ", ".join(lines) + (f" and {more} more." if more else ".")

    # --- what is valid everywhere, for proofs (``contract.ChoicesOfKnobs``) ---

    joint_knobs: Sequence[tuple[str, ...]] = ()
    relations: Sequence[Relation] = ()

    def sure_actions(self, low: Values, high: Values) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """All actions are valid everywhere ``[A]`` twice; with an ``action_masks()`` none is for sure, and any may be."""
        del low, high
        masked = getattr(self.env.unwrapped, "action_masks", None) is not None
        return np.full(len(self.output.names), not masked), np.ones(len(self.output.names), dtype=bool)

    # --- the oracle ---

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """What each action costs at best over the next ``horizon`` decisions, in copies of the environment.

        Chance in a copy goes as it will go in the environment: the oracle knows the dice.

        Raises:
            DnnExplainError: no oracle: too many futures, a state that no copy can be put into, or an environment that
                cannot be copied.
        """
        del seconds
        cost = self._futures(state, self._tried_actions())
        loss = cost - np.nanmin(cost)
        best = tuple(int(index) for index in np.flatnonzero(loss <= 1e-9))
        unit = f"{self.cost_name} over the next {counted(self.horizon, 'decision')}, chance falling as it does"
        return Judgement(best, loss, exact=True, unit=unit)

    def losses(self, state: State, actions: NDArray[Any], *, seconds: float = 10.0) -> Values:
        """How much more given rates or sets ``[n, A]`` cost at best over ``horizon`` decisions than the best tried ``[n]``.

        Raises:
            DnnExplainError: as :meth:`judge`.
        """
        del seconds
        decisions = self.output.decide(self.output.as_outputs(np.asarray(actions)))
        cost = self._futures(state, decisions)
        return np.asarray(cost - min(np.nanmin(self._futures(state, self._tried_actions())), np.nanmin(cost)))

    def best_action(self, state: State, *, seconds: float = 10.0) -> NDArray[Any]:
        """The best of the rates or sets that the look-ahead tries ``[A]``."""
        del seconds
        tried = self._tried_actions()
        return np.asarray(tried[np.nanargmin(self._futures(state, tried))])

    @property
    def losses_exact(self) -> bool:
        """Whether all actions are tried: those of a choice and of up to six switches, not those of a number."""
        return isinstance(self.output, Discrete) or (
            isinstance(self.output, MultiBinary) and len(self.output.names) <= MOST_SWITCHES
        )

    def _tried_actions(self) -> NDArray[Any]:
        """The actions that the oracle tries, if there are not too many futures."""
        bounded = not isinstance(self.output, Box) or bool(np.isfinite(self.output.bounds).all())
        tried = tried_actions(self.output, self.levels) if bounded else np.zeros(0)
        if not self.horizon >= 1 or not bounded or len(tried) ** self.horizon > _MOST_FUTURES:
            number = f"{counted(len(tried), 'action')}" if bounded else "actions without bounds"
            msg = (
                f"{self.name} has no oracle: it looks {counted(self.horizon, 'decision')} ahead among {number}, and needs "
                f"bounds and at most {_MOST_FUTURES} futures; write GymSystem(env, horizon=2)"
            )
            raise DnnExplainError(msg)
        return tried

    def _futures(self, state: State, first: NDArray[Any]) -> Values:
        """Least cost of the next ``horizon`` decisions after each of some actions ``[C]``; NaN where not allowed."""
        seen = self.encode(state.values[None], state.background)[0]
        tried = self._tried_actions()
        begun = self._worlds.at(seen, self.name)
        if self._worlds.restored_by and self._worlds.restored_by not in self.assumed:
            self.assumed.append(self._worlds.restored_by)
        return self._worlds.cheapest(begun, first, tried, self.horizon)

    # --- whole episodes ---

    @property
    def features(self) -> KnobFeatures:
        """What distilled rules may speak of: the knobs."""
        return KnobFeatures(self)

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[Episode]:
        """``count`` episodes, each with a seed of its own."""
        if name not in self.workload_names:
            raise Choice("workload", name, tuple(self.workload_names)).error()
        if parameters:
            raise Choice("workload parameter", next(iter(parameters)), ()).error()
        return [Episode((seed * 1_000_003 + index) % 2**31) for index in range(count)]

    def run(self, policy: Policy, workloads: Sequence[Episode], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Minus the return of each episode ``[W]``."""
        cost = np.zeros(len(workloads))
        for met in self._worlds.walk(policy, workloads, seed if sample else None, self.steps):
            cost[met.row] -= finite(met.reward, self.env)
        return Episodes(policy.name, cost, self.cost_name, {}, seed)

    def visit(
        self, policy: Policy, workloads: Sequence[Episode], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every observation that a policy meets and its workload ``[N]``, workload after workload."""
        del seed
        met = sorted(self._worlds.walk(policy, workloads, None, self.steps), key=lambda item: item.row)
        return np.stack([item.seen for item in met]), np.array([item.row for item in met], dtype=np.int64)

    def bound(self, workload: Episode, *, seconds: float = 10.0) -> Bound:
        """Nothing is known of a whole episode's optimum; see :meth:`judge` for the next decisions."""
        del workload, seconds
        return Bound(-np.inf, np.inf, "unknown")

    # --- the environment ---

    def _seen(self, observation: Any) -> NDArray[np.float32]:
        return self._flat(observation, self.observation_shape).astype(np.float32)

    def _flat(self, observation: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
        try:
            return flat(self._space, observation).reshape(shape)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            given = getattr(observation, "shape", type(observation).__name__)
            msg = f"{self.name} shows an observation ({given}) that is not of its own observation_space, {self._space}"
            raise DnnExplainError(msg) from error

    # --- knobs ---

    def _stretches(self) -> Iterator[tuple[Part, slice]]:
        at = 0
        for part in self._parts:
            yield part, slice(at, at + part.size)
            at += part.size

    def _painted(self, values: Values, ground: Values | None) -> Values:
        cells, first = [], 0
        for part, at in self._stretches():
            mine = values[:, first : first + len(part.knobs)]
            cells.append(part.paint(mine, None if ground is None else ground[:, at]))
            first += len(part.knobs)
        return np.concatenate(cells, axis=1)

    def _owners(self, *, knobs: bool = False) -> NDArray[np.int64]:
        """The group (or with ``knobs`` the knob) of each cell of the flattened observation."""
        owners, first = [], 0
        for part in self._parts:
            owners.append(part.owners + first)
            first += len(part.knobs)
        each = np.concatenate(owners)
        if knobs:
            return each
        distinct = tuple(dict.fromkeys(self.groups))
        return np.array([distinct.index(self.groups[i]) for i in each], dtype=np.int64)

    def _tried(self) -> Values:
        """Observations of random episodes, which give bounds where the space has none."""
        self.assumed.append(f"Knobs without bounds range over what {_TRIED} random steps showed, and a quarter more.")
        self.env.action_space.seed(0)
        observation = begin(self.env, 0)
        seen, shape = [], (spaces.flatdim(self._space),)
        for _ in range(_TRIED):
            seen.append(self._flat(observation, shape))
            action = self.env.action_space.sample(sampling_mask(self.env))
            observation, _, ended, cut = take(self.env, action)
            if ended or cut:
                observation = begin(self.env)
        return np.stack(seen)


def _made(env: Any) -> Any:
    if isinstance(env, str):
        try:
            return gymnasium.make(env)
        except (gymnasium.error.Error, ImportError) as error:
            hint = "import the package that registers it or name it too (package:Id-v0), or give the environment itself"
            msg = f"gymnasium makes no environment {env!r}: {str(error).rstrip('.')}; {hint}"
            raise DnnExplainError(msg) from None
    made = env() if callable(env) and not isinstance(env, gymnasium.Env) else env
    if not isinstance(made, gymnasium.Env):
        msg = (
            f"GymSystem takes the name of an environment, an environment or a function that makes one, not a "
            f"{type(made).__name__}; of a vectorised environment, give a single one"
        )
        raise DnnExplainError(msg)
    return made


def _unbounded(space: Any) -> bool:
    if isinstance(space, spaces.Dict | spaces.Tuple):
        return any(_unbounded(item) for item in (space.values() if isinstance(space, spaces.Dict) else space.spaces))
    return isinstance(space, spaces.Box) and bool(max(np.abs(space.low).max(), np.abs(space.high).max()) > FAR)


def _named(knobs: list[Knob], given: Sequence[str | Knob] | None) -> tuple[Knob, ...]:
    """Derived knobs under the names that were given, or given knobs in their place."""
    if given is None:
        return tuple(knobs)
    if len(given) != len(knobs):
        names = ", ".join(knob.name for knob in knobs[:8])
        msg = f"the observation has {counted(len(knobs), 'knob')} ({names}), and {len(given)} were named; name each, in that order"
        raise DnnExplainError(msg)
    return tuple(replace(k, name=item) if isinstance(item, str) else item for k, item in zip(knobs, given, strict=True))
