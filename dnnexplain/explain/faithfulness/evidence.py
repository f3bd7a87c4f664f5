"""What a trust badge measures: each function gives one number and the sentence that reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max
from torch import Tensor

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.agreement import group_agreement, map_agreement, rank_correlation
from dnnexplain.explain.attribution.methods import METHODS, Measure
from dnnexplain.explain.attribution.sentences import number, percent
from dnnexplain.explain.decisions.real_changes import MOST_OBJECTS, Intervention, mixtures, neighbours, objects
from dnnexplain.explain.faithfulness.additivity import JOINT, bent_share, joint_share
from dnnexplain.explain.faithfulness.tried_cells import concordance, cosine, halves, nudges
from dnnexplain.explain.faithfulness.tried_map import Case
from dnnexplain.explain.networks.hooks import array, shuffled, tensor
from dnnexplain.numbers import probability, share

__all__ = [
    "Evidence",
    "agreement",
    "cells",
    "completeness",
    "infidelity",
    "intervention",
    "randomisation",
    "sensitivity",
]

_SHARES = ("input-x-gradient", "integrated-gradients", "feature-ablation")
_SLOPES = ("saliency", "smoothgrad")
_NONE = float("nan")
_TOO_SLOW = "This method is too slow to be repeated live; ask for the full badge."


class Evidence(NamedTuple):
    """A figure's value (NaN: not measured), what it says, and whether it cannot be worse than amber."""

    value: float
    sentence: str
    mild: bool = False


def completeness(case: Case) -> Evidence:
    """The map's sum against the difference explained."""
    attribution = case.attribution
    if case.entry.measure is not Measure.SHARE:
        what = "A gradient" if case.entry.measure is Measure.SLOPE else "This map"
        return Evidence(_NONE, f"{what} is no share of a difference, so it has nothing to add up to.")
    error = attribution.relative_error
    if not np.isfinite(error):
        return Evidence(
            _NONE,
            f"State and baseline ({attribution.baseline}) give the same {attribution.target}: there is nothing to add up to.",
        )
    promise = "" if case.entry.complete else f" {case.entry.title} does not promise to add up."
    return Evidence(
        error,
        f"The map's sum misses the difference of {number(attribution.explained)} by {percent(error)}.{promise}",
        mild=not case.entry.complete,
    )


def infidelity(case: Case) -> Evidence:
    """Captum's normalised infidelity, as a part of the mean square change (Yeh et al. 2019, definition 2.1)."""
    count = 128 if case.full else 32
    if case.entry.measure is Measure.SLOPE:
        rows, moves = neighbours(case.system, case.state, count, case.seed), "one knob is moved by a step"
    else:
        rows = mixtures(case.system, case.state, case.reference[1], count, case.seed)
        moves = "random objects are put back to the baseline"
    if not len(rows):
        return Evidence(_NONE, "No valid state differs here, so there is no change to predict.")
    after = case.paint(rows)
    lost, weights = case.losses(after), case.weights(after)
    size = float((lost**2).mean())
    if size < 1e-18:
        return Evidence(
            _NONE, f"Nothing that was tried changes {case.attribution.target}, so there is no change to predict."
        )
    predicted = (weights * case.attribution.map).reshape(len(after), -1).sum(axis=1)
    if (
        float(predicted @ lost) <= 0.0
    ):  # Captum's best scale would be negative, and a map with its sign reversed perfect
        said = f"When {moves}, the map predicts the changes no better than zero, or reversed."
        return _limited(1.0, said, joint_share(case, rows, lost))
    values = captum_infidelity(
        case.question.problem.forward,
        lambda _inputs: (torch.from_numpy(weights), tensor(after)),
        tensor(case.observation[None]),
        torch.from_numpy(np.ascontiguousarray(case.attribution.map))[None],
        additional_forward_args=(torch.zeros(1, dtype=torch.long),),
        n_perturb_samples=len(after),
        normalize=True,
    )
    value = max(0.0, float(values[0]) / size)
    said = f"When {moves}, the map leaves {share(value)} of the change (in squares) unexplained."
    joint = joint_share(case, rows, lost)
    return _limited(value, said, joint, _NO_MAP if value >= joint else "")


