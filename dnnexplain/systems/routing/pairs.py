"""Routing pair by pair: which path carries most of a pair's demand, as a choice among its paths.

A router emits thousands of split ratios; a rule of thumb speaks of one pair at a time. Here a state is a
pair in a traffic matrix, the decision the path that carries most of its demand, so that explainers of
choices (distillation, above all) can ask a router, too. What is drawn for each flow by its probability is,
for many flows, a split: an episode routes every pair by the probabilities of its paths, so a router costs
here what it costs as a router.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.contract import Bound, Discrete, DnnExplainError, Episodes, Knob, Policy, State, Target
from dnnexplain.systems.routing.pair_features import PairFeatures
from dnnexplain.systems.routing.routed import Routed
from dnnexplain.systems.routing.traffic import WORKLOADS, TrafficCase

__all__ = ["PairPolicy", "PairRouting"]

SMALLEST = 1e-9
"""Split ratios below this count as this, so that their logarithm is finite."""


class PairRouting:
    """A routing system whose decisions are single pairs' (``contract.EpisodeSystem``, and distillable).

    A state is the pair's number, then what the router sees, row by row: ``[1 + K]``.

    Args:
        routing: the network, its paths and traffic.
    """

    name = "routing-pairs"
    workload_names: Mapping[str, str] = WORKLOADS
    workload_knobs: tuple[Knob, ...] = ()

    def __init__(self, routing: Routed) -> None:
        paths = routing.paths
        self.routing = routing
        self.cost_name = routing.cost_name
        self.pairs = len(paths.pairs)
        self.most = int(paths.paths_of_pair.max())
        self.path_of = np.full((self.pairs, self.most), -1, dtype=np.int64)
        self.path_of[paths.pair_of_path, paths.rank] = np.arange(paths.count)
        first = Knob("pair", "", 0, self.pairs - 1)
        self.knobs = (first, *routing.knobs)
        self.observation_shape: tuple[int, ...] = (1 + len(routing.knobs),)
        self.groups = ("pair", *routing.groups)
        self.cell_group = np.concatenate([[0], routing.cell_group.ravel() + 1]).astype(np.int64)
        self.output = Discrete(tuple(f"path {rank + 1}" for rank in range(self.most)))

    @property
    def parameters(self) -> dict[str, Any]:
        """The routing system's: ``PairRouting(RoutingSystem(**parameters))``."""
        return self.routing.parameters

    # --- states ---------------------------------------------------------------------------------

    def unpack(self, observations: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Pair ``[B]``, the different matrices ``[U, K]``, and which of them each state has ``[B]``.

        States of one matrix that follow one another are told once.
        """
        rows = np.asarray(observations, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.observation_shape[0]:
            msg = f"observations must be [B, {self.observation_shape[0]}] (pair, then demands), not {list(rows.shape)}"
            raise DnnExplainError(msg)
        fresh = np.ones(len(rows), dtype=bool)
        fresh[1:] = (rows[1:, 1:] != rows[:-1, 1:]).any(axis=1)
        return rows[:, 0].astype(np.int64), rows[fresh, 1:], np.cumsum(fresh) - 1

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Pair and demands ``[B, 1 + K]`` as observations; knobs leave nothing open."""
        shaped = self.routing.encode(values[:, 1:], background)
        return np.concatenate([values[:, :1], shaped.reshape(len(values), -1)], axis=1).astype(np.float32)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The inverse of :meth:`encode`."""
        return np.asarray(observations, dtype=np.float64)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A pair that there is, demands within their bounds."""
        pair = np.clip(np.rint(values[:, :1]), 0, self.pairs - 1)
        return np.concatenate([pair, self.routing.repair(values[:, 1:])], axis=1)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """The paths that the pair has ``[B, k]``."""
        return np.asarray(self.path_of[np.asarray(observations)[:, 0].astype(np.int64)] >= 0)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Those of the routing system, for the same pair."""
        return _OfPair(self.routing.baselines(State(state.values[1:])), float(state.values[0]))

    def targets(self, state: State) -> Mapping[str, Target]:
        """None beside contrast, logit and probability."""
        del state
        return {}

    def rules(self) -> Mapping[str, Policy]:
        """The routing system's rules, asked pair by pair."""
        return {name: PairPolicy(rule, self) for name, rule in self.routing.rules().items()}

    def state_to_json(self, state: State) -> dict[str, Any]:
        """The traffic in words, and the pair's name."""
        pair = self.routing.paths.pair_names[int(state.values[0])]
        return {"pair": pair, **self.routing.state_to_json(State(state.values[1:]))}

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse."""
        names = self.routing.paths.pair_names
        if data.get("pair") not in names:
            msg = f"'pair' must name a pair such as {names[0]!r}, not {data.get('pair')!r}"
            raise DnnExplainError(msg)
        rest = self.routing.state_from_json({name: part for name, part in data.items() if name != "pair"})
        return State(np.concatenate([[names.index(data["pair"])], rest.values]))

    def describe(self, state: State) -> str:
        """The pair, and the traffic in one sentence."""
        pair = self.routing.paths.pair_names[int(state.values[0])]
        return f"{pair}. {self.routing.describe(State(state.values[1:]))}"

    # --- rules out of a router (explain.distillation.Distillable) ---------------------------------

    @cached_property
    def features(self) -> PairFeatures:
        """What rules may speak of."""
        return PairFeatures(self)

    def visit(
        self, policy: Policy, workloads: Sequence[TrafficCase], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every pair of every matrix ``[W * P, 1 + K]``, and its workload; what is met does not depend on the policy."""
        del policy, seed
        seen = self.routing.observe(workloads).reshape(len(workloads), -1)
        pair = np.tile(np.arange(self.pairs, dtype=np.float32), len(workloads))
        episode = np.repeat(np.arange(len(workloads)), self.pairs)
        return np.concatenate([pair[:, None], seen[episode]], axis=1), episode

    # --- episodes -------------------------------------------------------------------------------

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[TrafficCase]:
        """See :meth:`RoutingSystem.workloads`."""
        return self.routing.workloads(name, count, seed, **parameters)

    def run(self, policy: Policy, workloads: Sequence[TrafficCase], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Split each pair's demand by the policy's probabilities; costs as :meth:`RoutingSystem.run`."""
        del sample
        seen, _ = self.visit(policy, workloads)
        chances = sampling.probabilities(policy.outputs(seen), self.valid_actions(seen))
        shares = chances.reshape(len(workloads), self.pairs, self.most)
        splits = np.zeros((len(workloads), self.routing.paths.count))
        there = self.path_of >= 0
        splits[:, self.path_of[there]] = shares[:, there]
        return self.routing.run(_Given(policy.name, splits), workloads, seed=seed)

    def bound(self, workload: TrafficCase, *, seconds: float = 10.0) -> Bound:
        """See :meth:`RoutingSystem.bound`."""
        return self.routing.bound(workload, seconds=seconds)


class PairPolicy:
    """A router asked pair by pair: the logarithms of the split ratios of the pair's paths ``[B, k]``.

    Args:
        router: a policy of the routing system.
        system: the pairs.
        name: what it is called, if not as the router.
    """

    masked = True

    def __init__(self, router: Policy, system: PairRouting, name: str = "") -> None:
        self.router, self.system = router, system
        self.name = name or router.name
        self.checkpoint: str = getattr(router, "checkpoint", "")

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """One row per state ``[B, k]``; paths that a pair does not have get the least that there is."""
        pair, rows, at = self.system.unpack(observations)
        splits = self.router.outputs(rows.reshape(-1, *self.system.routing.observation_shape).astype(np.float32))
        paths = self.system.path_of[pair]
        shares = np.where(paths >= 0, splits[at[:, None], np.maximum(paths, 0)], 0.0)
        return np.asarray(np.log(np.maximum(shares, SMALLEST)))

    def copy(self) -> PairPolicy:
        """The same with a network of its own."""
        router: Any = self.router
        return PairPolicy(router.copy() if hasattr(router, "copy") else router, self.system, self.name)


class _Given:
    """Split ratios that are known already, as a policy."""

    def __init__(self, name: str, splits: NDArray[np.float64]) -> None:
        self.name, self.splits = name, splits

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """The split ratios ``[W, F]``, whatever is asked."""
        del observations
        return self.splits


class _OfPair(Mapping[str, NDArray[np.float32]]):
    """Baselines with a pair's number before each row; each made when it is asked for."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], pair: float) -> None:
        self.weights, self.pair = weights, pair

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        rows = self.weights[name]
        return np.insert(rows.reshape(len(rows), -1), 0, self.pair, axis=1).astype(np.float32)
