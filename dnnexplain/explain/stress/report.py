"""The deployment report: one page that an operator can read, print, and keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import BETTER, UNSAFE, WITHIN, WORSE, YARDSTICK
from dnnexplain.numbers import figure, interval, number, percent

__all__ = ["report_html"]

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#d9dce1;--page:#fff;--good:#2b6cb0;--bad:#b03030;--even:#80838d}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a3a8b0;--line:#3a3f47;--page:#16181c;--good:#7fb2e5;--bad:#f08a8a;--even:#9a9ea8}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2.5rem auto;padding:0 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-size:.88rem}th{text-align:left;color:var(--soft);font-weight:500}
td,th{padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
small,.soft{color:var(--soft)}code{font-size:.85em;overflow-wrap:anywhere}.better{color:var(--good)}.unsafe,.worse{color:var(--bad)}.unsafe{font-weight:650}
svg{display:block}svg line{stroke:var(--even);stroke-width:1.5}svg .zero{stroke:var(--line)}svg circle{fill:currentColor}
@media print{:root{color-scheme:light}body{margin:0;max-width:none;font-size:11pt}tr,h2{break-inside:avoid}h2{break-after:avoid}}
"""
SPAN = 1.0
"""Gaps beyond this are drawn at the edge."""


def report_html(found: StressTest, command: str, files: Mapping[str, str], limits: Mapping[str, str]) -> str:
    """The page.

    Args:
        found: the test.
        command: that makes it again.
        files: of worst cases, by scenario.
        limits: by text, why each is broken.
    """
    title = f"Deployment report: {found.question.policy} in {found.question.system}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(found.sentence())}</p>",
        f"<p class=soft>Everything on this page comes from <code>{escape(command)}</code></p>",
        _section("What it is", _what(found)),
        _section("How good, and how surely", _nominal(found)),
        _section("Where it is worse, and what it must not be trusted with", _bad(found)),
        _section("Likely inputs that are bad for it", _generated(found)),
        _section("Limits", _limits(limits)),
        _section("Every scenario", [_table(found, files)]),
        _section("How to read the verdicts", _reading(found)),
        _section("What was not tested", [f"<p>{escape(one)}</p>" for one in found.left_out]),
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _section(title: str, parts: Sequence[str]) -> str:
    return f"<h2>{escape(title)}</h2>{''.join(parts)}" if parts else ""


def _what(found: StressTest) -> list[str]:
    asked = found.question
    settings = ", ".join(f"{key} {value}" for key, value in asked.parameters.items())
    weights = f", weights {asked.checkpoint[:16]}" if asked.checkpoint else ""
    text = f"Policy {asked.policy}{weights}; system {asked.system}{f' ({settings})' if settings else ''}; seed {asked.seed}; a budget of {asked.settings['budget']} runs."
    guard = (
        found.guard
        or "It was tested without a guard; dnnexplain guard makes one, and --guard puts it around the policy here."
    )
    return [f"<p>{escape(one)}</p>" for one in (text, guard, *asked.assumed)]


def _nominal(found: StressTest) -> list[str]:
    one = found.scenarios[0]
    sure = "" if one.sure else " The interval does not settle it."
    text = (
        f"On {one.sets} ordinary workloads the cost ({found.cost_name}) is {number(one.cost)}, 95% interval {interval(one.low, one.high)}; "
        f"that of the best rule, {one.best_rule}, is {number(one.rule_cost)}. The gap is {percent(one.gap, sign=True)} "
        f"({_ends(one)}): {one.verdict}.{sure}"
    )
    return [f"<p>{escape(text)}</p>"]


def _bad(found: StressTest) -> list[str]:
    rows = [one for one in found.scenarios if one.verdict in {UNSAFE, WORSE}]
    if not rows:
        return ["<p>In no scenario that was run is it worse than the best rule by more than 5%.</p>"]
    rows.sort(key=lambda one: (one.verdict != UNSAFE, -one.gap))
    items = "".join(
        f"<li><b class={one.verdict}>{one.verdict}</b> {escape(one.name)}: {escape(one.why or 'the cost is ' + percent(one.gap, sign=True))}. "
        f"<span class=soft>{escape(one.sentence)}</span></li>"
        for one in rows
    )
    return [f"<ul>{items}</ul>"]


