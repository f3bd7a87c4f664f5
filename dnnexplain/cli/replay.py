"""``dnnexplain replay``: given actions on given jobs, step by step, written as arrays."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.deeprm_options import ORIGINAL_HELP, SLOTS_HELP, make_deeprm, only_deeprm
from dnnexplain.cli.files import atomic_write, check_writable, read_json
from dnnexplain.cli.output import examples, print_json
from dnnexplain.contract import DnnExplainError

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm import DeepRM, JobSet

__all__ = ["Until", "register"]


class Until(StrEnum):
    """When an episode ends."""

    ALL_DONE = "all-done"
    NO_NEW_JOBS = "no-new-jobs"


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples("dnnexplain replay deeprm --jobs jobs.json --actions actions.json --out episode.npz")
    app.command("replay", epilog=shown)(replay)


def replay(
    system: str = typer.Argument("deeprm", help="The system."),
    *,
    jobs: Path = typer.Option(..., help='{"steps": 50, "jobs": [{"arrival", "length", "cpu", "memory"}, ...]} or CSV.'),
    actions: Path = typer.Option(..., help="A JSON list of actions; the last action of the system waits."),
    out: Path = typer.Option(..., help="Where to write the arrays (.npz)."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    until: Until = typer.Option(Until.ALL_DONE, help="End when every job is done, or when no new jobs may arrive."),
    max_steps: int = typer.Option(200, help="With all-done: end once the clock passes this step."),
    original: bool = typer.Option(False, "--original", help=ORIGINAL_HELP),
    cluster_cells: str = typer.Option("", help="binary or colours (the original)."),
    finished_jobs: str = typer.Option("", help="leave or linger (the original)."),
    full_backlog: str = typer.Option("", help="charge or vanish (the original)."),
    seed: int = typer.Option(0, help="Of the colours, where there are any."),
    as_json: bool = typer.Option(False, "--json", help="Print a summary as JSON."),
) -> None:
    """Play a list of actions, and write what was seen, paid and done after each.

    The file holds observations [T+1, rows, columns], rewards [T], dones [T], times [T+1], and start and
    finish per job in the order of the job file (-1: never). Replay stops where the episode ends. As in
    the original, a job that arrives in step 0 is never admitted.
    """
    only_deeprm(system)
    check_writable(out)
    world = _with_rules(make_deeprm(slots, original=original), cluster_cells, finished_jobs, full_backlog)
    job_set = _read_jobs(jobs, world)
    chosen = _read_actions(actions, slots)
    arrays = _play(world, job_set, chosen, until is Until.ALL_DONE, max_steps, seed)
    back = np.argsort(job_set.order)
    for name in ("start", "finish", "turned_away"):
        arrays[name] = arrays[name][back]
    with atomic_write(out, "wb") as file:
        np.savez_compressed(file, **arrays)
    _say(arrays, out, len(chosen), as_json=as_json)


def _with_rules(world: DeepRM, cluster_cells: str, finished_jobs: str, full_backlog: str) -> DeepRM:
    from dnnexplain.systems.deeprm import DeepRM

    given = {"cluster_cells": cluster_cells, "finished_jobs": finished_jobs, "full_backlog": full_backlog}
    return DeepRM(**{**world.parameters, **{name: value for name, value in given.items() if value}})


def _read_jobs(path: Path, world: DeepRM) -> JobSet:
    from dnnexplain.systems.deeprm.jobfiles import read_job_file

    found = read_job_file(path, world.params)
    for note in found.notes:
        typer.echo(f"{path}: {note}", err=True)
    return found.jobs


def _read_actions(path: Path, slots: int) -> Any:
    data = read_json(path, "action list")
    if not isinstance(data, list) or not data:
        msg = f"{path} must be a JSON list of actions, such as [0, {slots}, {slots}]"
        raise DnnExplainError(msg)
    for position, action in enumerate(data):
        if isinstance(action, bool) or not isinstance(action, int) or not 0 <= action <= slots:
            msg = f"{path}: action {position} must be a whole number from 0 to {slots} ({slots} waits), not {action!r}"
            raise DnnExplainError(msg)
    return np.array(data, dtype=np.int64)


def _play(world: DeepRM, jobs: JobSet, actions: Any, until_done: bool, limit: int, seed: int) -> dict[str, Any]:
    from dnnexplain.systems.deeprm.arrays import FULL

    simulator = world.environment([jobs], until_done=until_done, time_limit=limit, seed=seed)
    seen, rewards, dones, times = [simulator.observe()[0]], [], [], [0]
    for action in actions:
        rewards.append(simulator.step(np.array([action]))[0])
        seen.append(simulator.observe()[0])
        dones.append(bool(simulator.done[0]))
        times.append(int(simulator.time[0]))
        if dones[-1]:
            break
    arrays = simulator.arrays
    count = len(jobs)
    return {
        "observations": np.stack(seen) / FULL,
        "rewards": np.array(rewards),
        "dones": np.array(dones),
        "times": np.array(times),
        "start": arrays.start[0, :count].astype(np.int64),
        "finish": arrays.finish[0, :count].astype(np.int64),
        "turned_away": arrays.turned_away[0, :count].copy(),
    }


def _say(arrays: dict[str, Any], out: Path, given: int, *, as_json: bool) -> None:
    played = len(arrays["rewards"])
    summary = {
        "actions": played,
        "ended": bool(arrays["dones"][-1]),
        "time": int(arrays["times"][-1]),
        "reward": float(arrays["rewards"].sum()),
        "placed": int(np.sum(arrays["start"] >= 0)),
        "jobs": len(arrays["start"]),
        "out": str(out),
    }
    if as_json:
        print_json(summary)
        return
    rest = f"; the episode ended, {given - played} actions were not played" if played < given else ""
    typer.echo(
        f"{played} actions, {summary['time']} steps, reward {summary['reward']:.4g}, "
        f"{summary['placed']} of {summary['jobs']} jobs placed{rest}. Written to {out}."
    )
