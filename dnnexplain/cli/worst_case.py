"""``dnnexplain worst-case``: the input at which a policy falls furthest behind the optimum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.clusters import workers
from dnnexplain.cli.ending import finish
from dnnexplain.cli.interrupts import Stop, until_interrupted
from dnnexplain.cli.keeping import BestKeeper, Keeper, forget_parts, parts_of
from dnnexplain.cli.output import examples, number, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions

if TYPE_CHECKING:
    from dnnexplain.cli.worst_case_world import SearchOptions, World
    from dnnexplain.explain.gray_box.box import GapBox
    from dnnexplain.explain.gray_box.problem import Problem
    from dnnexplain.explain.gray_box.result import WorstCase

__all__ = ["register"]

WHITE_BOX = "white-box"
SHOWN = 12
LEAST = 0.1
"""CPU-seconds of a white-box program whose stand-in took all that there were."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain worst-case {DEFAULT_SYSTEM} --budget 10 --seed 1",
        f"dnnexplain worst-case {DEFAULT_SYSTEM} --rounds 40 --json",
        f"dnnexplain worst-case {DEFAULT_SYSTEM} --method simulated-annealing --budget 40 --out case.json",
    )
    app.system_command("worst-case", worst_case_command, epilog=shown, searched=True, guarded=True)


