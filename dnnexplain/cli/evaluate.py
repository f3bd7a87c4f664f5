"""``dnnexplain evaluate``: networks, rules and the optimum on the same workloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.output import examples, print_json, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import WORKLOAD_HELP, find_workloads, workload_name
from dnnexplain.contract import Box, DnnExplainError, EpisodeSystem, Lacking, Optimal, Spec, Summarised, System
from dnnexplain.counts import counted
from dnnexplain.intervals import compared_interval, mean_interval
from dnnexplain.numbers import gap, interval, percent, went_wrong

if TYPE_CHECKING:
    from dnnexplain.contract import Episodes, Metric

from dnnexplain.registry import fair_rules

__all__ = ["register"]

BEST_RULE, OPTIMUM, UNTRAINED = "best-rule", "optimum", "untrained"
OPTIMUM_SECONDS = 10.0
COLUMNS = 4
"""Metrics that a table shows beside the cost, at most; JSON has all."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain evaluate {DEFAULT_SYSTEM} --policy default --policy best-rule --sets 200 --seed 1",
        f"dnnexplain evaluate {DEFAULT_SYSTEM} --policy mine.safetensors --workload recorded-file --each --json",
    )
    app.system_command("evaluate", evaluate, epilog=shown, workload=True, guarded=True, defaults="compared")


