"""The workloads of a command line: a family by name, or a file or folder in one of the system's formats."""

from __future__ import annotations

import re
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
    if saved := _saved(world, path):
        return saved[:count]
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


def _saved(world: EpisodeSystem, path: Path) -> list[Any]:
    """The workloads of files that ``stress`` or ``generate`` wrote: of one, or of those in a folder; none elsewhere."""
    from dnnexplain.explain.stress.cases import KEY, read_case_file

    files = sorted(path.glob("*.json"), key=_counted_name) if path.is_dir() else [path]
    written = [file for file in files if _is_written(file, KEY.encode())]
    return [read_case_file(world, parse_json(read_text(file), file)) for file in written]


def _is_written(file: Path, key: bytes) -> bool:
    return file.suffix == ".json" and file.is_file() and key in read_start(file, 200)


def _counted_name(file: Path) -> tuple[list[tuple[int, str]], str]:
    """``generated-2`` before ``generated-10``; of equal numbers by the name, ``02`` before ``2``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", file.name)], file.name


def workload_name(workloads: Sequence[Any], place: int, family: str, seed: int) -> str:
    """What a workload is called: by its own name if it has one, else by its family, seed and place."""
    return str(getattr(workloads[place], "name", "") or f"{family}-{seed}-{place}")
