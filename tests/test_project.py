"""The project's own promises: versions, commands, sizes, and what every part must have."""

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import dnnexplain
from tools.page import stale

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}
SOURCES = sorted(
    path
    for folder in ("dnnexplain", "widgets", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)
APART = {"optimal"}
"""Extras that "all" leaves out: pystreed brings packages under the GPL (ecos), which nobody should get unasked."""
LONGEST_FILE = 450
TYPICAL_FUNCTION = 30


def requirements():
    named = {extra: lines for extra, lines in PROJECT["optional-dependencies"].items() if extra != "all"}
    lines = [*PROJECT["dependencies"], *(line for lines in named.values() for line in lines)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_the_tested_version_satisfies_the_requirement(requirement):
    assert CONSTRAINTS[canonicalize_name(requirement.name)] in requirement.specifier


def closure(requirement, seen):
    """All packages that a requirement brings here, by their metadata."""
    key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
    if key in seen:
        return
    seen.add(key)
    for line in importlib.metadata.requires(requirement.name) or []:
        inner = Requirement(line)
        extras = requirement.extras or {""}
        if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
            closure(inner, seen)


def test_everything_that_is_installed_has_a_tested_version():
    seen = set()
    apart = {Requirement(line).name for extra in APART for line in PROJECT["optional-dependencies"][extra]}
    for requirement in requirements():
        if requirement.name not in apart:
            closure(requirement, seen)
    assert {name for name, _ in seen} <= set(CONSTRAINTS)


def test_the_extra_all_has_every_extra():
    extras = PROJECT["optional-dependencies"]
    assert Requirement(extras["all"][0]).extras == set(extras) - {"all"} - APART


def test_supported_pythons_are_said_alike_everywhere():
    from tools import bootstrap

    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert (bootstrap.OLDEST, bootstrap.NEWEST) == ((3, 11), (3, 13))
    said = [line.split(" :: ")[-1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert said == ["3.11", "3.12", "3.13"]


def test_the_installed_version_is_the_packages_own():
    assert importlib.metadata.version("dnnexplain") == dnnexplain.__version__


def test_every_make_command_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"app", "lab", "test", "check", "bench", "clean"} <= targets
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets, name


def test_every_dnnexplain_command_of_the_documents_exists():
    from dnnexplain.cli import COMMANDS

    known = {name.replace("_", "-") for name in COMMANDS}
    for name in ("README.md", "CONTRIBUTING.md", "Makefile"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`|/)dnnexplain ([a-z-]+)", text, re.MULTILINE)) <= known, name


def test_files_are_short_enough_to_read():
    lines = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def function_lines(path):
    """Lines of each function's body without its docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield body[-1].end_lineno - body[0].lineno + 1


def test_nine_functions_in_ten_are_short():
    lengths = sorted(length for path in SOURCES for length in function_lines(path))
    assert lengths[int(0.9 * len(lengths))] <= TYPICAL_FUNCTION


def test_the_page_that_ships_is_built_from_the_sources_that_are_here():
    assert stale() == [], "build it anew: make page"


def test_the_citation_names_the_version_and_the_licence():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", text, re.MULTILINE)[1] == dnnexplain.__version__
    assert re.search(r"^license: (\S+)$", text, re.MULTILINE)[1] == PROJECT["license"]


def test_before_a_commit_the_checks_of_make_check_run():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    made = re.search(r"^check:\n(.*?)\n\n", makefile, re.MULTILINE | re.DOTALL)[1]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    checks = re.findall(r"\$\(BIN\)/(.+)", made)
    assert checks
    assert re.findall(r"entry: \.venv/bin/(.+)", hooks) == checks


@pytest.mark.parametrize(
    "name", ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "decisions/README.md"]
)
def test_document_is_there(name):
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_decisions_are_dated_and_have_a_title():
    for path in sorted((ROOT / "decisions").glob("*.md")):
        if path.name != "README.md":
            assert re.match(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md$", path.name)
            assert path.read_text(encoding="utf-8").startswith("# ")


def test_the_page_can_draw_every_part_that_a_panel_asks_for():
    table = (ROOT / "widgets" / "page" / "src" / "entries" / "dashboard.js").read_text(encoding="utf-8")
    drawn = set(re.findall(r'^  "?([\w-]+)"?: make\w+,$', table, re.MULTILINE))
    asked = {
        (path.name, part)
        for path in SOURCES
        if "dnnexplain_widgets" in path.parts
        for part in re.findall(r'"part": "([\w-]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 20
    assert sorted(one for one in asked if one[1] not in drawn) == []
