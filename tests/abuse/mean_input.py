"""Values out of type and out of range, for every option that is a number and every file that a command reads.

Nothing here names an option of one command: options are found in the parser, files are written by the commands
themselves, and in each of them one value is replaced.
"""

import json
import re
import shlex
from copy import deepcopy

import numpy as np

from dnnexplain.cli import COMMANDS
from dnnexplain.explain.stress.cases import case_file
from dnnexplain.registry import BUILT_IN, make_system, spec_of
from tests.abuse.bad_files import _app, ended, line_for, text_options, told_as_file
from tests.systems.commands import state_file

__all__ = ["NONSENSE", "Documents", "case_of_file", "cases_of_numbers", "file_options", "judged"]

NONSENSE = ("nan", "1e400", "x", "null", "[1]", "1,5", "--", "0x10", "-1e999", "1e-320", "-5e-324", "1e-200")
"""Texts that are no number which anybody can mean."""

EXTREME = ("-1", "0", "1e308", "-1e308", "9" * 30, "1e-320", "-0.5", "1" + "0" * 17)
"""Numbers that are, or may be, out of range: taken or refused, in a sentence and in bounded time."""

WRONG = ("x", [], [[]], None, {}, True, float("nan"), float("inf"), "7", [1, 2, 3], {"a": 1})
"""What may stand where a number is meant in JSON, and is none."""

FAR = (1e308, -1, 10**30, -1e308, 0, 1e-320, 2.5)
"""Numbers that may be out of range."""

NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(e-?\d+)?(?![\w.])")
_SKIPPED = {"systems", "app", "serve", "lab", "train"}
_NO_TEXT = {"policy", "from", "generator", "stages", "video", "topology", "teacher", "links"}
"""Files of weights and of other people's formats have tests of their own."""
_LIGHT = ("--policy", "untrained")


def commands():
    """Names of commands, as they are typed."""
    return [name.replace("_", "-") for name in COMMANDS if name not in _SKIPPED]


def number_options(command, system):
    """The parameters of a command that are numbers."""
    for parameter in _parameters(command, system):
        kind = str(getattr(getattr(parameter, "type_descriptor", None), "annotation", ""))
        if ("int" in kind or "float" in kind) and parameter.opts[0].startswith("--"):
            yield parameter


def _parameters(command, system):
    from typer.main import get_command

    return get_command(_app((command, system))).commands[command].params


def cases_of_numbers(folder, systems=BUILT_IN):
    """(command line, whether it must be refused) for each option that is a number and each value."""
    for system in systems:
        for command in commands():
            for parameter in number_options(command, system):
                if parameter.name in {"port", "kernels"}:
                    continue
                for value in (*NONSENSE, *EXTREME):
                    line = line_for(command, system, parameter, value, folder)
                    line[-2:] = [f"{parameter.opts[0]}={value}"]
                    yield line, value in NONSENSE


