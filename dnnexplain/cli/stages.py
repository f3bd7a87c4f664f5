"""``dnnexplain explain --stages``: moments of one training, explained side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.output import number, print_json, print_table, progress_bar
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

if TYPE_CHECKING:
    from dnnexplain.cli.system_options import SystemOptions

__all__ = ["show_stages"]

STATES, EPISODES = 1000, 40


def show_stages(world: Any, options: SystemOptions, network: Path, *, workload: str, seed: int, as_json: bool) -> None:
    """Print what the decisions of each moment rest on, in the states that the last one meets."""
    from dnnexplain.explain.attribution.stages import stages
    from dnnexplain.explain.probing.states_met import visited
    from dnnexplain.policies import load_any

    files = _files(network)
    networks = [load_any(str(file), world) for file in files]
    for policy, file in zip(networks, files, strict=True):
        policy.name = str(policy.metadata.get("role") or file.stem)
    seen = visited(world, networks[-1], STATES, workload=workload, seed=seed)
    workloads = find_workloads(world, options, workload, EPISODES, seed + 1)
    with progress_bar("Stages", len(networks), quiet=as_json) as show:
        learned = stages(world, networks, seen.observations, workloads, seed=seed, progress=show)
    if as_json:
        print_json(
            {
                "stages": [
                    {
                        "name": name,
                        "file": str(file),
                        "cost": dict(zip(("mean", "low", "high"), learned.cost[at].three, strict=True)),
                        "same_as_last": float(learned.same[at]),
                        "dead_cells": int(learned.dead[at]),
                        "changed": dict(zip(learned.group_names, learned.changed[at].tolist(), strict=True)),
                        "actions": dict(
                            zip(getattr(world.output, "names", ()), learned.actions[at].tolist(), strict=False)
                        ),
                    }
                    for at, (name, file) in enumerate(zip(learned.names, files, strict=True))
                ],
                "states": learned.states,
                "source": seen.source,
                "episodes": learned.episodes,
                "cost_name": learned.cost_name,
                "sentence": learned.sentence(),
            }
        )
        return
    rows = [list(row.values()) for row in learned.table()]
    columns = ("stage", learned.cost_name, "as the last", "dead cells", *learned.group_names)
    print_table(
        columns,
        [[name, number(cost), *rest] for name, cost, *rest in rows],
        f"{counted(learned.states, 'state')}, {seen.source}",
    )
    typer.echo("Under each group: the share of decisions that change when it is exchanged for that of another state.")
    typer.echo(learned.sentence())


def _files(network: Path) -> list[Path]:
    """The stages beside a network, earliest first.

    Raises:
        DnnExplainError: there are fewer than two.
    """
    pattern = re.compile(re.escape(network.stem) + r"-stage-(\d+)" + re.escape(network.suffix))
    beside = network.parent.iterdir() if network.parent.is_dir() else ()
    match = sorted((int(words[1]), file) for file in beside if (words := pattern.fullmatch(file.name)))
    if len(match) < 2:
        msg = (
            f"beside {network} there are no two stages ({network.stem}-stage-1{network.suffix} and so on); a training keeps "
            "them where its recipe has --stages: dnnexplain train SYSTEM --stages 6 --out " + network.name
        )
        raise DnnExplainError(msg)
    return [file for _, file in match]
