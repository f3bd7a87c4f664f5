"""Routing as a worst-case search sees it: plain functions on arrays, with the optimum in four forms.

The input ``x`` is what an adversary chooses, Gb/s: the matrix to route (``P`` numbers), or the history
followed by the matrix to route (``(H + 1) P``), or the history alone (``H P``). The optimum depends on the
routed matrix only. Forms of the optimum: solved, with its dual prices as gradient; flows as a witness
(``d = A f``, value ``max(B f / c)``, after Azar et al., STOC 2003); a second set of splits (Namyar et al.,
HotNets 2024, eq. 4); and, where the policy does not see the routed matrix, one linear program per link.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Bound, Choice, DnnExplainError, Policy, State
from dnnexplain.systems.routing.all_paths import AllPathsOracle
from dnnexplain.systems.routing.flows import FlowPolytope
from dnnexplain.systems.routing.plausible import PLAUSIBLE_RULE, SILENT, plausible_range
from dnnexplain.systems.routing.traffic import TrafficCase
from dnnexplain.systems.routing.utilisation import check_demands, normalise_splits, over_links, path_sums

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dnnexplain.systems.routing.routed import Routed

__all__ = ["RoutingProblem"]

Array = NDArray[np.float64]
HISTORIES = ("any", "plausible")


class RoutingProblem:
    """A policy on a network, and what an adversary may do to it.

    Args:
        system: topology, paths, history.
        policy: a network (``contract.NetworkPolicy``) or a rule.
        routed: the matrix to route ``[P]``, if it is fixed and only the history is the adversary's.
        history: ``"any"``, or ``"plausible"``: inside the range of generated traffic, pair by pair
            (:mod:`dnnexplain.systems.routing.plausible`).
        all_paths: whether the certified optimum may use every path of the topology, not only the policy's. The
            search itself still divides by the optimum over the policy's paths, which is never smaller.

    Attributes:
        names, low, high, blocks: of the input ``[n]``; Gb/s from 0 to the mean link capacity; one block
            per matrix.
        seen, free: positions of ``x`` that the policy sees, and of the routed matrix (empty if it is fixed).
        blind: whether the policy does not see the matrix that it routes, and that matrix is free.
        fixed: whether the matrix to route is given, and the optimum with it.
        second_size: the number of parameters of a second set of splits.
        floor: a smaller optimal MLU counts as no traffic.
        sampling_radius: of a black box's samples, Gb/s.
        shown_in: the system whose states show a case, if another than ``system``.
    """

    unit = "Gb/s"

    def __init__(
        self,
        system: Routed,
        policy: Policy,
        routed: ArrayLike | None = None,
        *,
        history: str = "any",
        all_paths: bool = False,
    ) -> None:
        if history not in HISTORIES:
            raise Choice("kind of history", history, HISTORIES).error()
        if history != "any" and not system.history:
            msg = "this policy sees the current matrix alone, so there is no history to be plausible; leave history out"
            raise DnnExplainError(msg)
        if routed is not None and not system.history:
            msg = "a policy that sees the current matrix has no history to attack; leave the matrix to the search"
            raise DnnExplainError(msg)
        self.system, self.paths, self.policy = system, system.paths, policy
        self.shown_in = system
        self.pairs = len(system.paths.pairs)
        self.routed = None if routed is None else check_demands(system.paths, routed)
        matrices = system.history + (routed is None) if system.history else 1
        self.size = matrices * self.pairs
        self.low, self.high = np.zeros(self.size), np.full(self.size, system.cap)
        self.blocks = tuple(np.arange(m * self.pairs, (m + 1) * self.pairs) for m in range(matrices))
        self.seen = np.arange(max(system.history, 1) * self.pairs)
        self.free = np.arange(0) if routed is not None else self.blocks[-1]
        self.blind = bool(system.history) and routed is None
        self.fixed = routed is not None
        self.second_size = system.paths.count
        self.floor = 1e-9 * system.cap / float(np.max(system.topology.capacity))
        self.sampling_radius = 0.01 * system.cap
        self.history, self.all_paths = history, all_paths
        if history == "plausible":
            low, high, _ = plausible_range(system.paths)
            self.low[self.seen], self.high[self.seen] = np.tile(low, system.history), np.tile(high, system.history)
        self._polytope = FlowPolytope(system.paths)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each input is ``[n]``."""
        names = [knob.name for knob in self.system.knobs]
        return tuple(names + [f"demand {pair}, to route" for pair in self.paths.pair_names] if self.blind else names)

    def demands(self, x: Array) -> Array:
        """The routed matrix ``[B, P]`` of inputs ``[B, n]``."""
        return x[:, self.free] if self.routed is None else np.broadcast_to(self.routed, (len(x), self.pairs))

    def valid(self, x: Array) -> Array:
        """Inputs rounded to what a float32 network sees ``[B, n]``."""
        top = np.float32(self.system.cap)
        inside = top if float(top) <= self.system.cap else np.nextafter(top, np.float32(0))
        rounded = np.minimum(x.astype(np.float32), inside).astype(np.float64)
        if self.history == "plausible":  # bounds that single precision holds exactly
            rounded[:, self.seen] = np.clip(rounded[:, self.seen], self.low[self.seen], self.high[self.seen])
        return np.asarray(rounded)

    def remarks(self, x: Array) -> tuple[str, ...]:
        """What a reader must know of a case ``[n]`` and of what it was divided by."""
        over = "all paths of the topology" if self.all_paths else f"the same {self.system.k} paths per pair"
        lines = [f"The optimum is over {over}, and knows the matrix to route."]
        if self.system.history:
            lines.append(self._of_history(np.asarray(x)[self.seen]))
        return tuple(lines)

    def _of_history(self, seen: Array) -> str:
        _, _, usual = plausible_range(self.paths)
        if self.history == "plausible":
            return f"The history is bounded to be plausible: {PLAUSIBLE_RULE}."
        if seen.mean() >= SILENT * usual:
            return "The history is any that the links could bring; it need not be plausible."
        return (
            f"The history is silent: none of its demands is above {seen.max():.2g} Gb/s, where generated traffic has "
            f"{usual:.2g} on average, so the policy knows nothing of what it must route. Bound histories to be "
            "plausible (history='plausible') to see the worst after ordinary traffic."
        )

    def case(self, x: Array) -> TrafficCase:
        """One input ``[n]`` as a workload of the system."""
        history = x[self.seen].reshape(-1, self.pairs) if self.system.history else np.zeros((0, self.pairs))
        return TrafficCase(np.array(self.demands(x[None])[0]), history)

    def state(self, x: Array) -> State:
        """One input ``[n]`` as a state of ``shown_in``; a history that the policy does not see repeats the matrix."""
        shown = self.shown_in
        case = self.case(np.asarray(x, dtype=np.float64))
        if not shown.routed:
            rows = case.history if shown.history else case.demands[None]
        else:
            missing = shown.history - len(case.history)
            rows = np.concatenate([np.tile(case.demands, (missing, 1)), case.history, case.demands[None]])
        return State(shown.repair(rows.reshape(1, -1))[0])

    def carried(self, x: Array) -> Array:
        """The matrix that is routed at one input ``[n]``: ``[P]``."""
        return np.array(self.demands(np.asarray(x, dtype=np.float64)[None])[0])

    # --- the pipeline ---------------------------------------------------------------------------

    def splits(self, seen: Array) -> Array:
        """The policy's split ratios ``[B, F]`` for what it sees ``[B, H P]``, as deployed (float32)."""
        rows = seen.reshape(-1, *self.system.observation_shape).astype(np.float32)
        return normalise_splits(self.paths, self.policy.outputs(rows))

    @cached_property
    def network(self) -> Callable[[Tensor], Tensor] | None:
        """The policy's network in double precision, ``[B, H P]`` to splits ``[B, F]``; ``None`` for a rule."""
        module: nn.Module | None = getattr(self.policy, "module", None)
        if module is None:
            return None
        double = copy.deepcopy(module).double().eval().requires_grad_(requires_grad=False)
        shape = self.system.observation_shape
        return lambda seen: double(seen.reshape(-1, *shape))

    @cached_property
    def links(self) -> Callable[[Tensor], Tensor]:
        """Splits, followed by demands where these are free, ``[B, F (+ P)]`` to utilisations ``[B, E]``."""
        import torch  # noqa: PLC0415 - heavy

        from dnnexplain.systems.routing.tensors import TorchRouting  # noqa: PLC0415

        routing, count = TorchRouting(self.paths, torch.float64), self.paths.count
        if self.routed is None:
            return lambda y: routing.utilisation(y[:, :count], y[:, count:])
        fixed = torch.as_tensor(np.array(self.routed))
        return lambda y: routing.utilisation(y, fixed.expand(len(y), -1))

    def deployed(self, x: Array) -> Array:
        """The MLU ``[B]`` of the system as it runs."""
        return self.system.run(self.policy, [self.case(row) for row in x]).cost

    # --- the optimum ----------------------------------------------------------------------------

    def optimum(self, x: Array) -> tuple[Array, Array]:
        """Optimal MLU ``[B]`` and its gradient ``[B, n]``: the dual prices of the demands."""
        slopes = np.zeros_like(x)
        if self.routed is not None:
            return np.full(len(x), self._fixed_optimum), slopes
        optima = self.system.oracle.solve_all(self.demands(x))
        slopes[:, self.free] = [optimum.demand_prices for optimum in optima]
        return np.array([optimum.upper for optimum in optima]), slopes

    @cached_property
    def _fixed_optimum(self) -> float:
        assert self.routed is not None
        return self.system.oracle.solve(self.routed).upper

    def bound(self, x: Array) -> Bound:
        """The certified optimum of one input ``[n]``."""
        if self.all_paths:
            return AllPathsOracle(self.paths).solve(self.demands(np.asarray(x)[None])[0])
        return self.system.bound(self.case(x))

    # --- flows as a witness: p = [history, flows] -------------------------------------------------

    @property
    def witness_scale(self) -> Array:
        """The natural size of every entry of ``p`` ``[H P + F]``."""
        return np.full(self._seen_only + self.paths.count, self.system.cap)

    @property
    def _seen_only(self) -> int:
        return len(self.seen) if self.blind else 0

    def witness_input(self, p: Array) -> Array:
        """``[history, A f]`` ``[B, n]``."""
        history = self._seen_only
        return np.concatenate([p[:, :history], self._pair_sums(p[:, history:])], axis=1)

    def witness_input_pull(self, p: Array, x: Array, cotangent: Array) -> Array:
        """The vector-Jacobian product of :meth:`witness_input`."""
        del p, x
        history = self._seen_only
        return np.concatenate([cotangent[:, :history], cotangent[:, history:][:, self.paths.pair_of_path]], axis=1)

    def witness_value(self, p: Array) -> Array:
        """The MLU of the flows ``[B]``: never below the optimum of their demands."""
        return np.asarray(self._used(p).max(axis=1))

    def witness_value_pull(self, p: Array, y: Array, cotangent: Array) -> Array:
        """The vector-Jacobian product of :meth:`witness_value`: the paths over the busiest link."""
        del y
        busiest = self._used(p).argmax(axis=1)
        out = np.zeros_like(p)
        rows = over_links(self.paths, busiest) / self.paths.topology.capacity[busiest, None]
        out[:, self._seen_only :] = rows * cotangent
        return out

    def _pair_sums(self, flows: Array) -> Array:
        return np.asarray(np.add.reduceat(flows, self.paths.first_path, axis=1))

    def _used(self, p: Array) -> Array:
        return path_sums(self.paths, p[:, self._seen_only :]) / self.paths.topology.capacity

    def witness_valid(self, p: Array) -> Array:
        """Within bounds, and flows of a pair scaled down where they exceed the cap of its demand."""
        history, cap = self._seen_only, self.system.cap
        flows = np.maximum(p[:, history:], 0.0)
        over = np.maximum(self._pair_sums(flows) / cap, 1.0)
        seen = np.clip(p[:, :history], self.low[:history], self.high[:history])
        return np.concatenate([seen, flows / over[:, self.paths.pair_of_path]], axis=1)

    def witness_lift(self, x: Array) -> Array:
        """Demands ``[B, n]`` split evenly over their paths."""
        share = self.demands(x)[:, self.paths.pair_of_path] / self.paths.paths_of_pair[self.paths.pair_of_path]
        return np.concatenate([x[:, : self._seen_only], share], axis=1)

    # --- a second set of splits -----------------------------------------------------------------

    @cached_property
    def second(self) -> Callable[[Tensor], Tensor]:
        """``[x, w]`` to the MLU ``[B, 1]`` of splits softmax(w) for the routed matrix."""
        import torch  # noqa: PLC0415

        from dnnexplain.systems.routing.tensors import TorchRouting  # noqa: PLC0415

        routing, size, pairs = TorchRouting(self.paths, torch.float64), self.size, self.pairs
        return lambda z: routing.mlu(routing.softmax(z[:, size:]), z[:, size - pairs : size])[:, None]

    # --- the worst routed matrix, exactly -------------------------------------------------------

    def maximise(self, x: Array, link: int) -> Array:
        """The input ``[n]`` with the routed matrix that loads one link most against the optimum."""
        splits = self.splits(x[None, self.seen])[0]
        return self._with_matrix(x, self._polytope.worst_demands(splits, link)[0])

    @cached_property
    def ideal(self) -> Array:
        """Per link the matrix ``[E, P]`` that would be worst if every pair sent all it can over that link."""
        scale = [self._polytope.ideal_demands(link) for link in range(len(self.paths.topology.links))]
        return np.stack([self._full(demands) for demands in scale])

    def _with_matrix(self, x: Array, demands: Array) -> Array:
        out = np.array(x)
        out[self.free] = self._full(demands)
        return np.asarray(self.valid(out[None])[0])

    def _full(self, demands: Array) -> Array:
        """At full scale: the policy does not see it, and a large matrix is solved most exactly."""
        top = float(demands.max())
        return np.asarray(demands * (self.system.cap / top)) if top > 0 else demands
