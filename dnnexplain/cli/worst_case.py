"""``dnnexplain worst-case``: the input at which a policy falls furthest behind the optimum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import examples, number, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from dnnexplain.explain.gray_box.result import WorstCase
    from dnnexplain.systems.routing import RoutingSystem

__all__ = ["register"]

WHITE_BOX = "white-box"
SHOWN = 12
INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples(
        "dnnexplain worst-case routing --policy dote-current --budget 10 --seed 1",
        "dnnexplain worst-case routing --policy dote-history --budget 30 --json",
        "dnnexplain worst-case routing --policy dote-history --history-only",
        "dnnexplain worst-case routing --method simulated-annealing --budget 40",
    )
    app.command("worst-case", epilog=shown)(worst_case_command)


def worst_case_command(
    system: str = typer.Argument("routing", help="The system."),
    *,
    policy: str = typer.Option(
        "dote-current", help="dote-current, dote-history, learning-to-route, a rule, or a weights file."
    ),
    method: str = typer.Option("gray-box", help="How to search: gray-box, one of its parts, or a comparator."),
    budget: float = typer.Option(10.0, help="CPU-seconds of each search."),
    seed: int = typer.Option(0, help="Of the search."),
    topology: str = typer.Option("abilene", help="A built-in topology, a name of topohub, or a .graphml file."),
    paths: int = typer.Option(4, help="Paths per pair of nodes."),
    history_only: bool = typer.Option(
        False, "--history-only", help="The matrix to route is fixed; the history alone is searched."
    ),
    workload: str = typer.Option("gravity", help="Where the fixed matrix is from: a traffic family, or a file."),
    restarts: int = typer.Option(1, help="Searches with the seeds SEED, SEED+1, ...; the best one is shown."),
    dask: str = typer.Option("", help="Run restarts on this Dask scheduler, e.g. tcp://host:8786; or 'local'."),
    box: bool = typer.Option(
        False, "--box", help="Also draw the box of inputs around the case in which the gap stays."
    ),
    out: Path | None = typer.Option(None, help="Write the result here as JSON; --resume reads it."),
    resume: Path | None = typer.Option(None, help="Start from a case that --out wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Search for the traffic at which a policy's busiest link is worst against the optimum.

    Every ratio printed is evaluated on the policy as it runs, over an optimum that is certified: the
    true ratio of the input shown lies between "lower" and "upper".
    """
    _check(system, method, restarts)
    if out is not None:
        from dnnexplain.cli.files import check_writable

        check_writable(out)
    asked = {
        "policy": policy, "method": method, "budget": budget, "topology": topology, "paths": paths,
        "routed": (workload, seed) if history_only else None,
    }  # fmt: skip
    if method == WHITE_BOX:
        _white_box(asked, seed, as_json=as_json)
        return
    earlier = None if resume is None else _load(resume)
    with progress_bar("Searching", 100 if restarts == 1 else restarts, quiet=as_json) as show:
        found = _search_all(asked, seed, restarts, dask, earlier, show)
    if out is not None:
        found.save(out)
    _report(asked, found, box=box, seed=seed, as_json=as_json)
    if found.stopped == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _check(system: str, method: str, restarts: int) -> None:
    from dnnexplain.contract import Choice, DnnExplainError
    from dnnexplain.explain.gray_box import METHODS

    if system != "routing":
        raise Choice("system with a worst-case search", system, ("routing",)).error()
    if method not in (*METHODS, WHITE_BOX):
        raise Choice("method", method, (*METHODS, WHITE_BOX)).error()
    if restarts < 1:
        msg = f"--restarts is a number of searches, at least 1, not {restarts}"
        raise DnnExplainError(msg)


def _load(path: Path) -> WorstCase:
    from dnnexplain.explain.gray_box import WorstCase

    return WorstCase.load(path)


def _make(asked: dict[str, Any]) -> tuple[RoutingSystem, Any, Any]:
    """System, policy and problem of what was asked."""
    from dnnexplain.cli.worst_case_problem import load_routing_policy, routing_problem

    system, policy = load_routing_policy(asked["policy"], asked["topology"], asked["paths"])
    routed = _routed(asked, system)
    return system, policy, routing_problem(system, policy, routed, name=f"{asked['policy']} on {system.topology.name}")


def _routed(asked: dict[str, Any], system: RoutingSystem) -> Any:
    """The fixed matrix to route ``[P]``, or ``None`` where the search chooses it."""
    if asked["routed"] is None:
        return None
    name, seed = asked["routed"]
    where = {"path": name} if Path(name).exists() else {}
    return system.workloads("file" if where else name, 1, seed, **where)[0].demands


def _search(asked: dict[str, Any], seed: int, earlier: WorstCase | None, progress: Any = None) -> WorstCase:
    from dnnexplain.explain.gray_box import worst_case
    from dnnexplain.results import Question

    system, policy, problem = _make(asked)
    question = Question.about(system, policy, target=f"{system.cost_name} over its optimum", settings=_settings(asked))
    return worst_case(
        problem,
        asked["method"],
        budget=asked["budget"],
        seed=seed,
        question=question,
        progress=progress,
        resume=earlier,
    )


