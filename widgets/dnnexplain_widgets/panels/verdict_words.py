"""The items of a verdict in words: a label, a figure, and a sentence for those who point at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dnnexplain.contract import Spec
from dnnexplain.counts import counted
from dnnexplain.explain.verdict.optimality import Optimality
from dnnexplain.explain.verdict.standing import Standing
from dnnexplain.numbers import TRIFLE, as_told, gap, number, tally, thing
from dnnexplain_widgets.words import label, with_unit

__all__ = ["NOT_RUN", "Item", "beside_rule", "loses", "now", "proofs", "went_wrong_item"]

Item = dict[str, Any]
"""``{key, label, value, note, level, words, opens}``: level is "good", "bad", "fair" or empty."""

NOT_RUN = "not worked out yet"
_HUNDREDTH, _TENTHS_OF_PERCENT = 0.01, 0.0001


def beside_rule(standing: Standing, spec: Spec) -> Item:
    """How much better than the best rule, with its interval."""
    row = standing.ordinary
    rule = spec.rules.get(row.rule, row.rule)
    unit = spec.cost.unit or ""
    span = _span(row.low, row.high, standing)
    word = {-1: "better", 1: "worse"}.get(row.sure, "")
    size = _size(abs(row.gap), standing, unit)
    cost, (mine, best) = as_told(standing.cost, row.cost, row.rule_cost)
    of_what = "" if standing.ratio or unit else f" in {cost}"
    short = label(row.rule)
    value = f"{size} {word}" if row.sure else f"as good as {short}"
    note = f"than {short}{of_what}, 95%: {span}" if row.sure else f"95%: {span}"
    level = {-1: "good", 1: "bad", 0: "fair"}[row.sure]
    words = (
        f"Over {row.sets:,} unseen {spec.workloads}: {cost} {number(mine)}; the best rule, {rule}, {number(best)}. "
        f"95% interval: {span}{f' {word}' if word else ''}."
    )
    return {
        "key": "gain", "label": "Against the best rule", "value": value, "note": note,
        "level": level, "words": words, "opens": "TransferPanel",
    }  # fmt: skip


def _span(low: float, high: float, standing: Standing) -> str:
    """``1.24% to 4.99%``; where the interval has zero inside, both ends say which side they are on."""
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    if high < 0:
        return f"{_end(high, standing)} to {_end(low, standing)}"
    if low > 0:
        return f"{_end(low, standing)} to {_end(high, standing)}"
    return f"{_end(low, standing)} better to {_end(high, standing)} worse"


def _end(value: float, standing: Standing) -> str:
    return _size(abs(value), standing, "")


def _size(value: float, standing: Standing, unit: str) -> str:
    """A share with as many decimals as its fellows in the strip: one, of less than a hundredth two."""
    if not standing.ratio or abs(value) < _TENTHS_OF_PERCENT:
        return gap(value, ratio=standing.ratio, unit=unit).lstrip("+")
    return f"{100 * value:.{2 if abs(value) < _HUNDREDTH else 1}f}%"


def went_wrong_item(standing: Standing, spec: Spec) -> Item | None:
    """What must not happen, and how often it did; nothing for a system that names no such thing."""
    row = standing.ordinary
    parts = []
    for metric in spec.metrics:
        if metric.wrong and metric.name in row.wrong:
            count = row.wrong[metric.name]
            parts.append((count, thing(tally(count), metric.words or metric.title)))
    if not parts:
        return None
    bad = [text for count, text in parts if count > 0]
    value = ", ".join(bad) if bad else "nothing"
    seen = f"{row.sets:,} {spec.workloads}"
    note = seen if bad else f"{', '.join(text for _count, text in parts)}; {seen}"
    caveats = [
        metric.caveat for metric in spec.metrics if metric.wrong and metric.caveat and row.wrong.get(metric.name)
    ]
    rule = spec.rules.get(row.rule, row.rule)
    others = ", ".join(f"{name.replace('_', ' ')} {tally(count)}" for name, count in row.rule_wrong.items())
    words = " ".join([f"On the same {row.sets:,} {spec.workloads}. With {rule}: {others}.", *caveats])
    return {"key": "wrong", "label": "What goes wrong", "value": value, "note": note,
            "level": "bad" if bad else "good", "words": words, "opens": "TransferPanel"}  # fmt: skip


def loses(standing: Standing, spec: Spec) -> Item | None:
    """On which kinds of workload it is surely worse than the best rule there."""
    if not standing.shifts:
        return None
    lost = [shift for shift in standing.shifts if shift.sure > 0]
    titles = {family.name: family.title or family.name for family in spec.families}
    if lost:
        names = [titles.get(item.label, item.label) for item in lost]
        value = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        where = f"{names[0]}: " if len(names) > 1 else ""
        note = f"{where}{_size(lost[0].gap, standing, spec.cost.unit)} worse than the best rule there"
    else:
        value, note = "nowhere surely", f"{counted(len(standing.shifts), 'kind')} tried"
    known = {family.name: family.about.rstrip(".") for family in spec.families}
    text = "; ".join(f"{_kind(shift.label, known)} {standing.gap_words(shift)}" for shift in standing.shifts)
    words = f"Kinds of {spec.workloads}, {standing.shifts[0].sets} each, against the best rule of each: {text}."
    return {"key": "loses", "label": "Where it loses", "value": value, "note": note,
            "level": "bad" if lost else "good", "words": words, "opens": "TransferPanel"}  # fmt: skip


def _kind(label: str, known: Mapping[str, str]) -> str:
    """A kind of workload; of a family what its menu says of it, too."""
    about = known.get(label, "")
    return f"{label} ({about[:1].lower()}{about[1:]})" if about else label


def now(optimality: Optimality | None) -> Item:
    """Whether the present decision is optimal, and by how much it is not."""
    item: Item = {"key": "now", "label": "This decision", "opens": "DecisionPanel"}
    if optimality is None:
        words = "It is judged by the optimum when the state has been at rest for a second."
        return {**item, "value": "…", "note": "judged in a second", "level": "", "words": words}
    how = "proved" if optimality.proved else "not proved"
    if optimality.optimal:
        return {**item, "value": "optimal", "note": how, "level": "good", "words": optimality.sentence()}
    value = _costs(optimality)
    note = f"best: {' or '.join(optimality.best)}, {how}" if optimality.best else how
    return {
        **item,
        "value": value,
        "note": note,
        "level": "bad" if optimality.proved else "fair",
        "words": optimality.sentence(),
    }


def _costs(optimality: Optimality) -> str:
    """``costs 0.742 more``; a trifle has no digits."""
    if optimality.loss < TRIFLE:
        return f"costs {optimality.more}"
    about = "" if optimality.proved else "about "
    return f"costs {about}{with_unit(optimality.loss, '')} more"


def proofs(standing: Standing | None, spec: Spec) -> Item | None:
    """Which of the system's properties hold in every state, which fail somewhere, which nobody settled."""
    if not spec.properties:
        return None
    settled = standing.proved if standing is not None else {}
    text = " ".join(f"{_SETTLED[settled.get(item.name, '')]}: {item.about}" for item in spec.properties)
    words = f"{text} By the command: dnnexplain prove {spec.name} --property NAME."
    item: Item = {"key": "proved", "label": "Proved for all states", "words": words, "opens": "NeverPanel"}
    if not settled:
        return {
            **item,
            "value": "nothing yet",
            "note": f"{counted(len(spec.properties), 'property', 'properties')} to prove",
            "level": "",
        }
    held, failed = (sum(item == which for item in settled.values()) for which in ("holds", "fails"))
    unsettled = len(spec.properties) - held - failed
    note = ", ".join(filter(None, [f"{failed} refuted" if failed else "", f"{unsettled} open" if unsettled else ""]))
    value = f"{held} of {counted(len(spec.properties), 'property', 'properties')}"
    return {**item, "value": value, "note": note or "all hold", "level": "bad" if failed else "good" if held else ""}


_SETTLED = {
    "holds": "Proved",
    "fails": "Refuted by a state",
    "open": "Open",
    "": "Not tried",
}
