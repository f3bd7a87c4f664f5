"""Two tiny systems with closed forms, on which every generic part is tested.

:class:`FakeSystem`: a vehicle with two continuous knobs and two continuous outputs; its episodes are a
linear-quadratic problem, so the optimum is known. :class:`FakeChoice`: two queues, an integer grid of 24
states, three actions and a picture; its oracle is dynamic programming over the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Bound,
    Box,
    Discrete,
    DnnExplainError,
    Episodes,
    Handle,
    Judgement,
    Knob,
    Pane,
    Policy,
    State,
    Target,
    TargetKind,
    state_from_values,
)

__all__ = ["FakeChoice", "FakeRule", "FakeSystem", "linear_network"]


@dataclass
class FakeRule:
    """A policy that is a function of the knob values ``[B, K]``."""

    name: str
    decode: Callable[[NDArray[Any]], NDArray[np.float64]]
    act: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(self.act(self.decode(observations)), dtype=np.float64)


def linear_network(system: Any, weights: NDArray[Any] | None = None, bias: NDArray[Any] | None = None) -> Any:
    """Flatten and one dense layer: weights ``[A, n]`` given, or drawn from seed 0."""
    import torch
    from torch import nn

    inputs, count = int(np.prod(system.observation_shape)), len(system.output.names)
    drawn = np.random.default_rng(0).normal(size=(count, inputs)) if weights is None else np.asarray(weights)
    layer = nn.Linear(inputs, count)
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(drawn))
        layer.bias.copy_(torch.as_tensor(np.zeros(count) if bias is None else bias))
    return nn.Sequential(nn.Flatten(), layer)


class _Named:
    """What both fakes share: states as JSON and words."""

    name: str
    knobs: tuple[Knob, ...]
    observation_shape: tuple[int, ...]

    def state_to_json(self, state: State) -> dict[str, Any]:
        return {knob.name: float(value) for knob, value in zip(self.knobs, state.values, strict=True)}

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        for name, value in data.items():
            if not isinstance(value, int | float):
                msg = f"{name} must be a number, not {value!r}"
                raise DnnExplainError(msg)
        return state_from_values(self, data)  # type: ignore[arg-type]

    def describe(self, state: State) -> str:
        parts = [f"{knob.name} {value:.3g} {knob.unit}" for knob, value in zip(self.knobs, state.values, strict=True)]
        return " and ".join(parts) + "."

    def _canvas(self, values: NDArray[np.float64], background: NDArray[Any] | None) -> NDArray[np.float32]:
        canvas = np.zeros((len(values), *self.observation_shape), dtype=np.float32)
        if background is not None:
            canvas[:] = background
        return canvas


class FakeSystem(_Named):
    """A vehicle that is to come to rest on its line: steer and brake as continuous outputs.

    The observation ``[2, 2]`` is ``[[angle, speed / 10], [wind, 1]]``; the wind is what the knobs leave
    open (background, 0 without one) and changes nothing. Valid states keep ``speed <= 10 - 4 |angle|``.

    Episodes: with ``x = (angle, speed / 10)`` and outputs ``u``, ``x <- x - u`` for ``steps`` steps at the
    cost ``sum(x_t**2 + u_t**2) + x_T**2``. The optimum is ``P_0 |x_0|**2`` with ``P_T = 1`` and
    ``P_t = 1 + P_{t+1} / (1 + P_{t+1})`` (Riccati).
    """

    name = "fake-vehicle"
    knobs = (
        Knob("angle", "rad", -1.0, 1.0, step=None, group="angle", default=0.2),
        Knob("speed", "m/s", 0.0, 10.0, step=None, group="speed", default=5.0),
    )
    observation_shape = (2, 2)
    groups = ("angle", "speed", "surroundings")
    cell_group = np.array([[0, 1], [2, 2]], dtype=np.int64)
    output = Box(("steer", "brake"), "")
    cost_name = "control cost"

    def __init__(self, steps: int = 4) -> None:
        self.steps = steps
        self.parameters = {"steps": steps}

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        canvas = self._canvas(values, background)
        canvas[:, 0, 0] = values[:, 0]
        canvas[:, 0, 1] = values[:, 1] / 10.0
        canvas[:, 1, 1] = 1.0
        return canvas

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        cells = np.asarray(observations, dtype=np.float64)
        return np.stack([cells[:, 0, 0], cells[:, 0, 1] * 10.0], axis=1)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = np.clip(values[:, 0], -1.0, 1.0)
        speed = np.clip(values[:, 1], 0.0, 10.0 - 4.0 * np.abs(angle))
        return np.stack([angle, speed], axis=1)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        return np.ones((len(observations), len(self.output.names)), dtype=bool)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        corners = np.array([[-1.0, 0.0], [1.0, 0.0], [-1.0, 6.0], [1.0, 6.0]])
        return {"at rest": self.encode(np.zeros((1, 2)), state.background), "corners": self.encode(corners)}

    def targets(self, state: State) -> Mapping[str, Target]:
        del state
        return {"effort": Target("effort", TargetKind.VALUE, lambda outputs, _: (outputs**2).sum(1))}

    def rules(self) -> Mapping[str, Policy]:
        scale = np.array([1.0, 10.0])
        return {
            "half": FakeRule("half", self.decode, lambda values: 0.5 * values / scale),
            "idle": FakeRule("idle", self.decode, lambda values: 0.0 * values),
        }

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[NDArray[np.float64]]:
        """Start states ``[2]``: ``"calm"`` within a tenth of the bounds, ``"wild"`` within all of them."""
        spread = parameters.get("spread", {"calm": 0.1, "wild": 1.0}[name])
        rng = np.random.default_rng(seed)
        drawn = rng.uniform([-spread, 0.0], [spread, 10.0 * spread], size=(count, 2))
        return list(self.repair(drawn))

    def run(self, policy: Policy, workloads: Sequence[Any], *, seed: int = 0, sample: bool = False) -> Episodes:
        del sample  # nothing is drawn from a vector output
        scale = np.array([1.0, 10.0])
        x = np.stack(list(workloads)) / scale
        cost, effort = np.zeros(len(x)), np.zeros(len(x))
        for _ in range(self.steps):
            u = policy.outputs(self.encode(x * scale))
            cost += (x**2).sum(1) + (u**2).sum(1)
            effort += (u**2).sum(1)
            x = x - u
        cost += (x**2).sum(1)
        return Episodes(policy.name, cost, self.cost_name, {"effort": effort}, seed)

    def bound(self, workload: Any, *, seconds: float = 10.0) -> Bound:
        del seconds
        weight = 1.0
        for _ in range(self.steps):
            weight = 1.0 + weight / (1.0 + weight)
        optimum = weight * float(((np.asarray(workload) / np.array([1.0, 10.0])) ** 2).sum())
        return Bound(optimum, optimum, "optimal")


class FakeChoice(_Named):
    """Two queues of cars before one gate: let two of the left or one of the right pass, or wait.

    The observation is a picture of 5 rows and 7 columns: the left queue fills rows from the top (columns
    0-2), the right queue fills columns from the left (3-5), column 6 is background. A step costs the
    number of cars that stand before it; an episode ends when both queues are empty, and after
    ``max_steps`` every car left is charged ``max_steps`` more.
    """

    name = "fake-gate"
    knobs = (
        Knob("left queue", "cars", 0, 5, group="left", default=2),
        Knob("right queue", "cars", 0, 3, group="right", default=1),
    )
    observation_shape = (5, 7)
    groups = ("left", "right", "background")
    cell_group = np.repeat(np.array([[0, 0, 0, 1, 1, 1, 2]], dtype=np.int64), 5, axis=0)
    output = Discrete(("left", "right", "wait"))
    panes = (
        Pane("Left queue", 0, 3, 0, 0, (Handle("left queue", "down"),), colour=0),
        Pane("Right queue", 3, 3, 0, 1, (Handle("right queue", "right"),), colour=1),
        Pane("Weather", 6, 1, 0, 2, note="changes nothing"),
    )
    cost_name = "waiting, car steps"

    def __init__(self, max_steps: int = 50) -> None:
        self.max_steps = max_steps
        self.parameters = {"max_steps": max_steps}

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        canvas = self._canvas(values, background)
        canvas[:, :, 0:3] = (np.arange(5)[None] < values[:, :1])[:, :, None]
        canvas[:, :, 3:6] = (np.arange(3)[None] < values[:, 1:2])[:, None, :]
        return canvas

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        cells = np.asarray(observations, dtype=np.float64)
        return np.stack([cells[:, :, 0].sum(1), cells[:, 0, 3:6].sum(1)], axis=1)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(np.round(values), [0, 0], [5, 3]).astype(np.float64)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        cars = self.decode(observations) > 0
        return np.concatenate([cars, np.ones((len(cars), 1), dtype=bool)], axis=1)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        every = np.array([[left, right] for left in range(6) for right in range(4)], dtype=np.float64)
        return {"empty": self.encode(np.zeros((1, 2)), state.background), "every state": self.encode(every)}

    def targets(self, state: State) -> Mapping[str, Target]:
        del state
        return {}

    def rules(self) -> Mapping[str, Policy]:
        def longest(values: NDArray[np.float64]) -> NDArray[np.float64]:
            left = (values[:, 0] >= values[:, 1]) & (values[:, 0] > 0)
            right = ~left & (values[:, 1] > 0)
            return np.stack([left, right, ~left & ~right], axis=1).astype(np.float64)

        def right_first(values: NDArray[np.float64]) -> NDArray[np.float64]:
            right = values[:, 1] > 0
            left = ~right & (values[:, 0] > 0)
            return np.stack([left, right, ~left & ~right], axis=1).astype(np.float64)

        rules = {"longest": longest, "right first": right_first}
        return {name: FakeRule(name, self.decode, act) for name, act in rules.items()}

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[NDArray[np.float64]]:
        """Start states ``[2]``, all equally likely."""
        del name, parameters
        return list(np.random.default_rng(seed).integers([0, 0], [6, 4], size=(count, 2)).astype(np.float64))

    def run(self, policy: Policy, workloads: Sequence[Any], *, seed: int = 0, sample: bool = False) -> Episodes:
        rng = np.random.default_rng(seed)
        cars = np.stack(list(workloads)).astype(np.float64)
        cost = np.zeros(len(cars))
        for _ in range(self.max_steps):
            seen = self.encode(cars)
            scores = np.where(self.valid_actions(seen), policy.outputs(seen), -np.inf)
            noise = rng.gumbel(size=scores.shape) if sample else 0.0
            action = (scores + noise).argmax(1)
            cost += cars.sum(1)
            cars = np.maximum(cars - np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])[action], 0.0)
        left_over = cars.sum(1)
        metrics = {"starved": left_over}
        return Episodes(policy.name, cost + left_over * self.max_steps, self.cost_name, metrics, seed)

    def bound(self, workload: Any, *, seconds: float = 10.0) -> Bound:
        del seconds
        optimum = _gate_cost(int(workload[0]), int(workload[1]))
        return Bound(optimum, optimum, "optimal")

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        del seconds
        left, right = (int(value) for value in state.values)
        follow = {0: (max(left - 2, 0), right), 1: (left, right - 1), 2: (left, right)}
        allowed = {0: left > 0, 1: right > 0, 2: True}
        cost = np.array([_gate_cost(*follow[action]) if allowed[action] else np.nan for action in range(3)])
        loss = cost - np.nanmin(cost)
        return Judgement(tuple(int(i) for i in np.flatnonzero(loss == 0.0)), loss, exact=True, unit="car steps")


@cache
def _gate_cost(left: int, right: int) -> float:
    """The least total waiting from (left, right) on."""
    if left == 0 and right == 0:
        return 0.0
    moves = [(max(left - 2, 0), right)] if left else []
    moves += [(left, right - 1)] if right else []
    return left + right + min(_gate_cost(*move) for move in moves)
