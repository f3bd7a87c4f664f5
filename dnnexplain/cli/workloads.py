"""The workloads of a command line: a family by name, or a file or folder in one of the system's formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from dnnexplain.assumptions import notice
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.contract import Choice, DnnExplainError, EpisodeSystem, WorkloadReader, need
from dnnexplain.reading import parse_json, read_start, read_text

__all__ = ["WORKLOAD_HELP", "find_workloads", "workload_name"]

WORKLOAD_HELP = (
    "A family of random workloads, or a file or folder of recorded ones; the system's first family if not given."
)


def find_workloads(
    world: EpisodeSystem,
    options: SystemOptions,
    source: str,
    count: int | None,
    seed: int,
    given: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Workloads of a family by name (the default one if ``source`` is empty), or from a file or folder.

    Says on stderr what was done to read a file: what was taken, shifted, cut off, left out, and assumed.

    Args:
        world: the system.
        options: with the values of the family's or reader's parameters.
        source: what was asked for.
        count: how many of a family; of a file the most (all if ``None``).
        seed: of a family.
        given: values that hold where the command line says nothing else.

    Raises:
        DnnExplainError: there is no such family or file, or it holds no workload.
    """
    need(world, EpisodeSystem, "running whole workloads")
    spec = options.spec
    families = tuple(family.name for family in spec.families)
    if count is not None and count < 1:
        msg = f"--sets must be a count of at least 1 {spec.workload}, not {count}"
        raise DnnExplainError(msg)
    if not source or source in families:
        wanted = spec.default_count if count is None else count
        return list(world.workloads(source or families[0], wanted, seed, **options.family(source, given)))
    path = Path(source)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise Choice("workload", source, families).error()
    saved = _saved(world, path)
    if saved is not None:
        return [saved]
    need(world, WorkloadReader, f"reading {source}")
    assert isinstance(world, WorkloadReader)
    workloads, said = world.read_workloads(path, limit=count, **options.reader())
    if said:
        typer.echo(said, err=True)
        notice(said)
    if not len(workloads):
        msg = f"{path} holds no {spec.workload}"
        raise DnnExplainError(msg)
    return list(workloads)[:count]


def _saved(world: EpisodeSystem, path: Path) -> Any:
    """The workload of a file that a stress test wrote; ``None`` if it is no such file."""
    from dnnexplain.explain.stress.cases import KEY, read_case_file

    if path.suffix != ".json" or not path.is_file():
        return None
    if KEY.encode() not in read_start(path, 200):
        return None
    return read_case_file(world, parse_json(read_text(path), path))


def workload_name(workloads: Sequence[Any], place: int, family: str, seed: int) -> str:
    """What a workload is called: by its own name if it has one, else by its family, seed and place."""
    return str(getattr(workloads[place], "name", "") or f"{family}-{seed}-{place}")
