"""Commands that messages suggest are commands: they parse with all that they need, and the options that they name exist."""

from __future__ import annotations

import ast
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from dnnexplain.cli import COMMANDS
from dnnexplain.cli.system_options import CommandLine
from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_shipped
from dnnexplain.registry import make_system, spec_of, specs

ROOT = Path(__file__).parents[2]
STANDING = {
    "SYSTEM": "deeprm",
    "FOLDER": "folder",
    "FILE": "file.safetensors",
    "NAME": "robust",
    "tree.json": "tree.json",
    "--FILE_OPTION": "--" + spec_of("deeprm").file_option,
}
"""What stands in a message for something that the reader fills in."""
FILLED = {
    "name": "deeprm",
    "path.name": "tree.json",
    "network.name": "mine.safetensors",
    "options": "",
    "given": "",
    "chosen": "",
}
"""What stands in an f-string, by the last words of its expression."""
SHOWN = re.compile(r"\bdnnexplain ([a-z]+(?:-[a-z]+)*)((?: +(?:'[^']*'|\"[^\"]*\"|\{[^}]*\}|[^\s;,)`“”{}]+)+)*)")
NAMES = {"dnnexplain stress {test.question.system}"}
"""What reads like a command and is the name of something."""


def written(node):
    """The text of a string, with its holes in braces; ``None`` for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}" for part in node.values
        ]
        return "".join(map(str, parts))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [written(node.left), written(node.right)]
        holes = [f"{{{ast.unparse(side)}}}" for side in (node.left, node.right)]
        return None if sides == [None, None] else "".join(side or hole for side, hole in zip(sides, holes, strict=True))
    return None


def texts():
    """Every string of the package but docstrings: file, and text."""
    for place in ("dnnexplain", "widgets/dnnexplain_widgets"):
        for path in sorted((ROOT / place).rglob("*.py")):
            source = path.read_text()
            if not SHOWN.search(source):
                continue
            tree, inside = ast.parse(source), set()
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr):
                    inside.add(id(node.value))  # a docstring tells of commands, it does not suggest one
                if id(node) in inside or (text := written(node)) is None:
                    continue
                inside.update(map(id, ast.walk(node)))
                yield path.relative_to(ROOT), text


def filled(hole):
    """What stands where an f-string has an expression."""
    words = hole.strip("{}")
    return next(
        (value for name, value in FILLED.items() if words.endswith(name)), "deeprm" if "SYSTEM" in words else words
    )


def suggested(text):
    """The commands in a text as lists of arguments; one that is only named, of no system and without options, is left out."""
    for found in SHOWN.finditer(text):
        line = re.sub(r"\{[^}]*\}", lambda hole: filled(hole[0]), found[2]).rstrip(".")
        arguments = [STANDING.get(word, word) for word in shlex.split(line)]
        known = found[1].replace("-", "_") in COMMANDS and found[0] not in NAMES
        if (known and "{" in found[2]) or any(word.startswith("--") for word in arguments):
            yield [found[1], *arguments]


def refusal(arguments):
    """Why a command line does not parse; empty where it does."""
    if arguments[0].replace("-", "_") not in COMMANDS:
        return f"no command {arguments[0]}"
    app = CommandLine(arguments)
    import_module(f"dnnexplain.cli.{arguments[0].replace('-', '_')}").register(app)
    try:
        typer.main.get_command(app).make_context(arguments[0], list(arguments[1:]))
    except (TyperException, DnnExplainError) as error:
        return str(error) or type(error).__name__
    return ""


def why_not(arguments):
    """Why a suggestion parses for no system; words of the sentence around it may follow it. Empty where it does."""
    first = refusal(arguments)
    if not first or arguments[1].startswith("--"):  # an option is named, without what it needs
        return first if "No such" in first else ""
    switches = [place for place, word in enumerate(arguments) if word.startswith("--")]
    ends = [len(arguments), *((switches[-1] + 2, switches[-1] + 1) if switches else (2,))]
    for name in specs():
        line = [name if word == "deeprm" else word for word in arguments]
        if not all(refusal(line[:end]) for end in ends):
            return ""
    return first


def test_every_suggested_command_parses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = {tuple(line): path for path, text in texts() for line in suggested(text)}
    assert len(lines) > 50
    refused = {" ".join(line): (str(path), why) for line, path in lines.items() if (why := why_not(list(line)))}
    assert not refused


def test_a_suggestion_that_lacks_what_it_needs_is_noticed():
    assert list(suggested("train one: dnnexplain train {system.name}, or give a file")) == [["train", "deeprm"]]
    assert "out" in why_not(["train", "deeprm"])
    assert "no-such" in why_not(["explain", "deeprm", "--no-such"])


@pytest.mark.parametrize("name", [spec.name for spec in specs().values() if spec.recipes])
def test_where_no_network_ships_the_training_that_is_suggested_parses(name, tmp_path):
    with pytest.raises(DnnExplainError) as refused:
        load_shipped(make_system(name), directory=tmp_path)
    (line,) = SHOWN.finditer(str(refused.value))
    assert not refusal([line[1], *shlex.split(line[2])])
