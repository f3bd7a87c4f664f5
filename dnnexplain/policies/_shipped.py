"""The networks that come with dnnexplain, found by what their files say; reads headers only, needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, System
from dnnexplain.policies._describe import system_parameters
from dnnexplain.registry import spec_of
from dnnexplain.tensor_files import header_note

__all__ = ["KEY", "find", "read_metadata", "shipped"]

KEY = "dnnexplain"


def read_metadata(path: str | Path) -> dict[str, Any]:
    """What a safetensors file of ours says of its network; ``{}`` for one of somebody else's.

    Reads the header, not the weights.

    Raises:
        DnnExplainError: the file cannot be read, or has no whole header.
    """
    story = header_note(path, KEY)
    if story is None:
        raise damaged(path)
    return story


def damaged(path: str | Path) -> DnnExplainError:
    """That a file's header is cut off, or says nothing that can be read."""
    return DnnExplainError(f"{path}: not a whole safetensors file (its header is cut off or damaged); copy it again")


def shipped(system: System, directory: Path | None = None) -> dict[str, Path]:
    """The shipped networks that fit a system: role (``"default"``, ``"conv"``, ...) -> file.

    A network fits if it was trained for this system's observation shape and outputs. Of several with one
    role, the one whose training parameters differ least from the system's is taken.
    """
    fitting = [
        (_differences(story, system), path.name, path, story)
        for path, story in _stories(system, directory)
        if story.get("observation_shape") == list(system.observation_shape)
        and story.get("outputs") == len(system.output.names)
    ]
    by_name: dict[str, Path] = {}
    for _, __, path, story in sorted(fitting, key=lambda item: item[:2]):
        by_name.setdefault(str(story.get("role") or path.stem), path)
    return dict(sorted(by_name.items(), key=lambda item: (item[0] != "default", item[0])))


def find(system: System, name: str, directory: Path | None = None) -> Path:
    """The file of a shipped network by role or file name; see ``checkpoints.load_shipped``."""
    fitting = shipped(system, directory)
    if name in fitting:
        return fitting[name]
    if name == "default" and fitting:  # a system whose networks are called by what they are
        return fitting.get(getattr(system, "default_role", ""), next(iter(fitting.values())))
    stories = _stories(system, directory)
    for path, _ in stories:
        if path.stem == name:
            return path  # also where it does not fit: loading it says what to change
    if fitting and name != "default":
        raise Choice(f"shipped network for {system.name} called", name, tuple(fitting)).error()
    every = [story for _, story in stories]
    of_role = [story for story in every if story.get("role") == name]
    raise DnnExplainError(_none_shipped(system, of_role or (every if name == "default" else [])))


def _none_shipped(system: System, stories: list[dict[str, Any]]) -> str:
    mine = system_parameters(system)
    if not stories:
        return f"no network is shipped for {system.name}; {_instead(system)}"
    nearest = min(stories, key=lambda story: _differences(story, system))
    theirs = [(story.get("system") or {}).get("parameters") or {} for story in stories]
    known = (nearest.get("system") or {}).get("parameters") or {}
    differ = [name for name in mine if name in known and mine[name] != known[name]]
    wanted = ", ".join(f"{name}={mine[name]}" for name in differ) or "these sizes"
    offered = "; ".join(
        sorted({", ".join(f"{name}={its.get(name)}" for name in differ) for its in theirs}, key=_numbers)
    )
    roles = sorted({str(story.get("role") or "default") for story in stories})
    called = "" if roles == ["default"] else ", ".join(roles)
    there = (
        f"{offered}, called {called}" if offered and called else offered or f"{called}, which observe something else"
    )
    options = "".join(f" --{name.replace('_', '-')} {mine[name]}" for name in differ)
    return f"no network is shipped for {system.name} with {wanted} (there are: {there}); {_instead(system, options)}"


def _instead(system: System, options: str = "") -> str:
    """What to do about it: a system that names a recipe can be trained by it."""
    try:
        recipes = spec_of(system).recipes
    except DnnExplainError:
        recipes = ()
    if not recipes:
        return "give a file"
    return f"train one: dnnexplain train {system.name}{options} --out mine.safetensors, or give a file"


def _numbers(text: str) -> tuple[int, str]:
    return len(text), text


def _stories(system: System, directory: Path | None) -> list[tuple[Path, dict[str, Any]]]:
    stories: list[tuple[Path, dict[str, Any]]] = []
    folder = directory or _weights(system)
    if folder is None:
        return stories
    for path in sorted(folder.glob("*.safetensors")):
        story = read_metadata(path)
        if (story.get("system") or {}).get("name") == system.name:
            stories.append((path, story))
    return stories


def _weights(system: System) -> Path | None:
    """The folder of a system's shipped networks; ``None`` for one that has no spec, or whose spec names none."""
    try:
        return spec_of(system).weights
    except DnnExplainError:
        return None


def _differences(story: Mapping[str, Any], system: System) -> int:
    mine, its = system_parameters(system), (story.get("system") or {}).get("parameters") or {}
    return sum(name in its and its[name] != value for name, value in mine.items())
