"""The deployment report: one page that an operator can read, print, and keep."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import groupby
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.explain.stress.failing import region_words
from dnnexplain.explain.stress.helping import guard_words
from dnnexplain.explain.stress.report_marks import ends, front_chart, gap_mark, shade, share_bar
from dnnexplain.explain.stress.report_style import STYLE
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import BETTER, UNSAFE, UNSURE, WITHIN, WORSE, YARDSTICK
from dnnexplain.numbers import as_told, figure, interval, number, owned, percent, with_minus
from dnnexplain.rule_names import rule_label

__all__ = ["Commands", "Subject", "report_html"]

KINDS = {
    "nominal": "Ordinary",
    "log": "Recorded",
    "field": "From the field",
    "fault": "With a faulty input",
    "shift": "Shifted",
}

PER_CENT = "Per cent are those of the distance from the best to the worst rule, since the figure may be below 0."
UNBROKEN = 32
"""Words of a command that are shorter stay on one line."""


@dataclass(frozen=True)
class Commands:
    """Command lines that a report tells.

    Attributes:
        again: makes the whole report again.
        evaluate: runs the policy and one rule; a workload is added.
        others: further questions, by what they answer: ``"guard"``, ``"proofs"``.
        options: of the system, as said to make it; ``None``: all its settings are listed.
    """

    again: str
    evaluate: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] | None = None

    def of(self, scenario: ScenarioResult, file: str | None) -> str:
        """What runs a scenario's workloads again, or its worst one."""
        if not self.evaluate:
            return ""
        stem = f"{self.evaluate} --policy {scenario.best_rule}"
        if scenario.family and scenario.kind != "fault":
            drawn = "".join(f" --{key.replace('_', '-')} {value}" for key, value in scenario.parameters.items())
            return f"{stem} --workload {scenario.family}{drawn} --sets {scenario.sets} --seed {scenario.worst.get('seed', 0)}"
        return f"{stem} --workload {file}" if file and scenario.kind != "fault" else ""

    def on_file(self, file: str | None, rule: str) -> str:
        """What runs one kept workload again, beside a rule; it is typed in the report's folder."""
        return f"{self.evaluate} --policy {rule} --workload {shlex.quote(file)}" if self.evaluate and file else ""


@dataclass(frozen=True)
class Subject:
    """What the report is about, as menus call it; what is empty is called as in the test.

    Attributes:
        network: the network's name.
        system: the system's title.
        about: what is controlled, and what the network is, in sentences.
    """

    network: str = ""
    system: str = ""
    about: str = ""


