"""``dnnexplain worst-case``: the input at which a policy falls furthest behind the optimum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import examples, number, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from dnnexplain.cli.worst_case_world import Asked, World
    from dnnexplain.explain.gray_box.result import WorstCase

__all__ = ["register"]

WHITE_BOX = "white-box"
SHOWN = 12
INTERRUPTED = 130
ENDLESS = 1e6
"""CPU-seconds of a search that ends by its rounds."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples(
        "dnnexplain worst-case routing --policy dote-current --budget 10 --seed 1",
        "dnnexplain worst-case routing --policy dote-history --budget 30 --json",
        "dnnexplain worst-case routing --policy dote-history --history-only",
        "dnnexplain worst-case routing --policy dote-history --topology abilene-12 --matrix week.txt --unit kb/s --row 700",
        "dnnexplain worst-case routing --method simulated-annealing --budget 40",
        "dnnexplain worst-case deeprm --policy default --jobs 12 --budget 30",
    )
    app.command("worst-case", epilog=shown)(worst_case_command)


def worst_case_command(
    system: str = typer.Argument("routing", help="routing or deeprm."),
    *,
    policy: str = typer.Option(
        "", help="dote-current, dote-history, learning-to-route (for deeprm: default), a rule, or a weights file."
    ),
    method: str = typer.Option("gray-box", help="How to search: gray-box, one of its parts, or a comparator."),
    budget: float = typer.Option(10.0, help="CPU-seconds of each search, its certificates included."),
    rounds: int | None = typer.Option(
        None, help="End each search after so many steps instead: the same answer on every machine."
    ),
    seed: int = typer.Option(0, help="Of the search."),
    topology: str = typer.Option("abilene", help="A built-in topology, a name of topohub, or a .graphml file."),
    paths: int = typer.Option(4, help="Paths per pair of nodes."),
    history_only: bool = typer.Option(
        False, "--history-only", help="The matrix to route is fixed; the history alone is searched."
    ),
    history: str = typer.Option(
        "any", help="routing: any history, or only plausible ones: inside the range of generated traffic, pair by pair."
    ),
    all_paths: bool = typer.Option(
        False, "--all-paths", help="routing: divide by the optimum over all paths, not only the policy's own."
    ),
    workload: str = typer.Option("gravity", help="Where the fixed matrix is from: a traffic family, or a file."),
    matrix: str = typer.Option("", help="A file of matrices, one of which is fixed; implies --history-only."),
    unit: str = typer.Option("", help="Of the numbers in that file, e.g. 'kb/s'; see load_matrices."),
    row: int | None = typer.Option(None, help="Which of its matrices, from 0; drawn by --seed if not given."),
    slots: int = typer.Option(5, help="deeprm: waiting jobs that the network sees."),
    jobs: int = typer.Option(12, help="deeprm: jobs in a set."),
    restarts: int = typer.Option(1, help="Searches with the seeds SEED, SEED+1, ...; the best one is shown."),
    dask: str = typer.Option("", help="Run restarts on this Dask scheduler, e.g. tcp://host:8786; or 'local'."),
    box: bool = typer.Option(
        False, "--box", help="Also draw the box of inputs around the case in which the gap stays."
    ),
    out: Path | None = typer.Option(None, help="Write the result here as JSON; --resume reads it."),
    resume: Path | None = typer.Option(None, help="Start from a case that --out wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Search for the traffic (or the job set) at which a policy falls furthest behind the optimum.

    Every ratio printed is evaluated on the policy as it runs, over an optimum that is certified: the
    true ratio of the input shown lies between "lower" and "upper".
    """
    _check(system, method, restarts)
    if out is not None:
        from dnnexplain.cli.files import check_writable

        check_writable(out)
    from dnnexplain.cli.worst_case_world import DEFAULT_POLICY, Asked, Fixed

    fixed = Fixed(matrix or workload, seed, unit, row) if history_only or matrix else None
    asked = Asked(
        system, policy or DEFAULT_POLICY[system], method, budget, topology, paths, fixed, slots, jobs, rounds, history, all_paths
    )  # fmt: skip
    if method == WHITE_BOX:
        _white_box(asked, seed, as_json=as_json)
        return
    earlier = None if resume is None else _load(resume)
    with progress_bar("Searching", 100 if restarts == 1 else restarts, quiet=as_json) as show:
        if restarts == 1 and not dask:
            found = _search_once(asked, seed, earlier, out, show)
        else:
            found = _search_all(asked, seed, restarts, dask, earlier, show)
    if out is not None:
        found.save(out)
    ordinary = None if found.stopped == "interrupted" else _after_ordinary_traffic(asked, seed)
    _report(asked, found, ordinary, box=box, seed=seed, as_json=as_json)
    if found.stopped == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _check(system: str, method: str, restarts: int) -> None:
    from dnnexplain.cli.worst_case_world import DEFAULT_POLICY
    from dnnexplain.contract import Choice, DnnExplainError
    from dnnexplain.explain.gray_box import METHODS

    if system not in DEFAULT_POLICY:
        raise Choice("system with a worst-case search", system, tuple(DEFAULT_POLICY)).error()
    if method not in (*METHODS, WHITE_BOX):
        raise Choice("method", method, (*METHODS, WHITE_BOX)).error()
    if restarts < 1:
        msg = f"--restarts is a number of searches, at least 1, not {restarts}"
        raise DnnExplainError(msg)


def _load(path: Path) -> WorstCase:
    from dnnexplain.explain.gray_box import WorstCase

    found: WorstCase = WorstCase.load(path)
    return found


def _search_once(asked: Asked, seed: int, earlier: WorstCase | None, out: Path | None, show: Any) -> WorstCase:
    """One search here, which keeps what it has, and whose first Ctrl-C (or SIGTERM) ends it with that."""
    tell = lambda state: show(int(100 * state.fraction), 100, f"ratio {number(state.best)}")  # noqa: E731
    with until_interrupted() as stop:
        found = _search(asked, seed, earlier, progress=tell, cancel=stop, keep=Keeper(out))
    return replace(found, stopped="interrupted") if stop.is_set() else found


def _search(asked: Asked, seed: int, earlier: WorstCase | None, **hooks: Any) -> WorstCase:
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.explain.gray_box import Budget, worst_case
    from dnnexplain.results import Question

    world = make_world(asked)
    target = f"{world.system.cost_name} over its optimum"
    settings = {"policy": asked.policy, "history_only": asked.fixed is not None,
                "history": asked.history, "all_paths": asked.all_paths}  # fmt: skip
    question = Question.about(world.system, world.policy, target=target, settings=settings)
    found: WorstCase = worst_case(
        world.problem,
        asked.method,
        budget=Budget(asked.budget) if asked.rounds is None else Budget(ENDLESS, asked.rounds),
        seed=seed,
        question=question,
        resume=earlier,
        **hooks,
    )
    return found


def _after_ordinary_traffic(asked: Asked, seed: int) -> WorstCase | None:
    """Beside the worst after any history the worst after a plausible one; ``None`` where no history is searched."""
    from dataclasses import replace

    from dnnexplain.cli.worst_case_world import make_world

    if asked.system != "routing" or asked.history != "any" or not make_world(asked).system.history:
        return None
    return _search(replace(asked, history="plausible"), seed, None)


def _restart(item: tuple[Asked, int, Any], _random: Any) -> WorstCase:
    """One search in a worker; its seed is its own, so that the same command gives the same cases anywhere."""
    asked, seed, earlier = item
    return _search(asked, seed, earlier)


def _search_all(asked: Asked, seed: int, restarts: int, dask: str, earlier: WorstCase | None, show: Any) -> WorstCase:
    from dnnexplain.parallel import seeded_map

    items = [(asked, seed + i, earlier) for i in range(restarts)]
    if not dask:
        return _best(seeded_map(_restart, items, seed=seed, progress=show))
    with _dask_client(dask) as client:
        answers = seeded_map(_restart, items, seed=seed, backend="dask", client=client, progress=show)
    return _best(answers)


def _best(answers: list[WorstCase]) -> WorstCase:
    return max(answers, key=lambda found: found.ratio)


def _dask_client(address: str) -> Any:
    from dnnexplain.contract import DnnExplainError

    try:
        from distributed import Client
    except ImportError:
        msg = "--dask needs Dask: pip install 'dnnexplain[dask]'"
        raise DnnExplainError(msg) from None
    try:
        return (
            Client(threads_per_worker=1, dashboard_address=":0") if address == "local" else Client(address, timeout=10)
        )
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address!r} ({error}); start one with: dask scheduler"
        raise DnnExplainError(msg) from None


def _report(asked: Asked, found: WorstCase, ordinary: WorstCase | None, *, box: bool, seed: int, as_json: bool) -> None:
    from dnnexplain.cli.worst_case_world import make_world

    world = make_world(asked)
    drawn = None
    if box:
        from dnnexplain.explain.gray_box import gap_box

        drawn = gap_box(world.problem, found.x, seed=seed)
    if as_json:
        print_json(_json(asked, found, ordinary, world, drawn))
        return
    typer.echo(found.sentence())
    if ordinary is not None:
        typer.echo(f"After ordinary traffic: {ordinary.sentence()}")
    if found.stopped not in {"budget", "finished"}:
        typer.echo(f"The search ended early: {found.stopped}.")
    routed = [row for row in found.table() if " ago" not in row["input"]]  # the matrix to route comes first
    rows = routed + [row for row in found.table() if " ago" in row["input"]]
    print_table(["input", "value", "unit"], [list(row.values()) for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        typer.echo(f"... and {len(rows) - SHOWN} more that are not zero; --json lists all.")
    if drawn is not None:
        typer.echo(drawn.sentence())


def _json(asked: Asked, found: WorstCase, ordinary: WorstCase | None, world: World, drawn: Any) -> dict[str, Any]:
    names = (
        "ratio", "lower", "upper", "cost", "optimum", "cpu_seconds", "reached", "evaluations", "stopped", "method",
        "ended_by", "rounds", "remarks", "certificate",
    )  # fmt: skip
    report = {
        "system": asked.system, "policy": asked.policy, "checkpoint": found.question.checkpoint,
        "seed": found.question.seed, "budget": asked.budget, **world.told,
        **{name: getattr(found, name) for name in names},
        "input": world.tell(found.x), "trace": found.trace,
    }  # fmt: skip
    if ordinary is not None:
        beside = ("ratio", "lower", "upper", "cost", "optimum", "cpu_seconds", "ended_by", "remarks")
        report["after_ordinary_traffic"] = {name: getattr(ordinary, name) for name in beside}
    if drawn is not None:
        figures = ("threshold", "samples", "share", "share_low", "smallest", "median", "volume", "low", "high")
        report["box"] = {name: getattr(drawn, name) for name in figures}
    return report


def _white_box(asked: Asked, seed: int, *, as_json: bool) -> None:
    """The mixed-integer comparator: a proof about a stand-in, and its input evaluated on the policy."""
    from dnnexplain.cli.worst_case_problem import routing_white_box
    from dnnexplain.cli.worst_case_world import make_world
    from dnnexplain.contract import DnnExplainError
    from dnnexplain.explain.gray_box import solve_white_box

    if asked.system != "routing":
        msg = f"the white-box program is written for routing; search {asked.system} with --method gray-box"
        raise DnnExplainError(msg)
    world = make_world(asked)
    white, error = routing_white_box(world.system, world.policy, seed)
    proved = solve_white_box(white, cpu_seconds=asked.budget, seed=seed)
    x = world.problem.domain.valid(proved.x[None])[0]
    cost, optimum, lower, upper = world.problem.certify(x)
    report = {
        "system": asked.system, "policy": asked.policy, "method": WHITE_BOX, "seed": seed, "budget": asked.budget,
        **world.told, "ratio": lower, "lower": lower, "upper": upper, "cost": cost, "optimum": optimum,
        "cpu_seconds": proved.cpu_seconds, "stopped": proved.status,
        "stand_in": {
            "ratio": proved.ratio, "bound": proved.bound, "status": proved.status, "split_error": error,
            "columns": proved.columns, "binaries": proved.binaries, "rows": proved.rows,
        },
        "input": world.tell(x),
    }  # fmt: skip
    if as_json:
        print_json(report)
        return
    typer.echo(f"Of a piecewise-linear stand-in (splits off by {number(error)} on average): {proved.sentence()}")
    typer.echo(f"On the policy itself that input has a ratio of {number(lower)}.")
