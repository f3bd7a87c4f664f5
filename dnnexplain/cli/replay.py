"""``dnnexplain replay``: given actions, or a policy's, on one workload, step by step, written as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.files import atomic_write, check_writable, read_json
from dnnexplain.cli.output import examples, print_json
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import Acting, DnnExplainError, need

if TYPE_CHECKING:
    from dnnexplain.contract import Policy

__all__ = ["register"]


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain replay {DEFAULT_SYSTEM} --FILE_OPTION recorded-file --policy default --out episode.npz",
        f"dnnexplain replay {DEFAULT_SYSTEM} --policy default --seed 3 --out episode.npz",
    )
    app.system_command("replay", replay, epilog=shown, workload=True, replayed=True, guarded=True)


def replay(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    actions: Path | None = typer.Option(None, help="A JSON list of actions.", show_default=False),
    policy: str = typer.Option(
        "", help="Instead of actions: who acts (a rule, a network, a file).", show_default=False
    ),
    workload: str = typer.Option("", help="Instead of a file: a family, of which one is drawn.", show_default=False),
    out: Path = typer.Option(..., help="Where to write the arrays (.npz)."),
    seed: int = typer.Option(0, help="Of what is drawn."),
    as_json: bool = typer.Option(False, "--json", help="Print a summary as JSON."),
) -> None:
    """Play a list of actions, or let a policy act, and write what was seen, done and paid after each.

    Replay stops where the episode ends.
    """
    from dnnexplain.explain.guards import told_steps

    del system
    check_writable(out)
    if (actions is None) == (not policy):
        msg = "say what to play: --actions FILE (a JSON list), or --policy NAME"
        raise DnnExplainError(msg)
    world = options.make(options.spec.compared)
    need(world, Acting, "replaying actions")
    assert isinstance(world, Acting)
    item = _workload(world, options, workload, seed)
    chosen = None if actions is None else _read_actions(actions)
    acting = _policy(world, policy, options)
    played = world.play(item, chosen, acting, seed=seed, **_played(options))
    guard = told_steps(acting)
    with atomic_write(out, "wb") as file:
        np.savez_compressed(file, **dict[str, Any](played.arrays))
    if as_json:
        print_json({**played.summary, **({} if guard is None else {"guard": guard}), "out": str(out)})
    else:
        typer.echo(f"{played.words} Written to {out}.")
        if guard is not None:
            typer.echo(guard["words"])


def _workload(world: Acting, options: SystemOptions, family: str, seed: int) -> Any:
    """The workload of the file that was given, or the first of a family."""
    path = options.workload.get(options.spec.file_option)
    if path is not None:
        workload, said = world.read_played(Path(path))
        if said:
            typer.echo(said, err=True)
        return workload
    rest = {key: value for key, value in options.workload.items() if key != options.spec.file_option}
    if not family and not options.spec.families:
        msg = f"say which {options.spec.workload}: --{options.spec.file_option} FILE"
        raise DnnExplainError(msg)
    return find_workloads(world, SystemOptions(options.spec, options.system, rest), family, 1, seed)[0]


def _played(options: SystemOptions) -> dict[str, Any]:
    given = {parameter.name: options.played.get(parameter.name, parameter.default) for parameter in options.spec.played}
    return {name: value for name, value in given.items() if value is not None}


def _policy(world: Acting, name: str, options: SystemOptions) -> Policy | None:
    from dnnexplain.policies import named_policy

    if not name and options.guard is not None:
        msg = "a guard is for a policy: give --policy NAME, not --actions, with --guard"
        raise DnnExplainError(msg)
    policy: Policy | None = options.guarded(named_policy(world, name), world) if name else None
    return policy


def _read_actions(path: Path) -> list[Any]:
    data = read_json(path, "action list")
    if not isinstance(data, list) or not data:
        msg = f"{path} must be a JSON list of actions, such as [0, 1, 1]"
        raise DnnExplainError(msg)
    return data