def report_html(
    test: StressTest,
    commands: Commands | str,
    files: Mapping[str, str],
    limits: Mapping[str, str],
    subject: Subject | None = None,
) -> str:
    """The page.

    Args:
        test: the test.
        commands: command lines, or the one that makes the test again.
        files: of worst cases, by scenario.
        limits: by text, why each is broken.
        subject: names for people.
    """
    subject = subject or Subject()
    test = replace(test, question=replace(test.question, policy=subject.network or test.question.policy))
    lines = Commands(commands) if isinstance(commands, str) else commands
    system = subject.system or test.question.system
    title = f"{test.question.policy}, {system}"
    parts = [
        _header(system, subject.about, test, lines),
        _section("Does it keep its limits?", _limits(limits)),
        _section("Is it better than the best rule?", _nominal(test, lines, files)),
        _section("What must it not be trusted with?", _list(test, UNSAFE, lines, files)),
        _section("Where else is it worse?", _list(test, WORSE, lines, files)),
        _section("Where does it stop winning?", _where(test)),
        _section("How bad can a likely input be?", _generated(test, lines, files)),
        _section("Which guard helps, and what can it never do?", _others(test, lines)),
        _section("What was not tested?", [f"<p>{escape(item)}</p>" for item in test.left_out]),
        _section("Every scenario", [_table(test, files)]),
        _section("How to read the verdicts", _reading(test)),
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>Deployment report: {escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _section(title: str, parts: Sequence[str]) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>" if parts else ""


def _run(command: str) -> str:
    words = " ".join(
        f"<span>{escape(word)}</span>" if len(word) < UNBROKEN else escape(word) for word in command.split(" ")
    )
    return f"<code class=run>{words}</code>" if command else ""


def _own(command: str) -> str:
    """A scenario's command; one that runs a kept file runs its worst workload only."""
    alone = "<span class=soft> Its worst workload alone:</span>" if "--workload worst/" in command else ""
    return f"{alone}{_run(command)}"


def _header(system: str, about: str, test: StressTest, commands: Commands) -> str:
    question = test.question
    named = question.parameters if commands.options is None else commands.options
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in named.items())
    if commands.options is not None:
        settings = f"{settings}; otherwise by default" if settings else "all settings by default"
    facts = {
        "Network": question.policy + (f", weights {question.checkpoint[:16]}" if question.checkpoint else ""),
        "System": question.system + (f": {settings}" if settings else ""),
        "Guard": test.guard or "none",
        "Cost": test.cost_name if _named(test) == "cost" else "",
        "Measured by": "" if _named(test) == "cost" else f"{_named(test)}, of which more is better",
        "Test": f"{question.settings['budget']:,} runs, seed {question.seed}{'' if test.done else '; ended before everything was run'}",
        "Assumed": " ".join(question.assumed),
    }
    rows = "".join(f"<dt>{key}<dd>{escape(with_minus(text))}" for key, text in facts.items() if text)
    return (
        f"<header><p class=eyebrow>Deployment report: {escape(system)}</p><h1>{escape(question.policy)}</h1>"
        f"{f'<p class=soft>{escape(about)}</p>' if about else ''}<p class=lead>{escape(with_minus(test.sentence()))}</p>"
        f"{share_bar(test)}<dl>{rows}</dl><p class=soft>Everything on this page comes from this command; where a figure has one of its own, it stands below it.{_run(commands.again)}</p></header>"
    )


def _nominal(test: StressTest, commands: Commands, files: Mapping[str, str]) -> list[str]:
    scenario = test.scenarios[0]
    sure = "" if scenario.sure else " The interval does not settle it."
    name, (mean, rule, *bounds) = as_told(
        test.cost_name, scenario.cost, scenario.rule_cost, scenario.low, scenario.high
    )
    measure = f"cost ({name})" if name == test.cost_name else name
    text = (
        f"On {counted(scenario.sets, 'ordinary workload')} {owned(measure)} is {number(mean)}, 95% interval {interval(*sorted(bounds))}; "
        f"that of the best rule, {rule_label(scenario.best_rule)}, is {number(rule)}. The gap is {percent(scenario.gap, sign=True)} "
        f"({ends(scenario)}): {scenario.standing}.{sure}{'' if test.ratio else f' {PER_CENT}'}"
    )
    return [f"<p>{escape(with_minus(text))}</p>", _run(commands.of(scenario, files.get(scenario.name)))]


def _list(test: StressTest, verdict: str, commands: Commands, files: Mapping[str, str]) -> list[str]:
    rows = sorted((scenario for scenario in test.scenarios if scenario.verdict == verdict), key=lambda item: -item.gap)
    if not rows:
        than = (
            "more than 50%, and nothing went wrong that does not with the best rule"
            if verdict == UNSAFE
            else "5 to 50%"
        )
        return [f"<p>In none of the {len(test.scenarios)} scenarios is it worse by {than}.</p>"]
    items = "".join(
        f"<li><b class={shade(verdict)}>{escape(row.label)}</b> {escape(with_minus(_why(test, row)))} "
        f"<span class=soft>{escape(row.sentence)}</span>{_own(commands.of(row, files.get(row.name)))}</li>"
        for row in rows
    )
    return [f"<ul>{items}</ul>"]


def _why(test: StressTest, scenario: ScenarioResult) -> str:
    """Figures of what is bad about a scenario."""
    cost = f"{_named(test)} {_amount(test, scenario.cost)}, {percent(abs(scenario.gap))} {'better' if scenario.gap < 0 else 'worse'} than {rule_label(scenario.best_rule)} (gap's {ends(scenario)})"
    odd = "" if "50%" in scenario.why or not scenario.why else f"{scenario.why}; "
    return f"{odd}{cost}."


def _generated(test: StressTest, commands: Commands, files: Mapping[str, str]) -> list[str]:
    made = test.generated
    if made is None:
        return []
    text = (
        f"In {counted(made.runs, 'run')} a search found ten inputs on which it costs {number(made.regret)} more than {made.reference}; on the ten worst of "
        f"as many drawn inputs it costs {number(made.drawn_regret)} more. Each is at least as likely as the least likely {percent(made.least)} of "
        f"ordinary ones. Ordinary inputs are of 36 kinds, by sixths of the two directions in which they differ most; the ten lie in {made.cells} of these. Those that no other beats in both, run again and held against the optimum, "
        f"each with the command that runs it again beside the rule that is best on ordinary inputs, typed in this page's folder:"
    )
    rule = test.scenarios[0].best_rule
    rows = "".join(
        f"<tbody><tr><td class=n>{percent(item['plausibility'])}<td class=n>{with_minus(figure(item['regret']))}<td class=n>{with_minus(_amount(test, item['cost']))}"
        f"<td class=n>{with_minus(_optimum(test, item))}<td>{_link(files.get(item['workload'].get('name', '')))}</tr>"
        f"{_again(commands.on_file(files.get(item['workload'].get('name', '')), rule))}</tbody>"
        for item in made.front
    )
    head = f"<thead><tr><th class=n>ordinary inputs that are no likelier<th class=n>regret<th class=n>{escape(_named(test))}<th class=n>optimum<th>file</tr></thead>"
    chart = front_chart(made.front, made.drawn_regret, as_told(test.cost_name)[0])
    return [f"<p>{escape(with_minus(text))}</p>{chart}<table class=front>{head}{rows}</table>"]


def _again(command: str) -> str:
    return f"<tr class=again><td colspan=5>{_run(command)}</tr>" if command else ""


def _named(test: StressTest) -> str:
    """What columns of costs are headed by: ``cost``, or what is earned."""
    name, _ = as_told(test.cost_name)
    return "cost" if name == test.cost_name else name


def _amount(test: StressTest, cost: float) -> str:
    """A cost as people are told of it; what is earned has its own sign."""
    return figure(as_told(test.cost_name, cost)[1][0])


def _optimum(test: StressTest, point: Mapping[str, Any]) -> str:
    lower, upper = point["optimum"]
    if lower is None or upper is None:
        return "not known"
    least, most = sorted(as_told(test.cost_name, lower, upper)[1])
    if point["optimum_status"] == "optimal" or figure(least) == figure(most):
        return _amount(test, upper)
    return f"{figure(least)} to {figure(most)}"


def _where(test: StressTest) -> list[str]:
    """Along which shifts it stops winning, and in which ordinary workloads it fails."""
    crossed = [f"{boundary.words}." for boundary in test.boundaries]
    groups = [
        (
            "By mean cost, between two shifts that were run; how sure each of the two is stands in the table below.",
            crossed,
        ),
        ("Ordinary workloads, by what is met on them:", region_words(test)),
    ]
    return [f"<p class=soft>{escape(head)}</p><ul>{_items(lines)}</ul>" for head, lines in groups if lines]


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(with_minus(line))}</li>" for line in lines)


