"""A system's own options on every command: taken from its spec, parsed, checked, and handed on as one value.

``with_options(function, spec, ...)`` gives a command the options of the system that its command line names;
the function takes them all as its parameter ``options``, a :class:`SystemOptions`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from itertools import pairwise
from pathlib import Path
from shlex import quote
from typing import Any, Literal

import typer

from dnnexplain.contract import DnnExplainError, EpisodeSystem, Parameter, Spec
from dnnexplain.contract.specs import Recipe
from dnnexplain.finding import Meaning, find, finder_of, unknown
from dnnexplain.registry import known_systems, spec_of

__all__ = [
    "DEFAULT_SYSTEM",
    "SYSTEM_HELP",
    "CommandLine",
    "SystemOptions",
    "flags_of",
    "named_system",
    "positional",
    "with_options",
]

DEFAULT_SYSTEM = next(iter(known_systems()))
"""The system that a command means when it names none."""

SYSTEM_HELP = "The system (dnnexplain systems lists them), your own as module:Class, or a gymnasium id (CartPole-v1)."


@dataclass(frozen=True)
class SystemOptions:
    """What a command line said of its system; values that were not given are not there.

    Attributes:
        spec: the system's.
        system: values of the system's parameters.
        workload: values of parameters of workload families and of file readers.
        recipe: values of a training recipe's parameters.
        played: values of what ``replay`` alone takes.
        searched: values of what ``worst-case`` alone takes.
        factory: what makes the system, where it is one of the user's own.
        guard: a file with a guard, for :meth:`guarded`.
        line: the command line without the program's name, for stories of how something was made.
    """

    spec: Spec
    system: Mapping[str, Any] = field(default_factory=dict)
    workload: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    played: Mapping[str, Any] = field(default_factory=dict)
    searched: Mapping[str, Any] = field(default_factory=dict)
    factory: Callable[..., Any] | None = None
    guard: Path | None = None
    line: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of a command line that say the same of the system."""
        words: list[str] = []
        for key, value in self.system.items():
            flag = f"--{key.replace('_', '-')}"
            if isinstance(value, bool):
                words += [flag] if value else []
            else:
                values = value if isinstance(value, list | tuple) else [value]
                words += [word for item in values for word in (flag, quote(str(item)))]
        return words

    def guarded(self, policy: Any, system: Any) -> Any:
        """The policy with the guard that the command line named around it; without one, the policy."""
        if self.guard is None:
            return policy
        from dnnexplain.explain.guards import Guard, Guarded

        return Guarded(policy, Guard.load(self.guard), system)

    def make(self, base: Mapping[str, Any] | None = None) -> EpisodeSystem:
        """The system; ``base`` are parameters that hold where the command line says nothing."""
        given = {**(base or {}), **self.system}
        return Meaning(self.spec, self.factory).make(**given)

    def make_for(self, policy: str) -> EpisodeSystem:
        """The system with the parameters that a shipped network needs, where the command line says nothing else."""
        return self.make(next((role.parameters for role in self.spec.roles if role.name == policy), None))

    def family(self, name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The values for one family: what was said, else the family's defaults.

        Raises:
            DnnExplainError: something was said that the family does not take.
        """
        family = self.spec.family(name)
        known = {parameter.name: parameter for parameter in family.parameters}
        said = {**self.workload, **(given or {})}
        files = {parameter.name for reader in self.spec.readers for parameter in reader.parameters}
        strange = [key for key in said if key not in known and key not in files]
        if strange:
            takes = ", ".join(_flag(key) for key in known) or "nothing"
            msg = f"{family.name} takes no {_flag(strange[0])}; it takes {takes}"
            raise DnnExplainError(msg)
        values = {key: said.get(key, parameter.default) for key, parameter in known.items()}
        return {key: known[key].check(value) for key, value in values.items() if value is not None}

    def reader(self) -> dict[str, Any]:
        """What was said that file readers take; parameters that families share with them included."""
        known = {parameter.name for reader in self.spec.readers for parameter in reader.parameters}
        return {key: value for key, value in self.workload.items() if key in known}

    def trained(self, recipe: Recipe) -> dict[str, Any]:
        """Every option of a training recipe: what was said, else its default.

        Raises:
            DnnExplainError: something was said that the recipe does not take.
        """
        known = {parameter.name: parameter for parameter in recipe.parameters}
        strange = [key for key in self.recipe if key not in known]
        if strange:
            takes = ", ".join(_flag(key) for key in known) or "nothing"
            msg = f"the recipe {recipe.name} takes no {_flag(strange[0])}; it takes {takes}"
            raise DnnExplainError(msg)
        open_value: dict[bool, Any] = {True: [], False: None}
        return {
            key: self.recipe.get(key, open_value[item.multiple] if item.default is None else item.default)
            for key, item in known.items()
        }

    def as_json(self) -> dict[str, Any]:
        """Every parameter of the system with its value, given or default, for JSON and titles."""
        return {
            parameter.name: self.system.get(parameter.name, parameter.default) for parameter in self.spec.parameters
        }


_GUARD = Parameter("guard", None, "A guard (JSON; dnnexplain guard writes one) around every network.", kind=Path)


def positional(arguments: Sequence[str]) -> list[str]:
    """A command line in which ``--system NAME``, an older form, has become the argument NAME."""
    expanded = list(arguments)
    for place, word in enumerate(expanded):
        if word == "--system" and place + 1 < len(expanded):
            return [*expanded[:1], expanded[place + 1], *expanded[1:place], *expanded[place + 2 :]]
        if word.startswith("--system="):
            return [*expanded[:1], word.removeprefix("--system="), *expanded[1:place], *expanded[place + 1 :]]
    return expanded


def named_system(arguments: Sequence[str], flags: Collection[str] = ()) -> str:
    """The system that a command line names: its first argument that means one (:mod:`dnnexplain.finding`).

    Args:
        arguments: what follows the command.
        flags: the command's own options that take no value, such as ``--json``; what follows another may be its value.
    """
    for before, word in pairwise(("", *arguments)):
        finder = None if word.startswith("-") else finder_of(word)
        if finder is not None and (finder.certain or not _takes_a_value(before, flags, word)):
            return word
    return DEFAULT_SYSTEM


def _takes_a_value(option: str, flags: Collection[str], system: str) -> bool:
    if not option.startswith("--") or "=" in option or option in flags:
        return False
    if system not in known_systems():
        return True
    spec = spec_of(system)
    return option not in {_flag(item.name) for item in (*spec.parameters, *_of_workloads(spec)) if item.type is bool}


def flags_of(function: Callable[..., None]) -> set[str]:
    """The options of a command's function that take no value."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    flags = [item for item in parameters if item.annotation is bool]
    return {name for item in flags for name in (getattr(item.default, "param_decls", ()) or (_flag(item.name),))}


KEPT = {"sets", "unseen", "states", "pairs", "polish_sets", "restarts", "futures", "survey"}
"""Options of commands that count what is held in memory at once; see :data:`MOST_KEPT`."""
MOST_KEPT = 1_000_000


def with_options(
    function: Callable[..., None],
    arguments: Sequence[str],
    *,
    workload: bool = False,
    recipe: bool = False,
    replayed: bool = False,
    searched: bool = False,
    many: bool = False,
    guarded: bool = False,
    defaults: Literal["", "board", "compared"] = "",
    line: tuple[str, ...] = (),
) -> Callable[..., None]:
    """A command with the options of the system that the arguments name, for ``app.command()``.

    Args:
        function: takes ``system`` and ``options`` (a :class:`SystemOptions`) beside its own options.
        arguments: the command line, in which the system is looked for.
        workload: whether it takes the parameters of workload families and file readers too.
        recipe: whether it takes those of training recipes.
        searched: whether it takes what ``worst-case`` alone takes; a name that the system has, too, is then this one's.
        replayed: whether it takes the file of one workload, and what ``replay`` alone takes.
        many: whether parameters of workloads may be given several times; their values are then lists.
        guarded: whether it takes the file of a guard; see :meth:`SystemOptions.guarded`.
        defaults: which field of the spec the command makes its system by, where it is not by the parameters' own defaults.
        line: the whole command line, for stories of how something was made.
    """
    name = named_system(arguments, flags_of(function))
    meant = find(name)
    spec = meant.spec
    groups: dict[str, list[Parameter]] = {"searched": list(spec.searched) if searched else []}
    groups |= {"system": _as_made(spec, defaults), "played": [], "workload": [], "recipe": []}
    if replayed:
        groups["played"] = list(spec.played)
        groups["workload"] = [Parameter(spec.file_option, None, f"A file with one {spec.workload}.", kind=Path)]
    if workload:
        groups["workload"] += _of_workloads(spec)
    if guarded:
        groups["guard"] = [_GUARD]
    if recipe:
        groups["recipe"] = _distinct(parameter for recipe in spec.recipes for parameter in recipe.parameters)
    signature = inspect.signature(function, eval_str=True)
    taken = set(signature.parameters)
    offered: dict[str, tuple[str, Parameter]] = {}
    for group, parameters in groups.items():
        for parameter in parameters:
            if parameter.name not in taken:
                taken.add(parameter.name)
                offered[parameter.name] = (group, parameter)

    @wraps(function)
    def command(*, system: str, **given: Any) -> None:
        if system != name:
            if finder_of(system) is None:
                raise unknown(system)
            msg = f"{system} stands where a value of an option may: write the system first, dnnexplain {line[0]} {system} ..."
            raise DnnExplainError(msg)
        for key in sorted(KEPT & given.keys()):
            if isinstance(given[key], int) and given[key] > MOST_KEPT:
                flag = f"--{key.replace('_', '-')}"
                msg = f"{flag} is at most {MOST_KEPT:,}, for all are held in memory at once; not {given[key]:,}"
                raise DnnExplainError(msg)
        values: dict[str, dict[str, Any]] = {group: {} for group in groups}
        for key, (group, parameter) in offered.items():
            value = given.pop(key)
            if isinstance(value, list):
                values[group] |= {key: [parameter.check(item) for item in value]} if value else {}
            elif value is not None and not (parameter.type is bool and value == parameter.default):
                values[group][key] = parameter.check(value)
        guard = values.pop("guard", {}).get("guard")
        function(
            system=system, options=SystemOptions(spec, **values, factory=meant.factory, guard=guard, line=line), **given
        )

    own = [item for item in signature.parameters.values() if item.name != "options"]
    shown = [_option(item, many=many and group == "workload") for group, item in offered.values()]
    made: Any = command
    made.__signature__ = signature.replace(parameters=[*own, *shown])
    made.__annotations__ = {item.name: item.annotation for item in made.__signature__.parameters.values()}
    wrapped: Callable[..., None] = made
    return wrapped


def _as_made(spec: Spec, defaults: str) -> list[Parameter]:
    """The system's parameters with the defaults that a command has."""
    other: Mapping[str, Any] = getattr(spec, defaults) if defaults else {}
    return [replace(parameter, default=other.get(parameter.name, parameter.default)) for parameter in spec.parameters]


def _of_workloads(spec: Spec) -> list[Parameter]:
    families = (parameter for family in spec.families for parameter in family.parameters)
    readers = (parameter for reader in spec.readers for parameter in reader.parameters)
    return _distinct([*families, *readers])


def _distinct(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Each name once; the first that has it speaks."""
    by_name: dict[str, Parameter] = {}
    for parameter in parameters:
        by_name.setdefault(parameter.name, parameter)
    return list(by_name.values())


def _option(parameter: Parameter, *, many: bool = False) -> inspect.Parameter:
    """A parameter as an option of typer's, which may be given several times where ``many``."""
    flag = parameter.type is bool
    default = "" if parameter.default is None or flag else f" [default: {parameter.default}]"
    choices = f" ({', '.join(parameter.choices)})" if parameter.choices else ""
    unit = f" [{parameter.unit}]" if parameter.unit else ""
    words = f"{parameter.help}{choices}{unit}{default}".strip()
    names = parameter.flags or (
        f"{_flag(parameter.name)}/--no-{_flag(parameter.name)[2:]}"
        if flag and parameter.default
        else _flag(parameter.name),
    )
    many = (many or parameter.multiple) and not flag
    words += " Repeat for several." if many else ""
    option = typer.Option(
        ([] if many else None) if not flag else parameter.default, *names, help=words, show_default=False
    )
    annotation: Any = bool if flag else list[parameter.type] if many else parameter.type | None  # type: ignore[name-defined]
    return inspect.Parameter(parameter.name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _examples_of(system: str, epilog: str) -> str:
    """Examples with a system's name and its words: one of its properties for PROPERTY, a rule for RULE, those of its spec."""
    shown = re.sub(rf" {DEFAULT_SYSTEM}(?=\s|$)", lambda _: f" {system}", epilog)
    if system not in known_systems():
        return shown
    spec = spec_of(system)
    words = {"FILE_OPTION": spec.file_option, **spec.said}
    lists: dict[str, list[str]] = {
        "PROPERTY": [item.name for item in spec.properties],
        "FAMILY": [item.name for item in spec.families],
        "RULE": list(spec.rules),
    }
    words |= {word: names[0] for word, names in lists.items() if names}
    for word, said in words.items():
        shown = re.sub(rf"\b{word}\b", said.replace("\\", r"\\"), shown)
    return shown


class CommandLine(typer.Typer):
    """The application for one command line: commands about a system get that system's options.

    Args:
        arguments: the command line, without the program's name.
        settings: of ``typer.Typer``.
    """

    def __init__(self, arguments: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(**settings)
        self.arguments = tuple(arguments)

    def system_command(self, name: str, function: Callable[..., None], *, epilog: str, **groups: Any) -> None:
        """Add a command whose function takes ``system`` and ``options``; see :func:`with_options`."""
        about = self.arguments[1:] if self.arguments[:1] == (name,) else ()
        system = named_system(about, flags_of(function))
        shown = _examples_of(system, epilog)
        if groups.get("recipe") and system in known_systems():
            recipes = (f"  {recipe.name}: {recipe.about}" for recipe in spec_of(system).recipes)
            shown = "\n".join(("\b", "Recipes, the default first:", *recipes, "", shown))
        self.command(name, epilog=shown)(with_options(function, about, line=self.arguments, **groups))
