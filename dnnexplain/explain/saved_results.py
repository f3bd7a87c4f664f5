"""A saved result beside the present one, of any kind for which that means something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import DnnExplainError, cost_unit
from dnnexplain.counts import counted
from dnnexplain.explain.adversarial.report import told_changes
from dnnexplain.explain.adversarial.result import Adversarial
from dnnexplain.explain.attribution.saved_attribution import asked_differently
from dnnexplain.explain.attribution.sentences import number, start
from dnnexplain.explain.decisions.record import DecisionRecord
from dnnexplain.explain.probing.account import Account
from dnnexplain.explain.probing.threshold_maps import ThresholdMap
from dnnexplain.explain.probing.thresholds import Curves
from dnnexplain.explain.transfer.grid import Transfer
from dnnexplain.results import Question, Result, array_field

__all__ = ["COMPARABLE", "SavedAndNow", "compare_with_saved"]

MOST = 12
"""Rows of a comparison that are kept: those that moved most."""
_NAMED = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedAndNow(Result):
    """Two results of one kind, figure by figure.

    Attributes:
        question, then: what is asked now and what was asked then.
        differs: what was asked differently, in words; empty if the questions are the same.
        what: what the rows are, ``"probability"``; ``unit`` theirs.
        labels: of the rows ``[N]``, in their order, or by how far they moved where there are many.
        before, after: the figures then and now ``[N]``; NaN where there is none.
        words: what changed.
    """

    question: Question
    then: Question
    differs: tuple[str, ...]
    what: str
    unit: str
    labels: tuple[str, ...]
    words: str
    before: NDArray[np.float64] = array_field("row")
    after: NDArray[np.float64] = array_field("row")

    def sentence(self) -> str:
        """What was asked differently, and what changed."""
        question = f"Asked differently: {'; '.join(self.differs)}." if self.differs else "The same question as then."
        return f"{question} {self.words}"

    def table(self) -> list[dict[str, Any]]:
        """One row per figure."""
        rows = zip(self.labels, self.before, self.after, strict=True)
        return [{"row": label, "then": float(then), "now": float(now)} for label, then, now in rows]

    def picture(self) -> Chart:
        """Each figure then and now."""
        return bars(self.labels, {"then": self.before, "now": self.after}, Axis(self.what, self.unit))


def compare_with_saved(then: Result, now: Result) -> SavedAndNow:
    """Put a saved result beside the present one of the same kind.

    Args:
        then: as it was saved; of another network, state or version, as may be.
        now: the present one.

    Raises:
        DnnExplainError: another kind, another system, or two answers that have nothing in common; says what to do.
    """
    if type(then) is not type(now):
        msg = f"the file holds {_kind(then)}, the panel shows {_kind(now)}; choose a file that was saved in this panel"
        raise DnnExplainError(msg)
    compare = COMPARABLE.get(type(now))
    if compare is None:
        msg = f"{_kind(now)} has no comparison with an earlier one; open the saved file by itself instead"
        raise DnnExplainError(msg)
    first, other = _question(then), _question(now)
    if first.system != other.system:
        msg = f"the saved result is about {first.system}, this one about {other.system}; compare results of one system"
        raise DnnExplainError(msg)
    what, unit, labels, before, after, words, *more = compare(then, now)
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    return SavedAndNow(
        question=other, then=first, differs=(*asked_differently(first, other), *more), what=what, unit=unit,
        labels=tuple(labels), before=old, after=new, words=words,
    )  # fmt: skip


Parts = tuple[Any, ...]
"""What a comparison returns: what, unit, labels, before, after, words, and what else was asked differently."""


def _decisions(then: DecisionRecord, now: DecisionRecord) -> Parts:
    _same_names("actions", then.names, now.names)
    first, other = (_probability(side, side.action) for side in (then, now))
    if then.action == now.action:
        words = f"The decision is {now.action} as it was; its probability went from {number(first)} to {number(other)}."
    else:
        was, left = number(first), number(_probability(now, then.action))
        words = f"The decision was {then.action} ({was}), now it is {now.action} ({number(other)}); {then.action} has {left} left."
    if np.array_equal(then.outputs, now.outputs):
        words = f"The decision is {now.action} as it was, to the last digit."
    return "probability", "", now.names, then.probabilities, now.probabilities, words


def _accounts(then: Account, now: Account) -> Parts:
    _same_names("knob groups", then.groups, now.groups)
    turned = (then.pro, then.contra) == (now.contra, now.pro)  # the same difference, seen from the other side
    if not turned and (then.pro, then.contra) != (now.pro, now.contra):
        was, is_now = (f"{item.pro} against {item.contra}" for item in (then, now))
        msg = (
            f"the saved account is of {was}, this one of {is_now}; choose the same two outputs above, and compare again"
        )
        raise DnnExplainError(msg)
    labels = (*now.groups, "biases")
    sign = -1.0 if turned else 1.0
    before, after = ([*(side * item.by_group), side * item.constant] for item, side in ((then, sign), (now, 1.0)))
    names, old, new = _most(labels, before, after)
    words = f"The difference between {now.pro} and {now.contra or 'nothing'} was {number(sign * then.contrast)}, now {number(now.contrast)}. {_moved(labels, before, after)}"
    if then.question.checkpoint == now.question.checkpoint and then.activation.shape == now.activation.shape:
        switched = np.flatnonzero((then.activation > 0) != (now.activation > 0))
        words += f" {_neurons(switched)} between off and on." if len(switched) else " No neuron was switched."
    return "share of the difference", "logit", names, old, new, words


def _curves(then: Curves, now: Curves) -> Parts:
    _same_layer(then, now)
    _same_names("swept knobs", then.knobs, now.knobs)
    peaks = [np.max([values.max(axis=1) for values in item.activation], axis=0) for item in (then, now)]
    labels = [f"neuron {unit}" for unit in range(len(peaks[0]))]
    names, old, new = _most(labels, *peaks)
    crossed = np.flatnonzero((peaks[0] > 0) != (peaks[1] > 0)) if now.rectified else np.array([])
    words = f"Highest activation over {', '.join(now.knobs)}: {_moved(labels, *peaks)}"
    if len(crossed):
        words += f" {_neurons(crossed)} between never and sometimes on."
    return "highest activation", "", names, old, new, words


def _maps(then: ThresholdMap, now: ThresholdMap) -> Parts:
    if then.kind != now.kind:
        msg = (
            f"the saved map is over {then.kind}, this one over {now.kind}; choose {then.kind} above, and compare again"
        )
        raise DnnExplainError(msg)
    _same_names("objects", then.knobs, now.knobs)
    counts = [item.shows.sum(axis=0).astype(np.float64) for item in (then, now)]
    some = [int(item.shows.any(axis=1).sum()) for item in (then, now)]
    sizes = [len(item.shows) for item in (then, now)]
    words = f"{some[0]} of {sizes[0]} neurons showed thresholds, now {some[1]} of {sizes[1]}."
    if then.question.checkpoint == now.question.checkpoint and then.shows.shape == now.shows.shape:
        pairs = [(getattr(then, name), getattr(now, name)) for name in ("turns_on", "turns_off", "starts_changing", "stops_changing")]  # fmt: skip
        moved = np.any([~((first == other) | (np.isnan(first) & np.isnan(other))) for first, other in pairs], axis=0)
        words += f" {int(moved.sum())} of {counted(moved.size, 'cell')} have another threshold."
    others = () if then.curves.others == now.curves.others else (f"other objects were {then.curves.others}, now {now.curves.others}",)  # fmt: skip
    return "neurons with a threshold", "neurons", now.knobs, counts[0], counts[1], words, *others


def _transfers(then: Transfer, now: Transfer) -> Parts:
    places = [
        {(row.label, column.label): (r, c) for r, row in enumerate(item.rows) for c, column in enumerate(item.columns) if item.done[r, c]}
        for item in (then, now)
    ]  # fmt: skip
    shared = [cell for cell in places[1] if cell in places[0]]
    if not shared:
        msg = "the saved grid has no cell that was run in this one too; run the same grid, and compare again"
        raise DnnExplainError(msg)
    labels = [f"{row}, {column}" for row, column in shared]
    scale = 100.0 if now.ratio else 1.0
    values = [[scale * float(item.relative[(*at[cell], 0)]) for cell in shared] for item, at in zip((then, now), places, strict=True)]  # fmt: skip
    verdicts = [[item.verdict(*at[cell]) for cell in shared] for item, at in zip((then, now), places, strict=True)]
    turned = [f"{label}: {was}, now {is_now}" for label, was, is_now in zip(labels, *verdicts, strict=True) if was != is_now]  # fmt: skip
    text = f"{len(turned)} of {len(shared)} cells in common turned" if turned else f"None of {len(shared)} cells in common turned"  # fmt: skip
    named = f" ({'; '.join(turned[:_NAMED])}{'; and others' if len(turned) > _NAMED else ''})" if turned else ""
    wins = [f"{side.count('wins')}" for side in verdicts]
    words = f"{now.policies[0]} won {wins[0]} of them then, {wins[1]} now. {text}{named}."
    names, old, new = _most(labels, *values)
    sets = [item.question.settings.get("sets") for item in (then, now)]
    more = () if sets[0] == sets[1] else (f"{sets[0]} workloads per cell, now {sets[1]}",)
    unit = "%" if now.ratio else cost_unit(now.cost_name)
    return "cost over the best rule's", unit, names, old, new, words, *more


def _attacks(then: Adversarial, now: Adversarial) -> Parts:
    sides = [_attack_words(item) for item in (then, now)]
    words = f"Then: {sides[0]}. Now: {sides[1]}." if sides[0] != sides[1] else f"Then as now: {sides[0]}."
    distances = [np.nan if item.distance is None else item.distance for item in (then, now)]
    labels = ("cost of the smallest change found", "cost up to which there is proved to be none", "loss of the decision as given")  # fmt: skip
    before, after = ([at, item.radius, item.before.loss] for at, item in zip(distances, (then, now), strict=True))
    costs = [item.question.settings.get("costs") for item in (then, now)]
    more = () if costs[0] == costs[1] else ("changes cost otherwise",)
    return "cost", "", labels, before, after, words, *more


def _attack_words(adversarial: Adversarial) -> str:
    if adversarial.distance is None:
        return (
            "no change fools it, proved"
            if adversarial.complete
            else f"none was found; proved up to cost {number(adversarial.radius)}"
        )
    proof = "proved minimal" if adversarial.proved_minimal else "not proved minimal"
    return f"{told_changes(adversarial.changes)} (cost {number(adversarial.distance)}, {proof})"


COMPARABLE: dict[type, Callable[[Any, Any], Parts]] = {
    DecisionRecord: _decisions,
    Account: _accounts,
    Curves: _curves,
    ThresholdMap: _maps,
    Transfer: _transfers,
    Adversarial: _attacks,
}
"""How results of a kind are compared; see also ``compare_saved`` for explanations with their badges."""


def _question(result: Result) -> Question:
    question: Question = getattr(result, "question")  # noqa: B009 - every comparable kind has one
    return question


def _kind(result: Result) -> str:
    return f"a saved {type(result).__name__}"


def _probability(record: DecisionRecord, action: str) -> float:
    return float(record.probabilities[record.names.index(action)])


def _same_names(what: str, then: Sequence[str], now: Sequence[str]) -> None:
    if tuple(then) != tuple(now):
        msg = f"the saved result has other {what} ({', '.join(list(then)[:_NAMED])}, …) than this one ({', '.join(list(now)[:_NAMED])}, …), so there is nothing to compare one to one"
        raise DnnExplainError(msg)


def _same_layer(then: Curves, now: Curves) -> None:
    if then.question.checkpoint != now.question.checkpoint:
        msg = f"the saved curves are of {then.question.policy}, whose neurons are not those of {now.question.policy}; choose that network above, and compare again"
        raise DnnExplainError(msg)
    if then.layer != now.layer:
        msg = f"the saved curves are of layer {then.layer}, these of {now.layer}; choose the same layer above, and compare again"
        raise DnnExplainError(msg)


def _most(labels: Sequence[str], before: Any, after: Any) -> tuple[list[str], Any, Any]:
    """The rows that moved most, in the order of the labels."""
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    kept = np.sort(np.argsort(-np.abs(new - old), kind="stable")[:MOST])
    return [labels[at] for at in kept], old[kept], new[kept]


def _moved(labels: Sequence[str], before: Any, after: Any) -> str:
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    at = int(np.nanargmax(np.abs(new - old)))
    if old[at] == new[at]:
        return "Nothing moved, to the last digit."
    return f"{start(labels[at])} moved most, from {number(float(old[at]))} to {number(float(new[at]))}."


def _neurons(which: NDArray[Any]) -> str:
    names = ", ".join(map(str, which[:_NAMED])) + (" and others" if len(which) > _NAMED else "")
    return f"{len(which)} neuron{'s' if len(which) > 1 else ''} switched ({names})"