def _others(test: StressTest, commands: Commands) -> list[str]:
    helped = guard_words(test)
    guard = (
        f"{test.guard} {helped}".rstrip()
        or "It was tested without a guard. This command makes one from its failures; a test with that guard tells what it helps:"
    )
    runs = "What no run showed may still happen. What can never happen is proved, or refuted, by this command:"
    proofs = f"This test proves nothing. {runs}" if not test.properties else f"So far {_claims(test)} {runs}"
    lines = [escape(guard), _run("" if test.guard else commands.others.get("guard", ""))]
    lines += [escape(proofs), _run(commands.others.get("proofs", ""))] if "proofs" in commands.others else []
    return [f"<p>{''.join(lines[:2])}</p>", *([f"<p>{''.join(lines[2:])}</p>"] if lines[2:] else [])]


def _claims(test: StressTest) -> str:
    """The properties that were asked about, a sentence each."""
    return " ".join(f"{item['name']}: {item['sentence'].rstrip('.')}." for item in test.properties)


def _limits(limits: Mapping[str, str]) -> list[str]:
    return [
        f"<p><b class={'unsafe' if why else 'better'}>{'Broken' if why else 'Kept'}</b> "
        f"<code>--fail-if {escape(repr(text))}</code>{escape(': ' + why + '.' if why else '')}</p>"
        for text, why in limits.items()
    ]


