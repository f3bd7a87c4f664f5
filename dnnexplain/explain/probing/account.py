"""The white box, step by step: knob groups -> neurons -> logit difference, an account that adds up.

For a network with one hidden ReLU layer, ``y = W2 max(0, W1 x + b1) + b2``, everything between the input
and a difference of two outputs is a sum. With ``G`` knob groups, ``N`` neurons and the contrast ``i - j``:

- input of neuron n: ``z_n = sum_g inputs[n, g] + b1_n``; activation ``a_n = max(0, z_n)``;
- contrast: ``y_i - y_j = sum_n effects[n] + (b2_i - b2_j)`` with ``effects[n] = (W2_in - W2_jn) a_n``;
- path of group g through neuron n: ``paths[n, g] = (W2_in - W2_jn) inputs[n, g]`` where the neuron is on,
  else 0; the paths and the biases sum to the contrast too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import Decision, Discrete, DnnExplainError, Policy, State, System
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import number, start
from dnnexplain.explain.attribution.targets import runner_up
from dnnexplain.explain.decisions.decision import decide, observe
from dnnexplain.explain.networks.hooks import network_of
from dnnexplain.explain.networks.module_kinds import has_parts, makes_weights
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain.results import Question, Result, array_field, register

__all__ = ["Account", "NeuronPath", "account", "dense_weights"]

_SILENT = (nn.Flatten, nn.Identity, nn.Dropout, nn.ReLU)
_TOLERANCE = 1e-4


@register
@dataclass(frozen=True, slots=True)
class NeuronPath:
    """One way from a knob group through a neuron to the contrast, and how much flows along it."""

    group: str
    neuron: int
    value: float


@dataclass(frozen=True, eq=False)
class Account(Result):
    """How a one-hidden-layer network arrives at a difference of two outputs, to the last digit.

    Attributes:
        pro, contra: names of the outputs compared; for a single output ``contra`` is empty.
        groups: the knob groups ``[G]``.
        inputs: each group's share of each neuron's input ``[N, G]``.
        bias: of each neuron's input ``[N]``.
        activation: of each neuron ``[N]``.
        weight: of each neuron in the contrast ``[N]``.
        offset: the contrast's own bias.
        contrast: the network's own value of ``pro`` minus ``contra``.
    """

    question: Question
    pro: str
    contra: str
    groups: tuple[str, ...]
    offset: float
    contrast: float
    inputs: NDArray[np.float64] = array_field("neuron", "group")
    bias: NDArray[np.float64] = array_field("neuron")
    activation: NDArray[np.float64] = array_field("neuron", unit="activation")
    weight: NDArray[np.float64] = array_field("neuron")

    @property
    def effects(self) -> NDArray[np.float64]:
        """What each neuron adds to the contrast ``[N]``."""
        return np.asarray(self.weight * self.activation)

    @property
    def paths(self) -> NDArray[np.float64]:
        """What flows from each group through each neuron ``[N, G]``; 0 through neurons that are off."""
        return np.asarray(np.where(self.activation > 0, self.weight, 0.0)[:, None] * self.inputs)

    @property
    def constant(self) -> float:
        """What does not come from the input: the biases of the neurons that are on, and the contrast's own."""
        return float(np.where(self.activation > 0, self.weight * self.bias, 0.0).sum() + self.offset)

    @property
    def by_group(self) -> NDArray[np.float64]:
        """What each group adds to the contrast, all neurons together ``[G]``."""
        return np.asarray(self.paths.sum(axis=0))

    def top(self, count: int = 5) -> tuple[NeuronPath, ...]:
        """The paths that carry most, by size."""
        flat = self.paths
        order = np.argsort(-np.abs(flat), axis=None, kind="stable")[:count]
        places = [np.unravel_index(int(i), flat.shape) for i in order]
        return tuple(NeuronPath(self.groups[g], int(n), float(flat[n, g])) for n, g in places if flat[n, g] != 0)

    def sentence(self) -> str:
        """The account in one line: the contrast, how many neurons speak, and the strongest of them."""
        on = int((self.activation > 0).sum())
        strongest = int(np.abs(self.effects).argmax())
        what = f"{self.pro} minus {self.contra}" if self.contra else self.pro
        if on == 0:
            return (
                f"{start(what)} is {number(self.contrast)}: none of {len(self.activation)} neurons is on, so this is "
                "the output's bias alone, whatever the input shows."
            )
        return (
            f"{start(what)} is {number(self.contrast)}: {on} of {counted(len(self.activation), 'neuron')} are on and add "
            f"{number(self.effects.sum(), sign=True)}, the output's bias {number(self.offset, sign=True)}; "
            f"neuron {strongest} adds most, {number(self.effects[strongest], sign=True)}."
        )

    def sentences(self, count: int = 5) -> tuple[str, ...]:
        """The account step by step: the whole, then the neurons that add most and what drives each."""
        lines = [self.sentence()]
        for n in np.argsort(-np.abs(self.effects), kind="stable")[:count]:
            if self.effects[n] == 0:
                break
            lines.append(self._neuron(int(n)))
        return tuple(lines)

    def _neuron(self, n: int) -> str:
        order = np.argsort(-np.abs(self.inputs[n]), kind="stable")[:2]
        drivers = " and ".join(f"{self.groups[g]} ({number(self.inputs[n, g], sign=True)})" for g in order)
        side = "for" if self.effects[n] > 0 else "against"
        return (
            f"Neuron {n} is at {number(self.activation[n])}, moved most by {drivers}; its weight "
            f"{number(self.weight[n], sign=True)} makes that {number(self.effects[n], sign=True)}, {side} {self.pro}."
        )

    def table(self) -> list[dict[str, Any]]:
        """One row per neuron, those that add most first."""
        rows = zip(self.inputs.sum(axis=1) + self.bias, self.activation, self.weight, self.effects, strict=True)
        neurons = [
            {"neuron": n, "input": float(z), "activation": float(a), "weight": float(w), "effect": float(e)}
            for n, (z, a, w, e) in enumerate(rows)
        ]
        return sorted(neurons, key=lambda row: -abs(row["effect"]))

    def picture(self) -> Chart:
        """What each group adds to the difference, and what is constant."""
        shown = {"effect": [*self.by_group, self.constant]}
        title = f"{self.pro} minus {self.contra}" if self.contra else self.pro
        return bars([*self.groups, "constant"], shown, Axis("adds to the difference"), x=Axis("group"), title=title)


