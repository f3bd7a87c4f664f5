"""Routers by gradient: what they are trained for, how they are measured, and what their cards say.

The optimum of a traffic matrix does not depend on the network, so the gradient of log(MLU / optimum) is that of
log MLU (DOTE, Perry et al., NSDI 2023): no linear program is solved while training.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError, NetworkFigures, Trained
from dnnexplain.counts import counted
from dnnexplain.intervals import mean_interval
from dnnexplain.systems.routing.kinds import POLICY_KINDS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dnnexplain.systems.routing.routed import Routed

__all__ = ["RoutingTask", "measure"]

UNSEEN, UNSEEN_SEED, BURSTS = 1000, 1, 200

_LIMITS = (
    "Trained on one topology and on gravity traffic alone; far from it, in particular where a few pairs carry most "
    "traffic, it can be several times worse than the optimum."
)
_COLUMNS = ("policy", "mean", "low", "high", "95th percentile", "maximum")


class RoutingTask:
    """What a router is trained for (``contract.GradientTask``): the mean logarithm of maximum link utilisation.

    Args:
        system: shows the history that the router reads.
        kind: of :data:`POLICY_KINDS`.
    """

    def __init__(self, system: Routed, kind: str) -> None:
        if kind not in POLICY_KINDS:
            raise Choice("routing policy", kind, tuple(POLICY_KINDS)).error()
        wanted = POLICY_KINDS[kind]
        if wanted.history != system.history:
            msg = f"{kind} reads a history of {counted(wanted.history, 'matrix', 'matrices')}, the system shows {system.history}; "
            raise DnnExplainError(msg + f"make it with history={wanted.history}")
        self.system, self.architecture, self.tensors = system, wanted.architecture, system.tensors()

    def network(self, seed: int) -> nn.Module:
        """The untrained router."""
        return self.system.networks[self.architecture](self.system, seed=seed)

    def draw(
        self, workload: Mapping[str, Any], count: int, seed: int | Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """What the router sees, ``[B, history, P]`` or ``[B, P]``, and the demands to route ``[B, P]``, in Gb/s."""
        settings = dict(workload)
        traffic = self.system.traffic(settings.pop("name"), count, seed, **settings)
        demands = traffic[:, -1]
        return (traffic[:, :-1] if self.system.history else demands).astype(np.float32), demands

    def loss(self, outputs: Tensor, charged: Tensor) -> Tensor:
        """Mean of the logarithm of maximum link utilisation."""
        value: Tensor = self.tensors.mlu(outputs, charged).log().mean()
        return value

    def scorer(self, charged: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Maximum link utilisation over the optimum."""
        optimum = self.system.oracle.mlu(charged)
        return lambda splits: self.system.mlu(splits, charged) / optimum


def measure(trained: Trained) -> NetworkFigures:
    """MLU over the optimum on unseen matrices, beside the rules, and on bursts that it was never trained on."""
    system, kind = trained.system, trained.recipe.name
    policy = trained.policy(system, True)  # noqa: FBT003 - as Trained has it
    unseen, bursts = system.workloads("gravity", UNSEEN, UNSEEN_SEED), system.workloads("bursts", BURSTS, UNSEEN_SEED)
    routers = {kind: policy, **system.rules()}
    figures = {
        f"{UNSEEN} unseen gravity matrices, seed {UNSEEN_SEED}": {
            name: _ratios(system, router, unseen) for name, router in routers.items()
        },
        f"{BURSTS} matrices with bursts, never trained on, seed {UNSEEN_SEED}": {kind: _ratios(system, policy, bursts)},
    }
    story = {
        "description": POLICY_KINDS[kind].description,
        "command": _command(trained),
        "figures": {"percent above the optimal MLU": _percent(figures)},
        "limits": _LIMITS,
    }
    return NetworkFigures(figures, story, tables=[_table(title, each) for title, each in figures.items()])


def _command(trained: Trained) -> str:
    """The command line that trains this network again."""
    parameters, options = trained.system.parameters, trained.options
    words: list[Any] = ["dnnexplain", "train", trained.system.name, "--kind", trained.recipe.name]
    words += ["--topology", parameters["topology"], "--paths", parameters["k"], "--seed", options["seed"]]
    words += ["--steps", trained.story["recipe"]["steps"], "--minutes", f"{options['minutes']:g}"]
    return shlex.join(map(str, [*words, "--out", trained.out.name]))


def _ratios(system: Routed, policy: Any, workloads: Sequence[Any]) -> dict[str, Any]:
    """Mean with a 95% interval, 95th percentile and maximum of MLU over optimum."""
    ratio = system.run(policy, workloads).metrics["MLU over optimum"]
    mean = mean_interval(ratio, within=(1.0, np.inf))
    return {
        "mean": {key: mean.to_json()[key] for key in ("mean", "low", "high")},
        "p95": float(np.quantile(ratio, 0.95)),
        "max": float(ratio.max()),
    }


def _percent(ratios: Any) -> Any:
    """Ratios to the optimum as per cent above it, so that three digits tell routers apart."""
    if isinstance(ratios, dict):
        return {key: _percent(value) for key, value in ratios.items()}
    return None if ratios is None else 100 * (ratios - 1)


def _table(title: str, results: Mapping[str, Any]) -> tuple[str, Sequence[str], Sequence[Sequence[Any]]]:
    rows = []
    for name, each in results.items():
        mean = each["mean"]
        row = (mean["mean"], mean["low"], mean["high"], each["p95"], each["max"])
        rows.append((name, *("no interval" if value is None else f"{value:.4f}" for value in row)))
    return f"MLU / optimum, {title}", _COLUMNS, rows
