"""Which scalar of the output is explained, in words.

The default for a choice is the *contrast*: the chosen action's logit minus the runner-up's ("why A and
not B"). Probabilities saturate: on a trained scheduler their gradient vanishes in one state of eleven,
a contrast's in none. All kinds are offered; each target's name says which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from dnnexplain.contract import Box, Decision, Discrete, DnnExplainError, MultiBinary, Space, System, Target, TargetKind

__all__ = [
    "RowScalar",
    "against",
    "by_row",
    "component",
    "contrast",
    "likely_on",
    "logit",
    "menu",
    "nearest_switch",
    "probability",
    "resolve",
    "runner_up",
    "switched",
]

_ON = " on against off"
_AGAINST = " against "

RowScalar = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From raw outputs ``[B, A]``, inputs ``[B, ...]`` and row numbers ``[B]`` to scalars ``[B]``."""


@dataclass(frozen=True)
class _Contrast:
    index: int
    against: int

    def __call__(self, outputs: Tensor, _inputs: Tensor) -> Tensor:
        return outputs[:, self.index] - outputs[:, self.against]


@dataclass(frozen=True)
class _Output:
    index: int

    def __call__(self, outputs: Tensor, _inputs: Tensor) -> Tensor:
        return outputs[:, self.index]


@dataclass(frozen=True)
class _Probability:
    index: int
    valid: tuple[bool, ...]

    def __call__(self, outputs: Tensor, _inputs: Tensor) -> Tensor:
        allowed = torch.tensor(self.valid)
        return outputs.masked_fill(~allowed, -torch.inf).softmax(dim=1)[:, self.index]


def _index(output: Space, which: int | str) -> int:
    if isinstance(which, str):
        return output.index(which)
    if not 0 <= which < len(output.names):
        msg = f"output {which} does not exist: there are {len(output.names)}, counted from 0"
        raise DnnExplainError(msg)
    return int(which)


def contrast(output: Space, index: int | str, against: int | str) -> Target:
    """One output minus another: ``job 1 minus wait``; of a choice, a difference of logits."""
    i, j = _index(output, index), _index(output, against)
    if i == j:
        msg = f"a contrast needs two different outputs, not {output.names[i]!r} twice"
        raise DnnExplainError(msg)
    name = f"{output.names[i]} minus {output.names[j]}"
    return Target(name, TargetKind.CONTRAST, _Contrast(i, j), i, j, output.unit)


def logit(output: Space, index: int | str) -> Target:
    """The logit of one action: ``logit of job 1``."""
    i = _index(output, index)
    return Target(f"logit of {output.names[i]}", TargetKind.LOGIT, _Output(i), i)


def probability(output: Space, index: int | str, valid: Sequence[bool] | None = None) -> Target:
    """The probability of one action after the policy's mask ``valid [A]``: ``probability of job 1``.

    The mask is the state's own and stays as it is while an explainer varies the input, because a
    half-faded picture has no valid actions of its own.
    """
    i = _index(output, index)
    allowed = (True,) * len(output.names) if valid is None else tuple(bool(ok) for ok in valid)
    if not allowed[i]:
        msg = f"{output.names[i]!r} is not allowed in this state, so its probability is 0 whatever the network says; explain its logit or a contrast"
        raise DnnExplainError(msg)
    return Target(f"probability of {output.names[i]}", TargetKind.PROBABILITY, _Probability(i, allowed), i)


@dataclass(frozen=True)
class _On:
    index: int

    def __call__(self, outputs: Tensor, _inputs: Tensor) -> Tensor:
        return torch.sigmoid(outputs[:, self.index])


@dataclass(frozen=True)
class _Above:
    index: int
    other: float

    def __call__(self, outputs: Tensor, _inputs: Tensor) -> Tensor:
        return outputs[:, self.index] - self.other


def switched(output: Space, index: int | str) -> Target:
    """The log-odds of a switch: ``head 3 on against off``; above 0 it is on."""
    i = _index(output, index)
    return Target(f"{output.names[i]}{_ON}", TargetKind.CONTRAST, _Output(i), i)


