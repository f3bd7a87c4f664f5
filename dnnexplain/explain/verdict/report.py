"""The deployment report of a page: its verdict as a page of its own, to read, print and keep."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from dnnexplain.contract import State, System
from dnnexplain.explain.verdict.optimality import Optimality
from dnnexplain.explain.verdict.standing import Compared, Standing
from dnnexplain.numbers import as_told, number, percent, tally
from dnnexplain.registry import spec_of
from dnnexplain.rule_names import rule_label

__all__ = ["report_html"]

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2530;--soft:#586270;--line:#dde1e6;--page:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e7eaee;--soft:#a3adb9;--line:#343b46;--page:#12151a}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2.5rem auto;padding:0 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{max-width:72ch}
table{border-collapse:collapse;width:100%;font-size:.88rem}th{text-align:left;color:var(--soft);font-weight:500}
td,th{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.soft{color:var(--soft)}.box{overflow-x:auto}
@media print{:root{color-scheme:light}body{margin:0;max-width:none;font-size:11pt}tr,h2{break-inside:avoid}h2{break-after:avoid}}
"""

_READING = (
    "A gap says by how much the network {costs} than the best rule on the same workloads; {better} zero it is better. The "
    "interval holds the true gap in 95 of 100 such tests. The best rule is chosen on those workloads, which favours it."
)


def report_html(standing: Standing, decision: Optimality | None, system: System, state: State) -> str:
    """A page that needs nothing but itself.

    Args:
        standing: how the network stands.
        decision: the word on its decision in the state, if there is one.
        system, state: where that decision is made.
    """
    spec, question = spec_of(system), standing.question
    title = f"Deployment report: {question.policy}"
    who = ", ".join(f"{name} {value}" for name, value in question.versions.items())
    properties = "".join(
        f"<tr><td>{escape(item.about)}<td>{ {'holds': 'proved', 'fails': 'refuted', 'open': 'open'}.get(standing.proved.get(item.name, ''), 'not tried') }"
        for item in spec.properties
    )
    parts = [
        f"<h1>{escape(title)}</h1><p class=soft>{escape(spec.title)}. {escape(spec.sentence)}</p>",
        f"<h2>How good, and how surely</h2><p>{escape(standing.sentence())}</p>",
        f"<h2>On which workloads</h2><div class=box>{_table(standing)}</div>",
        f"<h2>One decision</h2><p>{escape(system.describe(state))} {escape(decision.sentence() if decision else 'It was not judged.')}</p>",
        f"<h2>What is proved for all states</h2><table>{properties}</table>" if properties else "",
        f"<h2>How to read it</h2><p>{_reading(standing)}</p>",
        "".join(f"<p>{escape(caveat)}</p>" for caveat in spec.caveats),
        f"<p class=soft>Weights {escape(question.checkpoint[:16]) or 'without a name'}; seed {question.seed}; {escape(who)}; {datetime.now(UTC):%d %B %Y}.</p>",
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _reading(standing: Standing) -> str:
    earned = as_told(standing.cost)[0] != standing.cost and not standing.ratio
    return _READING.format(costs="earns more" if earned else "costs more", better="above" if earned else "below")


def _table(standing: Standing) -> str:
    cost = as_told(standing.cost)[0]
    heads = (
        "workloads",
        "how many",
        cost,
        "best rule",
        "its cost" if cost == standing.cost else "its value",
        "gap (95%)",
        "share lost",
        "what goes wrong",
    )
    numeric = {1, 2, 4, 5, 6}
    top = "".join(f"<th{' class=n' if at in numeric else ''}>{escape(text)}" for at, text in enumerate(heads))
    rows = "".join(f"<tr>{_row(standing, item, numeric)}" for item in (standing.ordinary, *standing.shifts))
    return f"<table><tr>{top}{rows}</table>"


def _row(standing: Standing, row: Compared, numeric: set[int]) -> str:
    _, (mine, best) = as_told(standing.cost, row.cost, row.rule_cost)
    wrong = ", ".join(f"{name.replace('_', ' ')} {tally(value)}" for name, value in row.wrong.items())
    cells = (
        row.label, f"{row.sets:,}", number(mine), rule_label(row.rule), number(best), standing.gap_words(row), percent(row.lost), wrong,
    )  # fmt: skip
    return "".join(f"<td{' class=n' if at in numeric else ''}>{escape(text)}" for at, text in enumerate(cells))