_NO_MAP = "No map could leave less than {joint}: here effects do not add up."


def _limited(value: float, said: str, joint: float, why: str = _NO_MAP) -> Evidence:
    """A figure that no map can be good at cannot condemn one: where effects do not add up, it is amber at worst."""
    if not joint >= JOINT:
        return Evidence(value, said)
    return Evidence(value, f"{said} {why.format(joint=share(joint))}".rstrip(), mild=True)


def cells(case: Case) -> Evidence:
    """Concordance of what the map gives to single cells with what the network does when cells change.

    See :mod:`dnnexplain.explain.faithfulness.tried_cells`. A map that values knob groups says nothing of single cells.
    """
    if case.entry.groupwise:
        return Evidence(_NONE, f"{case.entry.title} values knob groups and says nothing of single cells.")
    count = 256 if case.full else 64
    slope = case.entry.measure is Measure.SLOPE
    trial = nudges(case, count) if slope else halves(case, count)
    if trial is None:
        return Evidence(_NONE, "No knob group differs from the baseline in two cells, so none can be told apart.")
    predicted, real = trial
    score = case.entry.measure is Measure.SCORE
    value = cosine(predicted, real) if score else concordance(predicted, real)
    if np.isnan(value):
        return Evidence(_NONE, f"Neither map nor network tells cells apart here: none moves {case.attribution.target}.")
    what = "all cells are nudged at random" if slope else "half of each group's cells are put back to the baseline"
    scale = "in direction" if score else "in size and sign"
    said = f"When {what}, map and network agree {number(value)} {scale} (1 is exact, 0 is chance)."
    return _limited(value, said, float("nan") if slope else bent_share(case, count, real))


def sensitivity(case: Case) -> Evidence:
    """Captum's maximum sensitivity over neighbouring states (Yeh et al. 2019, definition 3.1)."""
    if case.skipped:
        return Evidence(_NONE, _TOO_SLOW)
    if not case.attribution.map.any():
        return Evidence(_NONE, "The map is zero everywhere, so a change has no size to be compared with.")
    rows = neighbours(case.system, case.state, 32 if case.full else 8, case.seed)
    if not len(rows):
        return Evidence(_NONE, "No valid state lies one step away.")
    near = tensor(case.paint(rows))

    def explain(inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor]:
        return (case.map_of(inputs[0] if isinstance(inputs, tuple) else inputs),)

    try:
        values = sensitivity_max(explain, tensor(case.observation[None]), lambda _x: near, n_perturb_samples=len(near))
    except DnnExplainError:
        return Evidence(_NONE, f"{case.entry.title} refuses a neighbouring state, so its stability is unknown.")
    value = float(values[0])
    return Evidence(value, f"One step of one knob changes the map by up to {share(value)} of its size.")


def randomisation(case: Case) -> Evidence:
    """Rank correlation with the maps of networks whose weights are shuffled (Adebayo et al. 2018)."""
    if case.skipped:
        return Evidence(_NONE, _TOO_SLOW)
    similarities, seen = [], tensor(case.observation[None])
    for k in range(10 if case.full else 3):
        try:
            map_then = array(case.map_of(seen, shuffled(case.question.problem.module, 1000 * case.seed + k))[0])
        except DnnExplainError:
            continue
        same = (
            group_agreement(case.attribution.map, map_then, case.system)
            if case.entry.groupwise
            else map_agreement(case.attribution.map, map_then)
        )
        similarities.append(0.0 if np.isnan(same) else same)
    if not similarities or not case.attribution.map.any():
        return Evidence(_NONE, "The map is zero everywhere, so there is nothing to compare.")
    value = abs(float(np.mean(similarities)))
    ending = (
        "it depends on what was learned"
        if value <= 0.3
        else "part of it would look the same for a network that learned nothing"
    )
    return Evidence(value, f"With shuffled weights the map's ranks correlate {number(value)} with its own: {ending}.")


