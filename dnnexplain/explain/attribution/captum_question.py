"""The question as Captum gets it: a private network, inputs, references, and one scalar per row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dnnexplain.contract import Decision, DnnExplainError, Policy, State, System, Target
from dnnexplain.explain.attribution.baselines import Reference, reference
from dnnexplain.explain.attribution.targets import RowScalar, by_row, resolve
from dnnexplain.explain.decisions.decision import decide_observed, observe
from dnnexplain.explain.networks.hooks import network_of, private, tensor
from dnnexplain.explain.networks.sizes import Sizes, sizes_of
from dnnexplain.results import Question

__all__ = ["CHUNK_NUMBERS", "CaptumQuestion", "Raw", "ResolvedQuestion", "ask", "pose", "question", "quiet", "seeded"]

CHUNK_NUMBERS = 1 << 22
"""Input values that pass through the network at once: 16 MB of float32."""

_KEPT = 4
"""Outputs of the widest layer that a gradient keeps, or more: its own, those of what follows it, and their gradients."""

_RANDOM = RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run Captum's random methods from a seed, one thread at a time, and put both global states back."""
    with _RANDOM, torch.random.fork_rng(devices=[]):
        before = np.random.get_state()  # noqa: NPY002 - Captum draws from NumPy's global generator
        try:
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


@contextmanager
def quiet(message: str) -> Iterator[None]:
    """Keep one of Captum's standing warnings from the user; it is about hooks on a copy that is thrown away."""
    with _RANDOM, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f"(?s).*{message}")
        yield