def evaluate(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: list[str] = typer.Option(
        [],
        help="A rule, a shipped network, untrained, a file, best-rule, or optimum (the best plan that is known); repeat.",
        show_default=False,
    ),
    workload: str = typer.Option("", help=WORKLOAD_HELP, show_default=False),
    sets: int | None = typer.Option(None, help="Workloads (of a file: at most).", show_default=False),
    seed: int = typer.Option(0, help="Of the workloads and of drawn actions."),
    unmasked: bool = typer.Option(False, "--unmasked", help="Run each network without its mask, too."),
    each: bool = typer.Option(False, "--each", help="Print every workload's figures too."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Compare policies on the same workloads: cost and metrics with 95% intervals, what went wrong first.

    A network that gives probabilities is run twice: taking its most probable action, and drawing actions
    ("sampled"). Actions that are not valid are left out (a mask) as the network's file says, for one that was not
    trained here by default. The cost is lower-better in every system; a reward is its negative. The best rule is the
    best of all rules of the system, whether named or not. With --guard every network is run with the guard around
    it; rules are not.
    """
    del system
    spec = options.spec
    world = options.make(spec.compared)
    names = policy or _usual(world, spec)
    workloads = find_workloads(world, options, workload, sets, seed)
    family = workload or spec.family().name
    runs: list[_Ran] = []
    with progress_bar("Evaluating", len(names), quiet=as_json) as show:
        for done, name in enumerate(names, start=1):
            runs += _run(name, world, options, workloads, seed, unmasked=unmasked)
            show(done, len(names), name)
    results = [_result(ran, world, spec, each, workloads, family, seed) for ran in runs]
    report = {
        "system": spec.name,
        "workload": family,
        "sets": len(workloads),
        "seed": seed,
        **options.as_json(),
        "cost": spec.cost.title,
        "results": results,
        **_against_best_rule(runs, world, spec, workloads, seed),
        **_untrained(runs, world, spec, workloads, seed),
        "caveats": [*spec.caveats, *_left_out(world)],
    }
    if as_json:
        print_json(report)
    else:
        _show(report, spec, f"{counted(len(workloads), spec.workload, spec.workloads)} of {family}, seed {seed}")


@dataclass(frozen=True)
class _Ran:
    """One policy's runs: its name as asked for, how it decides, which rule it turned out to be, whether masked."""

    name: str
    mode: str
    episodes: Episodes
    drawn: Episodes | None = None
    rule: str = ""
    masked: bool | None = None
    guard: Mapping[str, Any] | None = None


def _usual(world: EpisodeSystem, spec: Spec) -> list[str]:
    """The policies of a command line that names none: the first network, an untrained one, the rules to measure by."""
    from dnnexplain.policies import shipped_roles

    networks, rules = list(shipped_roles(world))[:1], world.rules()
    usual = [name for name in spec.baselines if name in rules] or list(rules)
    return [*networks, *(["untrained"] if networks else []), *usual[:3]]


def _run(
    name: str, world: EpisodeSystem, options: SystemOptions, workloads: Sequence[Any], seed: int, *, unmasked: bool
) -> list[_Ran]:
    from dnnexplain.policies import named_policy

    spec = options.spec
    if name == BEST_RULE:
        best = _best_rule(_rule_runs(world, workloads, seed))
        return [_Ran(name, "rule", best.episodes, rule=best.rule)]
    rules = world.rules()
    if name == OPTIMUM and name not in rules:
        return [_Ran(name, "optimum", _optimum(world, spec, workloads, seed))]
    if name in rules:
        mode = "optimum" if name == OPTIMUM else "rule"
        return [_Ran(name, mode, world.run(rules[name], workloads, seed=seed), rule=name)]
    policy: Any = options.guarded(named_policy(world, name), world)
    masked = bool(getattr(policy, "masked", True))
    results = [_network(name, policy, world, workloads, seed, masked)]
    if unmasked and masked and not isinstance(world.output, Box):
        bare: Any = options.guarded(named_policy(world, name, masked=False), world)
        results.append(_network(f"{name}, unmasked", bare, world, workloads, seed, masked=False))
    return results


def _network(name: str, policy: Any, world: EpisodeSystem, workloads: Sequence[Any], seed: int, masked: bool) -> _Ran:
    from dnnexplain.explain.guards import told_steps

    episodes = world.run(policy, workloads, seed=seed)
    guard = told_steps(policy)
    if isinstance(world.output, Box):  # numbers are set, not drawn, and nothing is masked
        return _Ran(name, "best", episodes, guard=guard)
    drawn = world.run(policy, workloads, seed=seed, sample=True)
    return _Ran(name, "best", episodes, drawn, masked=masked, guard=guard)


def _rule_runs(world: EpisodeSystem, workloads: Sequence[Any], seed: int) -> list[_Ran]:
    """Every rule that may be the best one."""
    rules = fair_rules(world)
    return [_Ran(name, "rule", world.run(rule, workloads, seed=seed), rule=name) for name, rule in rules.items()]


def _best_rule(runs: Sequence[_Ran]) -> _Ran:
    return min(runs, key=lambda ran: float(np.mean(ran.episodes.cost)))


def _optimum(world: EpisodeSystem, spec: Spec, workloads: Sequence[Any], seed: int) -> Episodes:
    """The feasible end of what is known of the optimum, simulated where the system can."""
    from dnnexplain.contract import Episodes

    if isinstance(world, Optimal):
        return world.run_optimum(workloads, seconds=OPTIMUM_SECONDS)
    bounds = [world.bound(workload, seconds=OPTIMUM_SECONDS) for workload in workloads]
    cost = np.array([bound.upper for bound in bounds])
    if not np.isfinite(cost).all():
        msg = f"no plan is known for {int((~np.isfinite(cost)).sum())} of {len(cost)} {spec.workloads}: {spec.name} knows no optimum of these"
        raise DnnExplainError(msg)
    least = {"lower bound": np.array([bound.lower for bound in bounds])}
    return Episodes(OPTIMUM, cost, world.cost_name, least, seed)


# --- figures ------------------------------------------------------------------------------------


def _result(
    ran: _Ran, world: EpisodeSystem, spec: Spec, each: bool, workloads: Sequence[Any], family: str, seed: int
) -> dict[str, Any]:
    result: dict[str, Any] = {"policy": ran.name, "mode": ran.mode, "rule": ran.rule or None, "masked": ran.masked}
    result |= {} if ran.guard is None else {"guard": ran.guard}
    result |= _figures(ran.episodes, world, spec)
    if ran.drawn is not None:
        result["sampled"] = _figures(ran.drawn, world, spec)
    if each:
        result["each"] = [
            {
                "workload": workload_name(workloads, place, family, seed),
                "cost": float(ran.episodes.cost[place]),
                "metrics": {name: float(values[place]) for name, values in ran.episodes.metrics.items()},
            }
            for place in range(len(workloads))
        ]
    return result


def _figures(episodes: Episodes, world: EpisodeSystem, spec: Spec) -> dict[str, Any]:
    """Cost and metrics with their intervals, what the system adds, and the share of each action."""
    known = {metric.name: metric for metric in spec.metrics}
    metrics = {"cost": _figure(episodes.cost, replace(spec.cost, least=spec.cost_range[0]))}
    metrics |= {name: _figure(values, known.get(name)) for name, values in episodes.metrics.items()}
    figures: dict[str, Any] = {"metrics": metrics}
    if episodes.actions is not None:
        total = max(float(episodes.actions.sum()), 1.0)
        shares = episodes.actions.sum(axis=0) / total
        figures["actions"] = {name: float(share) for name, share in zip(world.output.names, shares, strict=True)}
        metrics["actions"] = figures["actions"]
    if isinstance(world, Summarised):
        more = dict(world.summarise(episodes))
        metrics |= more.pop("metrics", {})
        figures |= more
    return figures


def _figure(values: Any, metric: Metric | None) -> dict[str, float]:
    interval = mean_interval(values) if metric is None else mean_interval(values, within=metric.range)
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[~np.isnan(finite)]
    figures = {
        "mean": interval.mean,
        "median": float(np.median(finite)) if len(finite) else float("nan"),
        "low": interval.low,
        "high": interval.high,
    }
    return {**figures, "total": float(finite.sum())} if metric is not None and metric.total else figures


def _against_best_rule(
    runs: Sequence[_Ran], world: EpisodeSystem, spec: Spec, workloads: Sequence[Any], seed: int
) -> dict[str, Any]:
    """Every policy beside the best of all rules: in per cent where the cost is a ratio scale."""
    here = {ran.rule: ran for ran in runs if ran.mode == "rule"}
    missing = {name: rule for name, rule in fair_rules(world).items() if name not in here}
    others = [_Ran(name, "rule", world.run(rule, workloads, seed=seed), rule=name) for name, rule in missing.items()]
    rules = [*(ran for name, ran in here.items() if name not in spec.apart), *others]
    if not rules:
        return {}
    best = _best_rule(rules)
    costs = {ran.name: ran.episodes.cost for ran in runs if ran.rule != best.rule}
    costs |= {f"{ran.name}, sampled": ran.drawn.cost for ran in runs if ran.drawn is not None}
    data = {}
    for name, cost in costs.items():
        interval = compared_interval(cost, best.episodes.cost, ratio=spec.ratio)
        data[name] = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {"best_rule": best.rule, "scale": "ratio" if spec.ratio else "difference", "relative_to_best_rule": data}


def _untrained(
    runs: Sequence[_Ran], world: EpisodeSystem, spec: Spec, workloads: Sequence[Any], seed: int
) -> dict[str, Any]:
    """Random weights on the same workloads, with the mask and without: what training added, and what the mask did."""
    from dnnexplain.policies import named_policy

    networks = [ran for ran in runs if ran.mode == "best"]
    if not networks or any(ran.name == UNTRAINED for ran in networks):
        return {}
    entries = []
    for masked in (True,) if isinstance(world.output, Box) else (True, False):
        try:
            policy: Any = named_policy(world, UNTRAINED, masked=masked)
        except DnnExplainError:  # the system has no network of its own that could be untrained
            return {}
        entries.append({"masked": masked, **_figures(world.run(policy, workloads, seed=seed), world, spec)})
    same = len(entries) == 2 and entries[0]["metrics"] == entries[1]["metrics"]  # nothing was ever masked
    return {"untrained": entries[:1] if same else entries}


# --- words --------------------------------------------------------------------------------------


def _show(report: dict[str, Any], spec: Spec, title: str) -> None:
    results = report["results"]
    shown = sorted((metric for metric in spec.metrics), key=lambda metric: not metric.wrong)
    shown = [metric for metric in shown if any(metric.name in result["metrics"] for result in results)]
    wrong = [metric for metric in shown if metric.wrong]
    others = [metric for metric in shown if not metric.wrong][:COLUMNS]
    mask = any(result["masked"] is not None for result in results)
    rows = []
    for result in results:
        name = f"{result['policy']} ({result['rule']})" if result["policy"] == BEST_RULE else result["policy"]
        rows.append(_row(name, result, result["masked"], mask, wrong, others))
        if "sampled" in result:
            rows.append(_row(f"{name}, sampled", result["sampled"], result["masked"], mask, wrong, others))
    bare = report.get("untrained", [])
    rows += [_row(UNTRAINED, entry, entry["masked"], mask, wrong, others) for entry in bare]
    columns = (
        "policy",
        *(["mask"] if mask else []),
        *_titles(wrong),
        spec.cost.title,
        "95% interval",
        *_titles(others),
    )
    print_table(columns, rows, title)
    said = _wrong_words(results, wrong)
    for name, item in report.get("relative_to_best_rule", {}).items():
        unit = spec.cost.unit
        span = interval(item["low"], item["high"], ratio=spec.ratio)
        size = percent(item["mean"], sign=True) if spec.ratio else f"cost {gap(item['mean'], ratio=False, unit=unit)}"
        typer.echo(f"{name}: {said.get(name, '')}{size} against {report['best_rule']} ({span})")
    if not spec.ratio and "relative_to_best_rule" in report:
        typer.echo("Below zero is better.")
    for result in results:
        if "guard" in result:
            typer.echo(f"{result['policy']}: {result['guard']['words']}")
    for caveat in (*report["caveats"], *(entry.caveat for entry in wrong if entry.caveat and said)):
        typer.echo(caveat)


def _left_out(world: System) -> list[str]:
    """A sentence for each rule that this system has not."""
    reasons = world.lacking if isinstance(world, Lacking) else {}
    return [f"The rule {name!r} is left out: {reason}." for name, reason in reasons.items()]


def _titles(metrics: Sequence[Metric]) -> list[str]:
    return [
        f"{metric.title} [{metric.unit}]" if metric.unit and metric.unit not in metric.title else metric.title
        for metric in metrics
    ]


def _wrong_words(results: Sequence[Mapping[str, Any]], wrong: Sequence[Metric]) -> dict[str, str]:
    """What went wrong in each policy's runs, to stand first: ``628 jobs starved; ``."""
    wrong_words = {}
    for result in results:
        for name, item in ((result["policy"], result), (f"{result['policy']}, sampled", result.get("sampled", {}))):
            figures = item.get("metrics", {})
            named = {metric.name: figures[metric.name] for metric in wrong if metric.name in figures}
            words = went_wrong(wrong, {name: figure.get("total", figure["mean"]) for name, figure in named.items()})
            if words:
                wrong_words[name] = f"{words}; "
    return wrong_words


def _row(
    name: str,
    result: Mapping[str, Any],
    masked: bool | None,
    mask: bool,
    wrong: Sequence[Metric],
    others: Sequence[Metric],
) -> tuple[Any, ...]:
    cost = result["metrics"]["cost"]
    masks = [] if not mask else [None if masked is None else "on" if masked else "off"]
    before, after = ([_cell(result, metric) for metric in group] for group in (wrong, others))
    return (name, *masks, *before, cost["mean"], interval(cost["low"], cost["high"]), *after)


def _cell(result: Mapping[str, Any], metric: Metric) -> float | int | None:
    figure = result["metrics"].get(metric.name)
    if figure is None:
        return None
    total = figure.get("total")
    return figure["mean"] if total is None else int(total)