def _generated(found: StressTest) -> list[str]:
    made = found.generated
    if made is None:
        return []
    text = (
        f"In {made.runs} runs a search found ten inputs that cost {number(made.regret)} more than {made.reference}; the ten worst of "
        f"as many drawn ones cost {number(made.drawn_regret)} more. Each is at least as likely as the least likely {percent(made.least)} of "
        f"ordinary workloads. The ten lie in {made.cells} of 36 kinds."
    )
    rows = "".join(
        f"<tr><td class=n>{percent(one['plausibility'])}</td><td class=n>{figure(one['regret'])}</td><td class=n>{figure(one['cost'])}</td>"
        f"<td>{_optimum(one)}</td></tr>"
        for one in made.front
    )
    head = "<tr><th>ordinary inputs that are no likelier<th>regret<th>cost<th>the optimum's cost</tr>"
    return [f"<p>{escape(text)}</p><table>{head}{rows}</table>"]


def _optimum(point: Mapping[str, Any]) -> str:
    lower, upper = point["optimum"]
    if lower is None or upper is None:
        return "not known"
    return figure(upper) if point["optimum_status"] == "optimal" else f"{figure(lower)} to {figure(upper)}"


def _limits(limits: Mapping[str, str]) -> list[str]:
    return [
        f"<p><b class={'unsafe' if why else 'better'}>{'broken' if why else 'kept'}</b> "
        f"<code>{escape(text)}</code>{escape(': ' + why if why else '')}</p>"
        for text, why in limits.items()
    ]


def _table(found: StressTest, files: Mapping[str, str]) -> str:
    head = "<tr><th>scenario<th>verdict<th>cost<th>best rule<th>gap<th><th>runs<th>worst case</tr>"
    rows = "".join(
        f"<tr><td title='{escape(one.sentence, quote=True)}'>{escape(one.name)}<td class='{one.verdict.split()[0]}'>{one.verdict}"
        f"{'' if one.sure else ' <small>(not surely)</small>'}<td class=n>{figure(one.cost)}<td>{escape(one.best_rule)} {figure(one.rule_cost)}"
        f"<td class=n>{percent(one.gap, sign=True)}<td>{_mark(one)}<td class=n>{one.sets}<td>{_link(files.get(one.name))}</tr>"
        for one in found.scenarios
    )
    return f"<table>{head}{rows}</table>"


def _link(file: str | None) -> str:
    return f"<a href='{escape(file, quote=True)}'>file</a>" if file else ""


def _mark(one: ScenarioResult) -> str:
    """The gap and its interval on an axis from -100% to +100%."""

    def place(value: float) -> float:
        return 60.0 + 56.0 * max(-SPAN, min(SPAN, value)) / SPAN

    line = (
        ""
        if math.isnan(one.gap_low)
        else f"<line x1={place(one.gap_low):.1f} x2={place(one.gap_high):.1f} y1=8 y2=8 />"
    )
    label = f"gap {percent(one.gap, sign=True)}, {_ends(one)}"
    return (
        f"<svg width=120 height=16 role=img aria-label='{label}' class='{one.verdict.split()[0]}'><line class=zero x1=60 x2=60 y1=0 y2=16 />"
        f"{line}<circle cx={place(one.gap):.1f} cy=8 r=3.2 /></svg>"
    )


def _ends(one: ScenarioResult) -> str:
    return (
        "no interval" if math.isnan(one.gap_low) else f"95% interval {interval(one.gap_low, one.gap_high, ratio=True)}"
    )


def _reading(found: StressTest) -> list[str]:
    scale = "" if found.ratio else f" {YARDSTICK}"
    text = (
        f"The gap is by how much the policy costs more than the rule that is best in the scenario, all fair rules tried. {BETTER}: its 95% interval "
        f"lies below 0. {WITHIN}: the gap is at most 5%. {UNSAFE}: the gap is above 50%, or something went wrong that "
        f"does not with the best rule, or an output was not a number. {WORSE}: the rest. Not surely: part of the interval lies elsewhere.{scale}"
    )
    return [f"<p>{escape(text)}</p>"]