class Documents:
    """One valid file of each kind for a system, by what reads it."""

    def __init__(self, folder, system):
        spec = spec_of(system)
        self.system, self.folder, rule = system, folder, next(iter(spec.rules))
        knob, made = make_system(system).knobs[0].name, make_system(system)
        say = f"{made.output.names[0]} - 1000000" if len(made.output.names) else "0 - 1"
        self.state = json.loads(state_file(system, folder).read_text())
        self.guard = {"kind": "dnnexplain guard", "version": 1, "system": system, "policy": "", "checkpoint": "",
                      "rules": [{"when": {}, "do": rule, "why": ""}], "notes": []}  # fmt: skip
        low, high = made.knobs[0].low, made.knobs[0].high
        self.property = {"name": "own", "text": "t", "where": {knob: [low, high]},
                         "relations": [{"weights": {knob: 1.0}, "low": low, "high": high}], "never": [[say]]}  # fmt: skip
        self.actions = [0] * 4
        self.normalize = {"mean": [0.0] * int(np.prod(made.observation_shape)), "var": [1.0] * int(np.prod(made.observation_shape))}  # fmt: skip
        self.architecture = {"layers": [4], "activation": "relu"}

    def written(self, command, *words):
        """What a command writes with --out, read back."""
        out = self.folder / f"{self.system}-{command}.json"
        if not out.exists():
            end = ended([command, self.system, *words, "--out", str(out)])
            assert end.code == 0, (command, end)
        return out.read_text() if out.is_file() else next(p for p in sorted(out.rglob("*")) if p.is_file()).read_text()

    def for_option(self, command, name):
        """A valid document (data, or text) for an option."""
        few, family = ("--sets", "2"), spec_of(self.system).family().name
        if name in {"state", "guard", "property", "actions", "normalize", "architecture"}:
            return getattr(self, "property" if name == "prop" else name)
        if name == "prop":
            return self.property
        if name in {"regions", "before"}:
            return json.loads(self.written("regions", *few, "--states", "4", *_LIGHT))
        if name == "resume":
            rest = {
                "attack": ("--workload", family, "--rounds", "1", "--oracle-seconds", "0"),
                "worst-case": ("--rounds", "1"),
                "transfer": ("--family", family, "--sets", "2", "--jobs", "1"),
            }[command]
            return json.loads(self.written(command, *rest, *_LIGHT))
        made = make_system(self.system)
        return case_file(made, made.workloads(family, 1, 1)[0], "drawn")


def leaves(data, path=()):
    """Places of all values in JSON data, containers too."""
    if path:
        yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


def replaced(data, path, value):
    """JSON data with another value in one place."""
    data = deepcopy(data)
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return data


def at(data, path):
    """The value in a place."""
    for key in path:
        data = data[key]
    return data


def mutated(document, draw, count):
    """(text of a changed document, what was changed, whether a number became none) by fixed chance."""
    if isinstance(document, str):
        spots = list(NUMBER.finditer(document))
        for _ in range(count if spots else 0):
            spot = spots[draw.integers(len(spots))]
            value = [*NONSENSE, *EXTREME][draw.integers(len(NONSENSE) + len(EXTREME))]
            yield (
                document[: spot.start()] + value + document[spot.end() :],
                f"{spot[0]} at {spot.start()} -> {value}",
                False,
            )
        return
    places = list(leaves(document))
    for _ in range(count):
        path = places[draw.integers(len(places))]
        value = [*WRONG, *FAR][draw.integers(len(WRONG) + len(FAR))]
        old = at(document, path)
        number = isinstance(old, int | float) and not isinstance(old, bool)
        none = number and (isinstance(value, str | list | dict | bool | None) or not abs(value) < np.inf)
        yield json.dumps(replaced(document, path, value)), f"{path}: {str(old)[:40]} -> {value!r}", none


def file_options(systems=BUILT_IN, skipped=()):
    """(system, command, parameter) for each option that names a file of text."""
    for system in systems:
        for command in [name for name in commands() if name not in skipped]:
            for parameter in text_options(command, system):
                if told_as_file(parameter) and parameter.name not in _NO_TEXT:
                    yield system, command, parameter


def case_of_file(folder, draw, system, command, parameter):
    """(command line, what was changed, whether it must be refused) for one change in a file that the option reads."""
    document = Documents(folder, system).for_option(command, parameter.name)
    ((text, change, none),) = mutated(document, draw, 1)
    file = folder / f"mean-{system}-{command}-{parameter.name}.json"
    file.write_text(text)
    return line_for(command, system, parameter, file, folder), change, none


def judged(line, must):
    """How a line ended, and what is wrong with that; empty if nothing."""
    end = ended(line)
    if end.code == 0:
        return end, "was taken" if must else ""
    wrong = "" if end.code == 1 and line[0] == "stress" else end.fault
    return end, f"{wrong}: dnnexplain {shlex.join(map(str, line))}: {end.said.strip()[-300:]}" if wrong else ""
