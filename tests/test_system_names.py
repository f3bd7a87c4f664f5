"""Nothing outside a system's folder names it: only what is listed here, and prose in docstrings and comments."""

import ast
import io
import os
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

from dnnexplain.registry import BUILT_IN

ROOT = Path(__file__).parent.parent
OWN = re.compile(r"deeprm|routing|abilene|starved|slowdown", re.IGNORECASE)
"""Names of the first two systems, of their topology and of their metrics."""

MAY = {
    "dnnexplain/registry.py": 1,  # the one list of built-in systems
    "dnnexplain/app/prefix.py": 1,  # tornado.routing
    "dnnexplain/explain/distillation/result.py": 1,  # a former name of fields, which old files have
}
"""File -> most lines of code, prose aside, in which such a name may stand. It only ever gets shorter."""


def prose(source):
    """The lines of a Python source that are docstrings or comments alone."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found |= set(range(node.lineno, node.end_lineno + 1))
    return found


@cache
def code_lines(file):
    """Numbered lines of a source, without its prose."""
    text = file.read_text()
    if file.suffix == ".py":
        left_out, lines = prose(text), text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
        return [(n, line) for n, line in enumerate(lines, 1) if n not in left_out]
    bare = re.sub(r"/\*.*?\*/", lambda found: "\n" * found.group().count("\n"), text, flags=re.DOTALL)
    return [(n, re.sub(r"(^|\s)//.*", "", line)) for n, line in enumerate(bare.splitlines(), 1)]


CODE = {".py", ".js", ".css", ".html"}


def texts():
    """Files outside the systems' folders, none of them built or fetched, by their path below the root."""
    for start in ("dnnexplain", "widgets"):
        for folder, below, names in os.walk(ROOT / start):
            below[:] = sorted(set(below) - {"node_modules", "dist", "build", "__pycache__"})
            for file in (Path(folder) / name for name in sorted(names)):
                where = file.relative_to(ROOT).as_posix()
                if not where.startswith(("dnnexplain/systems/", "dnnexplain/policies/weights/")):
                    yield where, file


def sources():
    return ((where, file) for where, file in texts() if file.suffix in CODE)


def test_no_code_outside_a_systems_folder_names_it():
    found = {}
    for where, file in sources():
        lines = [f"{where}:{n}: {line.strip()}" for n, line in code_lines(file) if OWN.search(line)]
        if len(lines) > MAY.get(where, 0):
            found[where] = lines
    assert found == {}


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in {"deeprm", "routing"}])
def test_the_later_systems_are_named_nowhere_but_in_the_list(name):
    word = re.compile(rf"[\"'.]{name}[\"'.:]")
    assert [where for where, file in sources() for _n, line in code_lines(file) if word.search(line)] == [
        "dnnexplain/registry.py"
    ]


def test_a_search_through_all_text_finds_nothing_else_but_prose():
    """The same over every file that is text, data and notebooks among them."""
    data = ((where, file) for where, file in texts() if file.suffix not in CODE)
    told = [where for where, file in data if OWN.search(file.read_bytes().decode("utf-8", "replace"))]
    assert told == []


def test_prose_is_told_from_code(tmp_path):
    file = tmp_path / "one.py"
    file.write_text('"""DeepRM."""\nname = "x"  # routing\n\ndef f():\n    """Starved."""\n    return "slowdown"\n')
    assert [n for n, line in code_lines(file) if OWN.search(line)] == [6]
