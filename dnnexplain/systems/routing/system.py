"""Routing as a system: demands are the knobs, split ratios the outputs, MLU the cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import (
    Bound,
    Box,
    Choice,
    DnnExplainError,
    Episodes,
    Flows,
    Graph,
    Knob,
    Limits,
    Played,
    Policy,
    State,
    Target,
)
from dnnexplain.counts import counted
from dnnexplain.systems.routing import mutation, records
from dnnexplain.systems.routing.baselines import baselines_of
from dnnexplain.systems.routing.cases import observe_cases
from dnnexplain.systems.routing.graph import flows_of, graph_of
from dnnexplain.systems.routing.grouping import GROUPINGS, cell_groups
from dnnexplain.systems.routing.kinds import POLICY_KINDS, PolicyKind
from dnnexplain.systems.routing.names import case_from_json, case_to_json, demand_knobs, describe_demands
from dnnexplain.systems.routing.oracle import PROMPT_PAIRS, Optimum, RoutingOracle
from dnnexplain.systems.routing.paths import k_shortest_paths
from dnnexplain.systems.routing.played import played
from dnnexplain.systems.routing.probed import Probed
from dnnexplain.systems.routing.rules import lacking_rules, routing_rules
from dnnexplain.systems.routing.runs import in_blocks
from dnnexplain.systems.routing.targets import RoutingTargets
from dnnexplain.systems.routing.topologies import load_topology
from dnnexplain.systems.routing.topology import Topology
from dnnexplain.systems.routing.traffic import TrafficCase, generate, gravity_mean
from dnnexplain.systems.routing.traffic_files import EVERY, file_windows, unit_taken
from dnnexplain.systems.routing.utilisation import check_demands, check_splits, link_utilisation

if TYPE_CHECKING:
    from torch import nn

    from dnnexplain.systems.routing.problem import RoutingProblem
    from dnnexplain.systems.routing.stand_in import StandIn
    from dnnexplain.systems.routing.tensors import TorchRouting
    from dnnexplain.systems.routing.trained import RoutingTask

__all__ = ["RoutingSystem"]


class RoutingSystem(Probed):
    """Split each pair's demand over its k shortest paths (``contract.EpisodeSystem``).

    A policy sees one traffic matrix ``[P]`` and routes it (``history=0``), or sees the last ``history``
    matrices ``[H, P]``, oldest first, and routes the next one, which it does not see. Demands are in Gb/s.
    With ``routed`` a state is the whole case, ``[H + 1, P]``; a policy sees its part (:meth:`seen_by`).

    Args:
        topology: a name or file as for :func:`~dnnexplain.systems.routing.topologies.load_topology`, or a topology.
        k: the most paths per pair.
        history: how many matrices a policy sees; 0: the one that must be routed.
        capacity, capacity_unit: as for ``load_topology``: of links whose capacity the source does not give; of its numbers.
        grouping: what an attribution is summed by: ``"pair"``, ``"source"``, ``"destination"`` or ``"age"``.
        routed: whether a state holds the matrix to route beside the history.

    Attributes:
        topology, paths: the network, and the paths with their incidence matrices.
        cap: the largest demand of a knob, the mean link capacity, Gb/s.
        oracle: the optimal MLU of any traffic matrix.
    """

    name = "routing"
    cost_name = "maximum link utilisation"
    cost_is_ratio = True

    def __init__(
        self,
        topology: str | Path | Topology = "abilene",
        k: int = 4,
        history: int = 0,
        *,
        capacity: float | None = None,
        capacity_unit: str | None = None,
        grouping: str = "pair",
        routed: bool = False,
    ) -> None:
        if history < 0:
            msg = f"history is a number of traffic matrices, 0 or more, not {history}; the papers use 12"
            raise DnnExplainError(msg)
        if grouping not in GROUPINGS:
            raise Choice("grouping", grouping, GROUPINGS).error()
        self.topology = topology if isinstance(topology, Topology) else load_topology(topology, capacity, capacity_unit)
        note = self.topology.assumption
        self.assumed: tuple[str, ...] = (f"{self.topology.name}: {note}",) if note else ()
        self.paths = k_shortest_paths(self.topology, k)
        self.k = k
        self.capacity = capacity
        self.history = history
        self.grouping = grouping
        self.routed = routed = routed and bool(history)
        self.cap = self.topology.mean_capacity
        self.oracle = RoutingOracle(self.paths)
        self._climbed: tuple[Policy, RoutingProblem | None] | None = None
        pairs = len(self.paths.pairs)
        self.mean_demands = np.minimum(gravity_mean(self.paths), self.cap).astype(np.float32).astype(np.float64)
        self.observation_shape: tuple[int, ...] = (history + routed, pairs) if history else (pairs,)
        self.knobs = demand_knobs(self.paths, history, self.cap, self.mean_demands, routed=routed)
        self.groups, self.cell_group = cell_groups(self.paths, history, grouping, routed=routed)
        self.output = Box(self.paths.names)

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again: ``RoutingSystem(**system.parameters)`` (built-in and topohub names)."""
        names = ("k", "history", "capacity", "grouping", *(["routed"] if self.routed else []))
        return {"topology": self.topology.name, **{name: getattr(self, name) for name in names}}

    @property
    def networks(self) -> Mapping[str, Callable[..., nn.Module]]:
        """Architectures of this system's own, by the name that a checkpoint gives: ``networks[name](system, ...)``."""
        from dnnexplain.systems.routing.networks import NETWORKS  # noqa: PLC0415 - torch when first needed

        return NETWORKS

    @property
    def policy_kinds(self) -> Mapping[str, PolicyKind]:
        """The learned policies of the papers: name -> architecture, and the history that it reads."""
        return POLICY_KINDS

    @property
    def whole(self) -> bool:
        """Whether a state holds more than a policy sees (``contract.PartiallySeen``)."""
        return self.routed

    def part(self, history: int = 0) -> RoutingSystem:
        """The system that a router was made for: the history alone, or (0) the matrix to route alone."""
        return type(self)(self.topology, self.k, history, capacity=self.capacity)

    @property
    def default_role(self) -> str:
        """The shipped policy that ``"default"`` means: the one that sees what this system shows."""
        return "dote-history" if self.history else "dote-current"

    def gradient_task(self, network: str) -> RoutingTask:
        """What one of ``policy_kinds`` is trained for (``contract.Differentiable``)."""
        from dnnexplain.systems.routing.trained import RoutingTask  # noqa: PLC0415

        return RoutingTask(self, network)

    def stand_in(self, policy: Policy, seed: int = 0) -> StandIn:
        """A piecewise-linear stand-in of a policy (``contract.WhiteBoxed``)."""
        from dnnexplain.systems.routing.stand_in import fit_stand_in  # noqa: PLC0415

        return fit_stand_in(self, policy, seed=seed)

    def tensors(self, **options: Any) -> TorchRouting:
        """The routing model in torch (``dtype=torch.float64`` for claims), with gradients."""
        from dnnexplain.systems.routing.tensors import TorchRouting  # noqa: PLC0415

        return TorchRouting(self.paths, **options)

    # --- states ---------------------------------------------------------------------------------

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Demands ``[B, K]`` as observations ``[B, P]`` or ``[B, H, P]``; knobs leave nothing open."""
        del background
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.knobs):
            msg = f"knob values must be [B, {len(self.knobs)}] (one demand per knob), not {list(rows.shape)}"
            raise DnnExplainError(msg)
        shaped = rows.reshape(-1, *self.observation_shape)
        check_demands(self.paths, shaped)
        return shaped.astype(np.float32)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Observations as knob values ``[B, K]``."""
        rows = np.asarray(observations, dtype=np.float64)
        if rows.shape[1:] != self.observation_shape:
            msg = f"observations must be [B, {', '.join(map(str, self.observation_shape))}], not {list(rows.shape)}"
            raise DnnExplainError(msg)
        return rows.reshape(len(rows), -1)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Demands between 0 and the cap, rounded to what a float32 network sees ``[B, K]``."""
        rows = np.asarray(values, dtype=np.float64)
        if not np.isfinite(rows).all():
            msg = f"{self.knobs[int(np.argwhere(~np.isfinite(rows))[0][-1])].name} must be a finite number of Gb/s"
            raise DnnExplainError(msg)
        top = np.float32(self.cap)
        inside = top if float(top) <= self.cap else np.nextafter(top, np.float32(0))
        with np.errstate(over="ignore"):
            rounded = rows.astype(np.float32)  # one array of its size: at 200 nodes a sweep has 32 MB
        np.clip(rounded, np.float32(0), inside, out=rounded)
        rounded += 0  # no negative zero
        return rounded.astype(np.float64)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """All true ``[B, F]``: every split ratio may be anything from 0 to 1."""
        return np.ones((len(observations), self.paths.count), dtype=np.bool_)

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """Mean traffic, even traffic, and this state without the traffic of one node or one pair."""
        return baselines_of(self, state)

    def targets(self, state: State) -> Mapping[str, Target]:
        """Utilisation of the busiest link and of each link, their ratio to the optimum, each split ratio."""
        del state
        return self._targets

    def rules(self) -> Mapping[str, Policy]:
        """Shortest path, ECMP, even splits, (last) optimum, best oblivious splits, hedged ones."""
        return routing_rules(self.paths, self.oracle, history=bool(self.history) and not self.routed)

    @property
    def lacking(self) -> Mapping[str, str]:
        """Rules that are too much for a large topology, and why (``contract.Lacking``)."""
        return lacking_rules(self.paths)

    def state_to_json(self, state: State) -> dict[str, Any]:
        """``{"demands": {"A->B": 1.5, ...}}``, or ``{"history": [{...}, ...]}`` oldest first, or both, in Gb/s."""
        return case_to_json(self.paths, state.values.reshape(-1, len(self.paths.pairs)), self.history)

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse of :meth:`state_to_json`; pairs that are not named have no demand."""
        count = len(self.knobs) // len(self.paths.pairs)
        rows = case_from_json(self.paths, data, self.history, count, self.cap)
        return State(self.repair(rows.reshape(1, -1))[0])

    def describe(self, state: State) -> str:
        """The traffic in one sentence; with a history alone, its newest matrix."""
        newest = f"The newest of {self.history} traffic matrices" if self.history else "This traffic matrix"
        matrix = "The traffic matrix to route" if self.routed else newest
        return describe_demands(self.paths, state.values.reshape(-1, len(self.paths.pairs))[-1], matrix)

    # --- the physics ----------------------------------------------------------------------------

    def utilisation(self, splits: ArrayLike, demands: ArrayLike) -> NDArray[np.float64]:
        """Utilisation of every link ``[..., E]`` for splits ``[..., F]`` and demands ``[..., P]``, both checked."""
        return link_utilisation(self.paths, check_splits(self.paths, splits), check_demands(self.paths, demands))

    def mlu(self, splits: ArrayLike, demands: ArrayLike) -> NDArray[np.float64]:
        """Maximum link utilisation ``[...]``."""
        return np.asarray(self.utilisation(splits, demands).max(axis=-1))

    @cached_property
    def graph(self) -> Graph:
        """The network as a picture (``contract.Flowing``)."""
        return graph_of(self)

    def flows(self, state: State, outputs: ArrayLike, carried: ArrayLike | None = None) -> tuple[Flows, Flows]:
        """What split ratios ``[F]`` do with a state's matrix (or another, ``carried``), and the optimum for it."""
        return flows_of(self, state.values[self.graph.knobs] if carried is None else carried, outputs)

    def seen_by(self, policy: Policy) -> Policy:
        """A policy of a smaller system (its own history, or the current matrix) as one of whole cases."""
        from dnnexplain.systems.routing.views import SeenPart  # noqa: PLC0415 - torch when first needed

        return SeenPart(policy, self)

    def adversary(self, policy: Policy, routed: ArrayLike | None = None, **choices: Any) -> RoutingProblem:
        """What a worst-case search may choose against a policy (``contract.Attackable``).

        ``choices`` are ``history`` (``"any"``, ``"plausible"``) and ``all_paths``; see :class:`RoutingProblem`.
        """
        from dnnexplain.systems.routing.views import adversary_of  # noqa: PLC0415

        return adversary_of(self, policy, routed, **choices)

    # --- workloads and ground truth -------------------------------------------------------------

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[TrafficCase]:
        """``count`` matrices to route, each with the matrices before it.

        Args:
            name: ``"gravity"`` (load, noise, cycle), ``"bursts"`` (pairs, background), ``"uniform"`` (top),
                or ``"file"`` (path, unit, first, last: rows of the file).
            count: how many; from a file, that many windows drawn without repetition (all in order if
                there are no more).
            seed: of the generator or the draw.
            **parameters: of the family.
        """
        return [TrafficCase(rows[-1], rows[:-1]) for rows in self.traffic(name, count, seed, **parameters)]

    def traffic(self, name: str, count: int, seed: int | Sequence[int], **parameters: Any) -> NDArray[np.float64]:
        """The same as one array ``[count, history + 1, P]`` in Gb/s: the last matrix of each is to be routed."""
        length = self.history + 1
        if name == "file":
            if "path" not in parameters:
                msg = "traffic from a file needs its path, e.g. workloads('file', 100, 0, path='my.hist')"
                raise DnnExplainError(msg)
            rows = file_windows(self.paths, count, length, seed, **parameters)
        else:
            rows = generate(self.paths, name, count, length, seed, **parameters)
        # Rounded to float32, so that what a network sees is to the bit what is routed.
        return rows.astype(np.float32).astype(np.float64)

    # --- workloads as tables; see dnnexplain.systems.routing.records ---

    ordered = True

    @property
    def record_knobs(self) -> tuple[Knob, ...]:
        """Columns of a workload's table (``contract.Tabular``)."""
        return records.record_knobs(self.paths)

    def to_records(self, workload: TrafficCase) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``."""
        return records.to_records(workload)

    def from_records(self, table: NDArray[np.float64], name: str = "") -> TrafficCase:
        """The inverse; any finite table of the right columns becomes a valid workload."""
        del name
        return records.from_records(table, self.paths, self.history)

    # --- changed traffic (``contract.Reshaping``); see dnnexplain.systems.routing.mutation ---

    def mutate(self, workload: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
        """Traffic near the given one."""
        return mutation.change(self.paths, workload, rng, limits)

    def reshape(self, workload: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
        """Traffic far from the given one."""
        return mutation.reshape(self.paths, workload, rng, limits)

    def scramble(self, workload: TrafficCase, rng: np.random.Generator, limits: Limits) -> TrafficCase:
        """Traffic drawn anew within the limits."""
        return mutation.redraw(self.paths, workload, rng, limits)

    def combine(self, traffic_case: TrafficCase, two: TrafficCase, rng: np.random.Generator) -> TrafficCase:
        """Traffic in which some pairs want what they want in another case."""
        return mutation.cross(self.paths, traffic_case, two, rng)

    def workload_to_json(self, workload: TrafficCase) -> dict[str, Any]:
        """A row per matrix; see :func:`~dnnexplain.systems.routing.mutation.to_json`."""
        return mutation.to_json(self.paths, workload)

    def workload_from_json(self, data: Mapping[str, Any]) -> TrafficCase:
        """The inverse."""
        return mutation.from_json(self.paths, data, self.history)

    def uphill(self, policy: Policy, workload: TrafficCase) -> NDArray[np.float64] | None:
        """The gradient of the regret by a workload's records (``contract.Uphill``); ``None`` of a rule."""
        from dnnexplain.systems.routing.uphill import problem_of, slope  # noqa: PLC0415 - torch when first needed

        if self._climbed is None or self._climbed[0] is not policy:
            self._climbed = policy, problem_of(self, policy)
        problem = self._climbed[1]
        return None if problem is None else slope(problem, workload)

    def observe(self, workloads: Sequence[TrafficCase]) -> NDArray[np.float32]:
        """What a policy sees of workloads ``[W, *observation_shape]``; with ``routed``, the whole case."""
        return observe_cases(self, workloads)

    def run(self, policy: Policy, workloads: Sequence[TrafficCase], *, seed: int = 0, sample: bool = False) -> Episodes:
        """Route each workload's matrix by the policy; cost is MLU, metrics hold the optimum and the ratio.

        ``seed`` and ``sample`` change nothing: split ratios are not drawn. Where there is nothing to
        route, MLU over optimum is 1.
        """
        del sample

        def route(some: Sequence[TrafficCase]) -> Episodes:
            splits = check_splits(self.paths, policy.outputs(self.observe(some)), policy.name)
            return self.routed_by(policy.name, splits, some, seed)

        return in_blocks(route, workloads, self.paths.count)

    def routed_by(
        self, name: str, splits: NDArray[np.float64], workloads: Sequence[TrafficCase], seed: int
    ) -> Episodes:
        """Cost and metrics of given split ratios ``[W, F]``, checked."""
        demands = check_demands(self.paths, [case.demands for case in workloads])
        used = link_utilisation(self.paths, splits, demands)
        cost = used.max(axis=-1)
        optimum = self.oracle.mlu(demands)
        ratio = np.where(optimum > 0, cost / np.where(optimum > 0, optimum, 1.0), 1.0)
        metrics = {
            self.metric: ratio,
            "optimal MLU": optimum,
            "links over capacity": (used > 1).sum(axis=-1).astype(np.float64),
        }
        return Episodes(name, cost, self.cost_name, metrics, seed, detail={"splits": splits, "utilisation": used})

    def bound(self, workload: TrafficCase, *, seconds: float = 10.0) -> Bound:
        """The optimal MLU of the workload's matrix, proved by link prices to a relative 1e-9."""
        del seconds  # a solve takes about a millisecond
        optimum: Optimum = self.oracle.solve(workload.demands)
        status = "optimal" if optimum.gap <= 1e-9 else "feasible"
        return Bound(optimum.lower, optimum.upper, status, optimum)

    @property
    def optimum_prompt(self) -> bool:
        """Whether a matrix takes milliseconds (``contract.PromptOptimum``)."""
        return len(self.paths.pairs) <= PROMPT_PAIRS

    def run_optimum(self, workloads: Sequence[TrafficCase], *, seconds: float = 10.0) -> Episodes:
        """Every matrix routed the best way that its paths allow (``contract.Optimal``)."""
        del seconds

        def route(some: Sequence[TrafficCase]) -> Episodes:
            splits = np.stack([self.oracle.solve(case.demands).splits for case in some])
            return self.routed_by("optimum", splits, some, 0)

        return in_blocks(route, workloads, self.paths.count)

    def read_played(self, path: Path) -> tuple[TrafficCase, str]:
        """The first window of a file of matrices, and how it was read (``contract.Acting``)."""
        cases, said = self.read_workloads(path, limit=1)
        return cases[0], said

    def play(
        self,
        workload: TrafficCase,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
        **options: Any,
    ) -> Played:
        """One matrix with given split ratios ``[1, F]``, or a policy's (``contract.Acting``).

        Arrays: ``observations``, ``actions [1, F]``, ``demands [1, P]`` (Gb/s) and ``utilisation [1, E]`` of the links.
        """
        del seed, options
        return played(self, workload, actions, policy)

    def read_workloads(
        self, path: Path, *, limit: int | None = None, **parameters: Any
    ) -> tuple[Sequence[TrafficCase], str]:
        """Windows of a file's matrices in their order; ``unit`` says what its numbers are."""
        count = limit or EVERY
        rows = file_windows(self.paths, count, self.history + 1, 0, path=path, **parameters)
        rows = rows.astype(np.float32).astype(np.float64)
        unit = unit_taken(path, parameters.get("unit"))
        said = f"{path}: {counted(len(rows), 'window')} of {counted(self.history + 1, 'matrix', 'matrices')}, numbers taken as {unit}."
        return [TrafficCase(window[-1], window[:-1]) for window in rows], said

    # --- inner workings -------------------------------------------------------------------------

    @cached_property
    def _targets(self) -> RoutingTargets:
        return RoutingTargets(self.paths, self.oracle, 0 if self.routed else self.history)