def _table(test: StressTest, files: Mapping[str, str]) -> str:
    head = f"<thead><tr><th>scenario<th>verdict<th class=n>{escape(_named(test))}<th>best rule<th class=n>gap<th>−100% to +100%<th class=n>runs<th>worst</tr></thead>"
    order = list(KINDS)
    rows = sorted(test.scenarios, key=lambda item: order.index(item.kind) if item.kind in KINDS else len(order))
    bodies = "".join(
        f"<tbody><tr><th colspan=8>{escape(KINDS.get(kind, kind))}</tr>{''.join(_row(test, item, files) for item in group)}</tbody>"
        for kind, group in groupby(rows, key=lambda item: item.kind)
    )
    return f"<table class=cases>{head}{bodies}</table>"


def _row(test: StressTest, scenario: ScenarioResult, files: Mapping[str, str]) -> str:
    unsure = "" if scenario.sure else " <small>not sure</small>"
    return (
        f"<tr><td class=name title='{escape(scenario.sentence, quote=True)}'>{escape(scenario.label)}<td class={shade(scenario.verdict)}>{scenario.standing}{unsure}"
        f"<td class='n side'>{with_minus(_amount(test, scenario.cost))}<td class=side>{escape(rule_label(scenario.best_rule))} {with_minus(_amount(test, scenario.rule_cost))}"
        f"<td class=n>{with_minus(percent(scenario.gap, sign=True))}<td class=mark>{gap_mark(scenario)}<td class='n side'>{scenario.sets}<td class=side>{_link(files.get(scenario.name))}</tr>"
    )


def _link(file: str | None) -> str:
    return f"<a href='{escape(file, quote=True)}'>file</a>" if file else ""


def _reading(test: StressTest) -> list[str]:
    words = {
        BETTER: "its 95% interval lies below 0.",
        WITHIN: "the gap is at most 5%.",
        UNSURE: "the gap is below -5%, but 0 lies in its interval.",
        WORSE: "the gap is above 5%.",
        UNSAFE: "the gap is above 50%, or something went wrong that does not with the best rule, or an output was not a number.",
        "not sure": "part of the interval lies under another verdict.",
    }
    rows = "".join(
        f"<dt class={shade(verdict)}>{verdict}<dd>{escape(with_minus(text))}" for verdict, text in words.items()
    )
    scale = "" if test.ratio else f" {YARDSTICK}"
    intro = f"The gap is by how much the network costs more than the rule that is best in the scenario, all fair rules tried.{scale}"
    outro = "A worst case's file opens again in the editor, and as a command's workload."
    return [f"<p>{escape(with_minus(intro))}</p><dl>{rows}</dl><p>{outro}</p>"]