@dataclass(frozen=True, eq=False)
class CaptumQuestion:
    """``P`` pairs of an input and a reference; several pairs may belong to one of ``S`` states.

    Attributes:
        module: a private copy of the network.
        scalar: the targets of the states, by row.
        inputs, references: ``[P, *observation_shape]``.
        rows: the state of each pair ``[P]``, 0 to S - 1, ascending.
        groups: the knob group of each cell ``[*observation_shape]``, 0 to ``group_count`` - 1.
        layer, neuron: where a method for hidden units looks.
        settings: a method's own numbers.
    """

    module: nn.Module
    scalar: RowScalar
    inputs: Tensor
    references: Tensor
    rows: Tensor
    groups: Tensor
    group_count: int
    seed: int = 0
    layer: str = ""
    neuron: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def forward(self, inputs: Tensor, rows: Tensor) -> Tensor:
        """The explained scalar ``[B]``; what every Captum method is given to call."""
        weight = next(self.module.parameters(), None)  # steps between inputs have torch's default type, perhaps another
        known = inputs if weight is None else inputs.to(weight.dtype)
        return self.scalar(self.module(known), known, rows)

    def count(self, name: str, default: int) -> int:
        """A number of steps or samples from the settings."""
        value = self.settings.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 2:
            msg = f"{name} must be a whole number of at least 2, not {value!r}"
            raise DnnExplainError(msg)
        return value

    def leaf(self) -> Tensor:
        """The inputs as Captum wants them for gradients, so that it need not warn."""
        return self.inputs.detach().clone().requires_grad_()

    @property
    def chunk(self) -> int:
        """How many inputs may pass at once: by their own numbers, or the widest layer's, of which a gradient keeps several."""
        return max(1, CHUNK_NUMBERS // max(1, self.groups.numel(), _KEPT * self.widest))

    @cached_property
    def widest(self) -> int:
        """The most numbers that one layer of the network gives."""
        return self.sizes.widest

    @cached_property
    def sizes(self) -> Sizes:
        """How much passes through the network for one input."""
        first = self.inputs[:1]
        weight = next(self.module.parameters(), None)
        return sizes_of(self.module, first if weight is None else first.to(weight.dtype))

    def elsewhere(self, inputs: Tensor, references: Tensor, rows: Tensor) -> CaptumQuestion:
        """The same network asked about other pairs; sizes that are known need not be measured again."""
        other = replace(self, inputs=inputs, references=references, rows=rows)
        vars(other).update({name: value for name, value in vars(self).items() if name == "sizes"})
        return other

    @property
    def state_count(self) -> int:
        """``S``."""
        return int(self.rows[-1]) + 1

    def values(self, inputs: Tensor, rows: Tensor) -> Tensor:
        """The explained scalar ``[B]`` without gradients, in chunks; float64."""
        with torch.no_grad():
            parts = zip(torch.split(inputs, self.chunk), torch.split(rows, self.chunk), strict=True)
            return torch.cat([self.forward(x, r) for x, r in parts]).double()

    def explained(self) -> Tensor:
        """``F(state) - F(reference)`` of every pair ``[P]``, float64."""
        return self.values(self.inputs, self.rows) - self.values(self.references, self.rows)

    def by_state(self, values: Tensor) -> Tensor:
        """The mean over the pairs of each state: ``[P, ...]`` to ``[S, ...]``, float64."""
        total = torch.zeros((self.state_count, *values.shape[1:]), dtype=torch.float64)
        total.index_add_(0, self.rows, values.detach().double())
        count = self.rows.bincount(minlength=self.state_count).double()
        return total / count.reshape(-1, *([1] * (values.ndim - 1)))

    def at(self, inputs: Tensor) -> CaptumQuestion:
        """The same question at other inputs ``[N, *observation_shape]``; only for a problem of one state."""
        count, pairs = len(inputs), len(self.references)
        rows = torch.arange(count).repeat_interleave(pairs)
        return replace(
            self,
            scalar=lambda outputs, seen, rows: self.scalar(outputs, seen, torch.zeros_like(rows)),
            inputs=inputs.repeat_interleave(pairs, dim=0),
            references=self.references.repeat(count, *([1] * (inputs.ndim - 1))),
            rows=rows,
        )

    def first_pairs(self, most: int = 1) -> CaptumQuestion:
        """The same problem with at most ``most`` references for each state, evenly picked."""
        keep = []
        for state in range(self.state_count):
            mine = (self.rows == state).nonzero()[:, 0]
            count = min(most, len(mine))
            keep.append(mine[torch.linspace(0, len(mine) - 1, count).round().long()])
        return self if self.state_count * most >= len(self.rows) else self.only(torch.cat(keep))

    def slice(self, pairs: Tensor, first: int) -> CaptumQuestion:
        """The same problem for states from ``first`` on, renumbered from 0; ``pairs`` are theirs."""
        part = self.only(pairs)
        scalar = self.scalar
        return replace(
            part, rows=part.rows - first, scalar=lambda outputs, seen, rows: scalar(outputs, seen, rows + first)
        )

    def only(self, pairs: Tensor) -> CaptumQuestion:
        """The same problem for some of its pairs; the states keep their numbers."""
        return self.elsewhere(self.inputs[pairs], self.references[pairs], self.rows[pairs])


@dataclass(frozen=True, eq=False)
class Raw:
    """What a method gives back.

    Attributes:
        map: ``[P, *observation_shape]``, or ``[P, units]`` of a method for layers.
        steps: how many steps or samples it took, if it takes any.
        notes: what a reader must know.
    """

    map: Tensor
    steps: int | None = None
    notes: tuple[str, ...] = ()


def pose(
    module: nn.Module,
    system: System,
    observations: Any,
    targets: Sequence[Target],
    references: Sequence[Reference],
    **rest: Any,
) -> CaptumQuestion:
    """A problem from ``S`` observations, their targets and their references (``module`` must be private)."""
    counts = torch.tensor([len(reference.observations) for reference in references])
    rows = torch.arange(len(targets)).repeat_interleave(counts)
    return CaptumQuestion(
        module=module,
        scalar=by_row(targets),
        inputs=tensor(observations)[rows],
        references=tensor(np.concatenate([reference.observations for reference in references])),
        rows=rows,
        groups=torch.from_numpy(np.ascontiguousarray(system.cell_group, dtype=np.int64)),
        group_count=len(system.groups),
        **rest,
    )


class ResolvedQuestion(NamedTuple):
    """A question resolved: what the policy does, which scalar, counted from where, as a problem."""

    decision: Decision
    target: Target
    reference: Reference
    observation: NDArray[np.float32]
    problem: CaptumQuestion


def ask(
    system: System,
    policy: Policy,
    state: State,
    *,
    target: str | Target = "default",
    baseline: str | NDArray[Any] = "default",
    sample: NDArray[Any] | None = None,
    **options: Any,
) -> ResolvedQuestion:
    """Resolve a question about one state; ``options`` are fields of :class:`CaptumQuestion`."""
    module = private(network_of(policy))
    observations = observe(system, [state])
    decision = decide_observed(system, policy, [state], observations)[0]
    scalar = resolve(system, decision, target)
    counted_from = reference(system, state, baseline, sample=sample, seed=options.get("seed", 0))
    problem = pose(module, system, observations, [scalar], [counted_from], **options)
    return ResolvedQuestion(decision, scalar, counted_from, observations[0], problem)


def question(system: System, policy: Policy, resolved: ResolvedQuestion, method: str) -> Question:
    """A resolved question as it is saved."""
    return Question.about(
        system,
        policy,
        resolved.decision.state,
        target=resolved.target.name,
        target_kind=str(resolved.target.kind),
        method=method,
        baseline=resolved.reference.name,
        seed=resolved.problem.seed,
        settings={**resolved.problem.settings, **_where(resolved.problem)},
    )


def _where(problem: CaptumQuestion) -> dict[str, Any]:
    return {"layer": problem.layer, "neuron": list(problem.neuron)} if problem.layer else {}