def account(
    system: System, policy: Policy, state: State, *, pro: int | str | None = None, contra: int | str | None = None
) -> Account:
    """The exact account of a difference of two outputs in one state.

    Args:
        system: the world.
        policy: with a network of one hidden ReLU layer inside.
        state: the decision to account for.
        pro: output by name or index; the chosen action (or the first output of a vector) if not given.
        contra: what it is compared with; the runner-up if not given. A vector output is compared with
            nothing unless asked.

    Raises:
        DnnExplainError: the network has another architecture; says which part does not fit.
    """
    first, second = dense_weights(system, policy)
    decision = decide(system, policy, state)
    i, j = _outputs(system, decision, pro, contra)
    seen = observe(system, [state]).reshape(-1).astype(np.float64)
    member = np.eye(len(system.groups))[np.asarray(system.cell_group).reshape(-1)]  # [cells, G]
    inputs = (first[0] * seen) @ member
    total = inputs.sum(axis=1) + first[1]
    weight = second[0][i] - (0.0 if j is None else second[0][j])
    names = system.output.names
    return Account(
        question=Question.about(
            system,
            policy,
            state,
            target=names[i] if j is None else f"{names[i]} minus {names[j]}",
            target_kind="value" if j is None else "contrast",
            method="white box",
        ),
        pro=names[i],
        contra="" if j is None else names[j],
        groups=system.groups,
        offset=float(second[1][i] - (0.0 if j is None else second[1][j])),
        contrast=float(decision.outputs[i] - (0.0 if j is None else decision.outputs[j])),
        inputs=inputs,
        bias=first[1],
        activation=np.maximum(total, 0.0),
        weight=weight,
    )