def intervention(case: Case) -> Evidence:
    """Rank correlation between what the map gives to each object and what putting it back really changes."""
    interventions = case.interventions
    if not interventions:
        return Evidence(
            _NONE, f"The state is as in the baseline ({case.reference[0]}) already, so nothing can be put back."
        )
    predicted = np.array([item.predicted for item in interventions])
    real = np.array([item.actual for item in interventions])
    top = _sentence(case, interventions[int(np.abs(predicted).argmax())])
    if len(interventions) < 3:
        value = float(np.mean(np.sign(predicted) == np.sign(real)))
        return Evidence(
            value, f"{top} The sign is right for {share(value)} of {counted(len(interventions), 'object')}."
        )
    value = rank_correlation(predicted, real)
    joint = _joint_in_mixtures(case)
    if np.isnan(value):
        flat = "the map" if np.ptp(predicted) == 0 else "the network"
        return Evidence(
            0.0 if np.ptp(real) > 0 else _NONE, f"{top} There is no order to compare: {flat} treats all objects alike."
        )
    known = len(objects(case.system))
    drawn = f" drawn from {known:,}" if known > MOST_OBJECTS else ""
    said = (
        f"{top} Over {counted(len(interventions), 'object')}{drawn}, map and reality correlate {number(value)} in rank."
    )
    return _limited(value, said, joint, "No sum over objects explains {joint} of what they do: effects do not add up.")


def _joint_in_mixtures(case: Case) -> float:
    """:func:`joint_share` where random objects are put back."""
    rows = mixtures(case.system, case.state, case.reference[1], 128 if case.full else 32, case.seed)
    return joint_share(case, rows, case.losses(case.paint(rows))) if len(rows) else _NONE


def _sentence(case: Case, intervention: Intervention) -> str:
    """The intervention in words: "Without job 3 the probability of job 1 moves from 0.71 to 0.20."."""
    what = (
        f"Without {intervention.name}" if intervention.gone else f"With {intervention.name} as in {case.reference[0]}"
    )
    decision, names = case.attribution.decision, case.system.output.names
    if decision.action is None:
        return f"{what}, {case.attribution.target} falls by {number(intervention.actual)}."
    chosen = names[decision.action]
    moved = f"the probability of {chosen} moves from {probability(intervention.probability_before)} to {probability(intervention.probability_after)}"
    changed = intervention.action_after is not None and intervention.action_after != decision.action
    return f"{what} {moved}{f', and {names[intervention.action_after or 0]} is chosen' if changed else ''}."


def agreement(case: Case) -> Evidence:
    """Mean rank correlation over knob groups with other methods that give numbers of the same kind, as drawn."""
    slope = case.entry.measure is Measure.SLOPE
    values: dict[str, float] = {}
    left_out = _left_out(case)
    for name in _SLOPES if slope else _SHARES:
        if name == case.entry.name or name in left_out:
            continue
        problem = replace(case.question.problem, settings={})
        other = array(METHODS[name].apply(problem).map[0])
        value = group_agreement(case.attribution.map, other, case.system)
        if np.isfinite(value):
            values[METHODS[name].title] = value
    if not values:
        return Evidence(_NONE, "The maps do not vary enough between knob groups to be ranked.")
    mean = float(np.mean(list(values.values())))
    each = ", ".join(f"{name} {number(value)}" for name, value in values.items())
    kind = "slopes" if slope else "shares"
    without_some = (
        ""
        if slope
        else "".join(
            f" {METHODS[name].title} would ask once for each of {len(case.system.groups):,} groups; only the full badge does."
            for name in left_out
        )
    )
    return Evidence(
        mean, f"Knob groups rank alike to {number(mean)} on average with other {kind} ({each}).{without_some}"
    )


def _left_out(case: Case) -> tuple[str, ...]:
    """Methods that ask once for each knob group, where a light badge has too many of these."""
    if case.full or len(case.system.groups) <= MOST_OBJECTS:
        return ()
    return tuple(name for name in _SHARES if METHODS[name].groupwise)