def likely_on(output: Space, index: int | str) -> Target:
    """The probability of a switch being on: ``probability of head 3``."""
    i = _index(output, index)
    return Target(f"probability of {output.names[i]}", TargetKind.PROBABILITY, _On(i), i)


def against(output: Space, index: int | str, other: float) -> Target:
    """A number of a vector output against another value of it: ``rate against 0.7``."""
    i = _index(output, index)
    return Target(f"{output.names[i]}{_AGAINST}{other:g}", TargetKind.CONTRAST, _Above(i, other), i, unit=output.unit)


def component(output: Space, index: int | str) -> Target:
    """One number of a vector output, by its name."""
    i = _index(output, index)
    return Target(output.names[i], TargetKind.VALUE, _Output(i), i, unit=output.unit)


def runner_up(decision: Decision) -> int:
    """The best action but the chosen one: among valid ones, or among all where no other is valid."""
    assert decision.action is not None
    others = decision.valid.copy()
    others[decision.action] = False
    if not others.any():
        others = np.arange(len(others)) != decision.action
    return int(np.where(others, decision.outputs, -np.inf).argmax())


_WORDS = frozenset({"default", "contrast", "logit", "probability"})


def resolve(system: System, decision: Decision, spec: str | Target = "default") -> Target:
    """The target that a word means in a state.

    Args:
        system: whose outputs and own targets may be named.
        decision: what the policy does there; fixes the chosen action, the runner-up and the mask.
        spec: ``"default"`` (contrast of a choice; else the system's first own target or first output),
            ``"contrast"``, ``"logit"``, ``"probability"`` (of the chosen action), ``"job 1 minus wait"``,
            ``"logit of job 1"``, ``"probability of job 1"``, of switches ``"head 3 on against off"`` (the default: of
            the switch that is nearest to being the other way) and ``"probability of head 3"``, of numbers
            ``"rate against 0.7"``, an output's name, a name from
            ``system.targets``, or a :class:`Target`.

    Raises:
        DnnExplainError: the word means nothing here; the message lists what does.
    """
    if isinstance(spec, Target):
        return spec
    own = system.targets(decision.state)
    if spec in own:
        return own[spec]
    if spec not in _WORDS:  # a system may have a hundred thousand: a word of all systems is none of their names
        for target in own.values():
            if spec == target.name:
                return target
    output = system.output
    if isinstance(output, Discrete):
        targets = _of_choice(output, decision, spec)
    elif isinstance(output, MultiBinary):
        targets = _of_switches(output, decision, own, spec)
    else:
        targets = _of_values(output, own, spec)
    if targets is None and " minus " in spec:
        first, _, second = spec.partition(" minus ")
        targets = contrast(output, first, second)
    if targets is None:
        msg = f"there is no target {spec!r} here; there are: {', '.join(_known(output, own))}"
        raise DnnExplainError(msg)
    return targets


def _of_choice(output: Space, decision: Decision, spec: str) -> Target | None:
    assert decision.action is not None
    if spec in {"default", "contrast"}:
        if len(output.names) < 2:
            if spec == "default":
                return logit(output, 0)
            msg = "a contrast needs two actions; this system has one: explain its logit"
            raise DnnExplainError(msg)
        return contrast(output, decision.action, runner_up(decision))
    kind, _, name = spec.partition(" of ")
    which: int | str = name or decision.action
    if kind == "logit":
        return logit(output, which)
    if kind == "probability":
        return probability(output, which, decision.valid.tolist())
    return logit(output, spec) if spec in output.names else None


def nearest_switch(decision: Decision) -> int:
    """The switch whose log-odds are nearest to 0: among valid ones, or among all where none is."""
    open_ = decision.valid if decision.valid.any() else np.ones_like(decision.valid)
    return int(np.where(open_, np.abs(decision.outputs), np.inf).argmin())