def worst_case_command(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    policy: str = typer.Option(
        "", help="A shipped network by name (the first if not given), a rule, or a weights file."
    ),
    method: str = typer.Option("gray-box", help="How to search: gray-box, one of its parts, or a comparator."),
    budget: float = typer.Option(10.0, help="CPU-seconds of each search, its certificates included."),
    rounds: int | None = typer.Option(
        None, help="End each search after so many steps instead: the same answer on every machine."
    ),
    seed: int = typer.Option(0, help="Of the search."),
    restarts: int = typer.Option(1, help="Searches with the seeds SEED, SEED+1, ...; the best one is shown."),
    dask: str = typer.Option("", help="Run restarts on this Dask scheduler, e.g. tcp://host:8786; or 'local'."),
    box: bool = typer.Option(
        False, "--box", help="Also draw the box of inputs around the case in which the gap stays."
    ),
    out: Path | None = typer.Option(None, help="Write the result here as JSON; --resume reads it."),
    resume: Path | None = typer.Option(None, help="Start from a case that --out wrote."),
    workload_out: Path | None = typer.Option(
        None, help="Write the workload that was found as a file that --workload reads.", show_default=False
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    options: SystemOptions,
) -> None:
    """Search for the input (a whole workload, traffic) at which a policy falls furthest behind the optimum.

    Every figure printed is evaluated on the policy as it runs, against an optimum that is certified: the
    true ratio (or loss) of the input shown lies between "lower" and "upper".
    """
    del system
    _check(method, restarts)
    if out is not None:
        from dnnexplain.cli.files import check_writable

        check_writable(out)
    from dnnexplain.cli.worst_case_world import SearchOptions, default_policy, make_world

    search_options = SearchOptions(options, policy or default_policy(options.spec), method, budget, rounds, seed)
    if workload_out is not None:
        _check_writes(search_options, workload_out)
    if method == WHITE_BOX:
        _white_box(search_options, seed, as_json=as_json)
        return
    world = make_world(search_options)
    if world.problem is None:
        from dnnexplain.cli.worst_case_regret import by_difference

        by_difference(
            search_options, world, seed, restarts, refused={"--dask": dask, "--box": box, "--resume": resume}, out=out,
            workload_out=workload_out, as_json=as_json,
        )  # fmt: skip
        return
    earlier = None if resume is None else _load(resume)
    steps = 100 if restarts == 1 else restarts
    with until_interrupted() as stop, progress_bar("Searching", steps, quiet=as_json) as show:
        if restarts == 1 and not dask:
            case = _search_once(search_options, seed, earlier, out, show, stop)
        else:
            case = _search_all(search_options, seed, restarts, dask, earlier, out, show, stop)

    def more() -> tuple[World, WorstCase | None, GapBox | None]:
        beside = None if stop.is_set() else _search_beside(search_options, seed)
        return make_world(search_options), beside, _box(search_options, case, seed) if box else None

    finish(
        case,
        out=out,
        report=(lambda: _json(search_options, case, *more())) if as_json else None,
        show=lambda: _show(case, *more()),
        stop=stop,
    )


def _check_writes(options: SearchOptions, path: Path) -> None:
    """Whether what will be found can be written to a file, before a search."""
    from dnnexplain.cli.files import check_writable
    from dnnexplain.contract import DnnExplainError, WritesWorkloads, need

    check_writable(path)
    need(options.options.make_for(options.policy), WritesWorkloads, "--workload-out")
    if options.options.spec.ratio:
        msg = f"--workload-out goes with searches by differences of costs; {options.options.spec.name} is searched by ratios"
        raise DnnExplainError(msg)


def _check(method: str, restarts: int) -> None:
    from dnnexplain.contract import Choice, DnnExplainError
    from dnnexplain.explain.gray_box import METHODS

    if method not in (*METHODS, WHITE_BOX):
        raise Choice("method", method, (*METHODS, WHITE_BOX)).error()
    if restarts < 1:
        msg = f"--restarts is a number of searches, at least 1, not {restarts}"
        raise DnnExplainError(msg)


def _problem(world: World) -> Problem:
    assert world.problem is not None, "a cost that is no ratio scale is searched by difference"
    return world.problem


def _load(path: Path) -> WorstCase:
    from dnnexplain.explain.gray_box.result import WorstCase

    worst_case: WorstCase = WorstCase.load(path)
    return worst_case


def _search_once(
    options: SearchOptions, seed: int, earlier: WorstCase | None, out: Path | None, show: Any, stop: Stop
) -> WorstCase:
    """One search here, which keeps what it has, and whose first Ctrl-C (or SIGTERM) ends it with that."""
    tell = lambda state: show(int(100 * state.fraction), 100, f"ratio {number(state.best)}")  # noqa: E731
    case = _search(options, seed, earlier, progress=tell, cancel=stop, keep=Keeper(out))
    return replace(case, stopped="interrupted") if stop.is_set() else case


def _search(options: SearchOptions, seed: int, earlier: WorstCase | None, **hooks: Any) -> WorstCase:
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.explain.gray_box import ENDLESS, Budget, worst_case
    from dnnexplain.results import Question

    world = make_world(options)
    target = f"{world.system.cost_name} over its optimum"
    settings = {"policy": options.policy, **world.settings}
    question = Question.about(world.system, world.policy, target=target, settings=settings)
    case: WorstCase = worst_case(
        _problem(world),
        options.method,
        budget=Budget(options.budget) if options.rounds is None else Budget(ENDLESS, options.rounds),
        seed=seed,
        question=question,
        resume=earlier,
        **hooks,
    )
    return case


def _search_beside(options: SearchOptions, seed: int) -> WorstCase | None:
    """The second search that the system wants reported beside the first; ``None`` where it wants none."""
    from dnnexplain.cli.worst_case_world import make_world

    beside = make_world(options).beside
    return None if beside is None else _search(replace(options, changes=beside[2]), seed, None)


def _restart(item: tuple[SearchOptions, int, Any, Path | None], _random: Any) -> WorstCase:
    """One search in a worker; its seed is its own, so that the same command gives the same cases anywhere."""
    options, seed, earlier, out = item
    return _search(options, seed, earlier, keep=BestKeeper(out, seed, _load, lambda case: case.ratio))


def _search_all(
    options: SearchOptions,
    seed: int,
    restarts: int,
    dask: str,
    earlier: WorstCase | None,
    out: Path | None,
    show: Any,
    stop: Stop,
) -> WorstCase:
    """The best of several searches. The first Ctrl-C (or SIGTERM) ends them with the best so far."""
    from dnnexplain.parallel import seeded_imap

    forget_parts(out)
    answers: list[WorstCase] = []
    here = None if dask else out  # workers elsewhere have another disk: there the best of those that are done is kept
    items = [(options, seed + i, earlier, here) for i in range(restarts)]
    with workers(dask) as where:
        for _, answer in seeded_imap(_restart, items, seed=seed, progress=show, cancel=stop, **where):
            answers.append(answer)
            if out is not None and not here:
                _best(answers).save(out)
        kept = [_load(path) for path in parts_of(here)] if stop.is_set() else []
    forget_parts(here)
    if stop.is_set() and not (answers or kept):
        raise typer.Exit(stop.code)
    best = _best([*answers, *kept])
    return replace(best, stopped="interrupted") if stop.is_set() else best


def _best(answers: list[WorstCase]) -> WorstCase:
    return max(answers, key=lambda case: case.ratio)


def _box(options: SearchOptions, worst_case: WorstCase, seed: int) -> GapBox:
    """The inputs around the case in which the gap stays."""
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.explain.gray_box.box import gap_box

    return gap_box(_problem(make_world(options)), worst_case.x, seed=seed)


def _show(worst_case: WorstCase, world: World, beside: WorstCase | None, drawn: GapBox | None) -> None:
    typer.echo(worst_case.sentence())
    if beside is not None and world.beside is not None:
        typer.echo(f"{world.beside[1]}: {beside.sentence()}")
    if worst_case.stopped not in {"budget", "finished"}:
        typer.echo(f"The search ended early: {worst_case.stopped}.")
    rows = sorted(worst_case.table(), key=lambda row: bool(world.later) and world.later in row["input"])
    print_table(["input", "value", "unit"], [list(row.values()) for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        typer.echo(f"... and {len(rows) - SHOWN} more that are not zero; --json lists all.")
    if drawn is not None:
        typer.echo(drawn.sentence())


def _json(
    options: SearchOptions, worst_case: WorstCase, world: World, second: WorstCase | None, drawn: GapBox | None
) -> dict[str, Any]:
    names = (
        "ratio", "lower", "upper", "cost", "optimum", "cpu_seconds", "reached", "evaluations", "stopped", "method",
        "ended_by", "rounds", "remarks", "certificate",
    )  # fmt: skip
    report = {
        "system": options.options.spec.name, "policy": options.policy, "checkpoint": worst_case.question.checkpoint,
        "seed": worst_case.question.seed, "budget": options.budget, **world.facts,
        **{name: getattr(worst_case, name) for name in names},
        "input": world.tell(worst_case.x), "trace": worst_case.trace,
    }  # fmt: skip
    if second is not None and world.beside is not None:
        beside = ("ratio", "lower", "upper", "cost", "optimum", "cpu_seconds", "ended_by", "remarks")
        report[world.beside[0]] = {name: getattr(second, name) for name in beside}
    if drawn is not None:
        figures = ("threshold", "samples", "share", "share_low", "smallest", "median", "volume", "low", "high")
        report["box"] = {name: getattr(drawn, name) for name in figures}
    return report


def _white_box(options: SearchOptions, seed: int, *, as_json: bool) -> None:
    """The mixed-integer comparator: a proof about a stand-in, and its input evaluated on the policy."""
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.contract import DnnExplainError, WhiteBoxed
    from dnnexplain.explain.gray_box import solve_white_box
    from dnnexplain.explain.gray_box.assemble import white_box_of

    world = make_world(options)
    if not isinstance(world.system, WhiteBoxed):
        name = options.options.spec.name
        msg = f"{name} has no piecewise-linear stand-in of a policy (stand_in) for a white-box program; search it with --method gray-box"
        raise DnnExplainError(msg)
    began = process_time()
    fitted, problem = world.system.stand_in(world.policy, seed), _problem(world)
    left = max(options.budget - (process_time() - began), LEAST)
    proved, error = solve_white_box(white_box_of(fitted), cpu_seconds=left, seed=seed), fitted.error
    x = problem.domain.valid(proved.x[None])[0]
    cost, optimum, lower, upper = problem.certify(x)
    report = {
        "system": options.options.spec.name, "policy": options.policy, "method": WHITE_BOX, "seed": seed, "budget": options.budget,
        **world.facts, "ratio": lower, "lower": lower, "upper": upper, "cost": cost, "optimum": optimum,
        "cpu_seconds": proved.cpu_seconds, "stopped": proved.status,
        "ended_by": proved.ended_by,
        "stand_in": {
            "ratio": proved.ratio, "bound": proved.bound, "status": proved.status, "split_error": error,
            "columns": proved.columns, "binaries": proved.binaries, "rows": proved.rows,
            "certificate": proved.certificate,
        },
        "input": world.tell(x),
    }  # fmt: skip

    def show() -> None:
        typer.echo(f"Of a piecewise-linear stand-in (splits off by {number(error)} on average): {proved.sentence()}")
        typer.echo(f"On the policy itself that input has a ratio of {number(lower)}.")

    finish(None, out=None, report=(lambda: report) if as_json else None, show=show)