Dense = tuple[NDArray[np.float64], NDArray[np.float64]]


def dense_weights(system: System, policy: Policy) -> tuple[Dense, Dense]:
    """Weights and biases of both layers of a network ``Linear - ReLU - Linear``, float64.

    The network must hold these parts and no others that change a number, and must answer on random valid
    states as the formula does.

    Raises:
        DnnExplainError: it does not; the message says why.
    """
    module = network_of(policy)
    every = module.named_modules()
    parts = [(name, part) for name, part in every if not makes_weights(name) and not has_parts(part)]
    dense = [part for _, part in parts if isinstance(part, nn.Linear)]
    other = [
        name if name.lower() == type(part).__name__.lower() else f"{name} ({type(part).__name__})"
        for name, part in parts
        if not isinstance(part, (nn.Linear, *_SILENT))
    ]
    cells = int(np.prod(system.observation_shape))
    if other or len(dense) != 2:
        what = f"this one has {counted(len(dense), 'dense layer')}" + (
            f" and other parts ({', '.join(other[:4])})" if other else ""
        )
        msg = f"an account of the neurons needs a network of the form dense, ReLU, dense; {what}. Attribution and neuron probes work for it"
        raise DnnExplainError(msg)
    first, second = (_arrays(part) for part in dense)
    if first[0].shape[1] != cells:
        msg = f"the white box needs all {cells} cells of the observation in the first layer, which takes {first[0].shape[1]}"
        raise DnnExplainError(msg)
    seen = system.encode(random_values(system, 16, np.random.default_rng(0)))
    hidden = np.maximum(seen.reshape(16, -1).astype(np.float64) @ first[0].T + first[1], 0.0)
    expected, got = hidden @ second[0].T + second[1], np.asarray(policy.outputs(seen))
    fits = expected.shape == got.shape
    if fits:
        gap = expected - got
        if isinstance(system.output, Discrete):  # logits that differ by a constant are the same logits
            gap -= gap.mean(axis=1, keepdims=True)
        fits = bool(np.abs(gap).max() <= _TOLERANCE * max(1.0, float(np.abs(got).max())))
    if not fits:
        msg = (
            "the network's outputs are not those of dense, ReLU, dense with its weights: its forward() does "
            "something in between (scaling, another activation). Use attribution or neuron probes"
        )
        raise DnnExplainError(msg)
    return first, second


def _arrays(part: nn.Linear) -> Dense:
    weight = part.weight.detach().cpu().numpy().astype(np.float64)
    bias = np.zeros(len(weight)) if part.bias is None else part.bias.detach().cpu().numpy().astype(np.float64)
    return weight, bias


def _outputs(
    system: System, decision: Decision, pro: int | str | None, contra: int | str | None
) -> tuple[int, int | None]:
    choice = isinstance(system.output, Discrete)
    i = _index(system, pro) if pro is not None else (decision.action if decision.action is not None else 0)
    if contra is not None:
        j: int | None = _index(system, contra)
    elif not choice:
        j = None
    else:
        j = runner_up(decision) if i == decision.action else decision.action
    if i == j:
        msg = f"a contrast needs two different outputs, not {system.output.names[i]!r} twice"
        raise DnnExplainError(msg)
    return i, j


def _index(system: System, which: int | str) -> int:
    if isinstance(which, str):
        return system.output.index(which)
    if not 0 <= which < len(system.output.names):
        msg = f"{system.name} has outputs 0 to {len(system.output.names) - 1}, not {which}"
        raise DnnExplainError(msg)
    return which
