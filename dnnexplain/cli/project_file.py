"""``dnnexplain.toml``: a folder's own names for systems, networks and logs, so that commands are short and alike.

The file lies in the folder where commands are given, or in one above it::

    [systems.farm]
    system = "farm:Farm"              # module:Class beside the file, or the name of a known system
    parameters = { machines = 8 }     # options that are given unless the command line says otherwise

    [networks]
    trained = "weights/farm.safetensors"

    [logs]
    monday = "logs/monday.csv"

A name on the command line that the file explains becomes what it stands for before the command is read; files are
found beside the project file, wherever the command is given.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.reading import read_text

__all__ = ["NAME", "Project", "expanded", "find_project"]

NAME = "dnnexplain.toml"
NETWORK_OPTIONS = ("--policy", "--network", "--networks", "--teacher", "--policies")
LOG_OPTIONS = ("--workload", "--log", "--like", "--test", "--trace")


@dataclass(frozen=True)
class Project:
    """What a project file says.

    Attributes:
        folder: of the file; its files and modules are found there.
        systems: name -> reference of a system, and options of it.
        networks, logs: name -> file.
    """

    folder: Path
    systems: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    networks: Mapping[str, Path] = field(default_factory=dict)
    logs: Mapping[str, Path] = field(default_factory=dict)


def find_project(start: Path | None = None) -> Project | None:
    """The project of a folder (by default the present one) or of the nearest folder above that has one.

    Raises:
        DnnExplainError: the file is no TOML, or says something that is not known.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / NAME).is_file():
            return _read(folder / NAME)
    return None


def _read(path: Path) -> Project:
    try:
        data = tomllib.loads(read_text(path, "a project file"))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}"
        raise DnnExplainError(msg) from None
    known = ("systems", "networks", "logs")
    for table, content in data.items():
        if table not in known:
            raise Choice(f"table of {NAME}", table, known).error()
        if not isinstance(content, dict):
            msg = f"{path}: {table} is a table, [{table}], not {content!r}"
            raise DnnExplainError(msg)
    return Project(
        path.parent,
        {name: _system(path, name, item) for name, item in data.get("systems", {}).items()},
        _files(path, "networks", data),
        _files(path, "logs", data),
    )


def _system(path: Path, name: str, said: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(said, str):
        return said, {}
    if not isinstance(said, dict) or not isinstance(said.get("system"), str):
        msg = f'{path}: system {name!r} needs system = "module:Class" or the name of a known system'
        raise DnnExplainError(msg)
    for key in said:
        if key not in {"system", "parameters"}:
            raise Choice(f"key of system {name!r} in {NAME}", key, ("system", "parameters")).error()
    parameters = said.get("parameters", {})
    if not isinstance(parameters, dict):
        msg = f"{path}: parameters of system {name!r} are a table, {{ name = value }}, not {parameters!r}"
        raise DnnExplainError(msg)
    return said["system"], parameters


def _files(path: Path, table: str, data: Mapping[str, Any]) -> dict[str, Path]:
    files = {}
    for name, place in data.get(table, {}).items():
        if not isinstance(place, str):
            msg = f"{path}: {table}.{name} is the path of a file in quotes, not {place!r}"
            raise DnnExplainError(msg)
        files[name] = path.parent / place
        if not files[name].exists():
            msg = f"{path}: {table}.{name} is {place}, and {files[name]} does not exist"
            raise DnnExplainError(msg)
    return files


def expanded(arguments: Sequence[str], project: Project | None) -> list[str]:
    """A command line in which a project's names have become what they stand for; what was put in is said.

    Options that the project gives to a system come last, and only where the command line does not say them.
    """
    if project is None or not arguments:
        return list(arguments)
    if str(project.folder) not in sys.path:
        sys.path.insert(0, str(project.folder))
    words, said = [arguments[0]], []
    for before, word in pairwise(arguments):
        option, equals, value = word.partition("=")
        if word in project.systems and not before.startswith("--"):
            reference, parameters = project.systems[word]
            said = _options(parameters, arguments)
            words.append(reference)
        elif equals and option.startswith("--"):
            words.append(f"{option}={_file(option, value, project)}")
        else:
            words.append(_file(before, word, project))
    if said:
        typer.echo(f"{project.folder / NAME} adds: {' '.join(said)}", err=True)
    return words + said


def _file(option: str, value: str, project: Project) -> str:
    table = project.networks if option in NETWORK_OPTIONS else project.logs if option in LOG_OPTIONS else {}
    return str(table[value]) if value in table else value


def _options(parameters: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    given = {word.partition("=")[0] for word in arguments}
    said: list[str] = []
    for name, value in parameters.items():
        option = f"--{name.replace('_', '-')}"
        if option in given:
            continue
        if isinstance(value, bool):
            said += [option] if value else [f"--no-{option.removeprefix('--')}"]
        else:
            said += [option, str(value)]
    return said