def _settings(asked: dict[str, Any]) -> dict[str, Any]:
    return {"policy": asked["policy"], "history_only": asked["routed"] is not None}


def _restart(item: tuple[dict[str, Any], int, Any], _random: Any) -> WorstCase:
    """One search in a worker; its seed is its own, so that the same command gives the same cases anywhere."""
    asked, seed, earlier = item
    return _search(asked, seed, earlier)


def _search_all(
    asked: dict[str, Any], seed: int, restarts: int, dask: str, earlier: WorstCase | None, show: Any
) -> WorstCase:
    if restarts == 1 and not dask:
        tell = lambda state: show(int(100 * state.fraction), 100, f"ratio {number(state.best)}")  # noqa: E731
        return _search(asked, seed, earlier, tell)
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
        return Client(threads_per_worker=1) if address == "local" else Client(address, timeout=10)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address!r} ({error}); start one with: dask scheduler"
        raise DnnExplainError(msg) from None


def _report(asked: dict[str, Any], found: WorstCase, *, box: bool, seed: int, as_json: bool) -> None:
    system, _, problem = _make(asked)
    drawn = None
    if box:
        from dnnexplain.explain.gray_box import gap_box

        drawn = gap_box(problem, found.x, seed=seed)
    if as_json:
        print_json(_json(asked, found, system, drawn))
        return
    typer.echo(found.sentence())
    if found.stopped not in {"budget", "finished"}:
        typer.echo(f"The search ended early: {found.stopped}.")
    routed = [row for row in found.table() if " ago" not in row["input"]]  # the matrix to route comes first
    rows = routed + [row for row in found.table() if " ago" in row["input"]]
    print_table(["input", "value", "unit"], [list(row.values()) for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        typer.echo(f"... and {len(rows) - SHOWN} more that are not zero; --json lists all.")
    if drawn is not None:
        typer.echo(drawn.sentence())


def _json(asked: dict[str, Any], found: WorstCase, system: RoutingSystem, drawn: Any) -> dict[str, Any]:
    names = ("ratio", "lower", "upper", "cost", "optimum", "cpu_seconds", "reached", "evaluations", "stopped", "method")
    report = {
        "system": "routing", "policy": asked["policy"], "topology": system.topology.name,
        "checkpoint": found.question.checkpoint, "seed": found.question.seed, "budget": asked["budget"],
        "history_only": asked["routed"] is not None,
        **{name: getattr(found, name) for name in names},
        "input": _input(asked, found, system), "unit": "Gb/s",
        "trace": found.trace,
    }  # fmt: skip
    if drawn is not None:
        figures = ("threshold", "samples", "share", "share_low", "smallest", "median", "volume", "low", "high")
        report["box"] = {name: getattr(drawn, name) for name in figures}
    return report


def _input(asked: dict[str, Any], found: WorstCase, system: RoutingSystem) -> dict[str, Any]:
    """The case by pairs of nodes; pairs that are not named have no demand."""
    from dnnexplain.systems.routing.names import demands_to_json

    matrices = found.x.reshape(-1, len(system.paths.pairs))
    history = [demands_to_json(system.paths, row) for row in matrices[: system.history]]
    routed = _routed(asked, system)
    current = demands_to_json(system.paths, matrices[-1] if routed is None else routed)
    return {"demands": current, "history": history} if history else {"demands": current}


def _white_box(asked: dict[str, Any], seed: int, *, as_json: bool) -> None:
    """The mixed-integer comparator: a proof about a stand-in, and its input evaluated on the policy."""
    import numpy as np

    from dnnexplain.cli.worst_case_problem import routing_white_box
    from dnnexplain.explain.gray_box import solve_white_box
    from dnnexplain.systems.routing.names import demands_to_json

    system, policy, problem = _make(asked)
    white, error = routing_white_box(system, policy, seed)
    proved = solve_white_box(white, cpu_seconds=asked["budget"], seed=seed)
    x = problem.domain.valid(np.asarray(proved.x)[None])[0]
    cost, optimum, lower, upper = problem.certify(x)
    report = {
        "system": "routing", "policy": asked["policy"], "topology": system.topology.name, "method": WHITE_BOX,
        "seed": seed, "budget": asked["budget"], "ratio": lower, "lower": lower, "upper": upper,
        "cost": cost, "optimum": optimum, "cpu_seconds": proved.cpu_seconds, "stopped": proved.status,
        "stand_in": {
            "ratio": proved.ratio, "bound": proved.bound, "status": proved.status, "split_error": error,
            "columns": proved.columns, "binaries": proved.binaries, "rows": proved.rows,
        },
        "input": {"demands": demands_to_json(system.paths, x)}, "unit": "Gb/s",
    }  # fmt: skip
    if as_json:
        print_json(report)
        return
    typer.echo(f"Of a piecewise-linear stand-in (splits off by {number(error)} on average): {proved.sentence()}")
    typer.echo(f"On the policy itself that input has a ratio of {number(lower)}.")