def _of_switches(output: Space, decision: Decision, own: Mapping[str, Target], spec: str) -> Target | None:
    if spec == "default" and own:
        return next(iter(own.values()))
    nearest = nearest_switch(decision)
    if spec in {"default", "contrast", "logit"}:
        return switched(output, nearest)
    if spec == "probability":
        return likely_on(output, nearest)
    kind, _, name = spec.partition(" of ")
    if kind in {"logit", "probability"} and name in output.names:
        return switched(output, name) if kind == "logit" else likely_on(output, name)
    name = spec.removesuffix(_ON)
    return switched(output, name) if name in output.names else None


def _of_values(output: Space, own: Mapping[str, Target], spec: str) -> Target | None:
    if spec == "default":
        return next(iter(own.values()), None) or component(output, 0)
    name, apart, other = spec.rpartition(_AGAINST)
    if apart and name in output.names:
        try:
            return against(output, name, float(other))
        except ValueError:
            return None
    return component(output, spec) if spec in output.names else None


_MOST_LISTED = 60


def _known(output: Space, targets: Mapping[str, Target]) -> list[str]:
    some = output.names[0]
    own = [*islice(targets, _MOST_LISTED), *(["..."] if len(targets) > _MOST_LISTED else [])]
    if isinstance(output, Discrete):
        return [*own, "contrast", "logit", "probability", f"logit of {some}", f"{some} minus {output.names[-1]}"]
    if isinstance(output, MultiBinary):
        return [*own, "contrast", "probability", f"{some}{_ON}", f"probability of {some}"]
    return [*own, *output.names[:12], *(["..."] if len(output.names) > 12 else []), f"{some}{_AGAINST}0"]


def menu(system: System, decision: Decision, limit: int = 100) -> dict[str, Target]:
    """The targets worth offering in a state, by name, the default first; every name resolves back."""
    output, targets = system.output, [resolve(system, decision)]
    if isinstance(output, Discrete):
        chosen, actions = decision.action, range(len(output.names))
        assert chosen is not None
        targets += [contrast(output, chosen, j) for j in actions if j != chosen]
        targets += [logit(output, i) for i in actions]
        targets += [probability(output, i, decision.valid.tolist()) for i in actions if decision.valid[i]]
    elif isinstance(output, MultiBinary):
        targets += [make(output, i) for make in (switched, likely_on) for i in range(len(output.names))]
    else:
        targets += [component(output, i) for i in range(min(limit, len(output.names)))]
        if isinstance(output, Box) and len(output.names) == 1 and np.isfinite(output.bounds).all():
            targets += [against(output, 0, float(other[0])) for other in output.alternatives(decision.taken)]
    own = islice(system.targets(decision.state).values(), limit)
    return {target.name: target for target in [targets[0], *own, *targets[1:]][:limit]}


def by_row(targets: Sequence[Target]) -> RowScalar:
    """One function for a batch in which each row may have a target of its own.

    ``rows`` says which target belongs to each row of the outputs, so that Captum may repeat and
    reorder rows as it likes (it carries ``rows`` along as an additional argument).
    """
    first = targets[0].scalar
    if all(target.scalar == first for target in targets):
        return lambda outputs, inputs, _rows: first(outputs, inputs)
    if all(isinstance(target.scalar, _Contrast | _Output) for target in targets):
        index = torch.tensor([target.index for target in targets])
        against = torch.tensor([-1 if target.against is None else target.against for target in targets])
        return lambda outputs, _inputs, rows: _gathered(outputs, index[rows], against[rows])
    return lambda outputs, inputs, rows: _each(targets, outputs, inputs, rows)


def _gathered(outputs: Tensor, index: Tensor, against: Tensor) -> Tensor:
    other = outputs.gather(1, against.clamp_min(0)[:, None])[:, 0]
    return outputs.gather(1, index[:, None])[:, 0] - torch.where(against >= 0, other, torch.zeros_like(other))


def _each(targets: Sequence[Target], outputs: Tensor, inputs: Tensor, rows: Tensor) -> Tensor:
    place = torch.empty(len(rows), dtype=torch.long)
    parts, filled = [], 0
    for row in torch.unique(rows):
        which = (rows == row).nonzero()[:, 0]
        parts.append(targets[int(row)].scalar(outputs[which], inputs[which]))
        place[which] = torch.arange(filled, filled + len(which))
        filled += len(which)
    return torch.cat(parts)[place]
