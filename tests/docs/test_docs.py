"""The site: it builds without a warning, its Python runs, and every command that it shows exists."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "howto").glob("*.md"))
READ = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *PAGES]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", [page for page in PAGES if blocks(page, "python")], ids=lambda path: path.stem)
def test_the_python_of_a_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    for text in blocks(path, "python"):
        exec(compile(text, path.name, "exec"), space)


def commands(path):
    """The lines that call dnnexplain, as lists of arguments."""
    lines = [line for text in blocks(path, "") for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line.split(" #")[0])[1:] for line in lines if line.startswith("dnnexplain ")]


def parses(arguments):
    import typer

    from dnnexplain.cli import make_app

    command = typer.main.get_command(make_app(arguments))
    names = ["dnnexplain"]
    rest = list(arguments)
    while hasattr(command, "commands"):
        names.append(rest[0])
        command = command.commands[rest.pop(0)]
    command.make_context(" ".join(names), rest)


@pytest.mark.parametrize("path", [page for page in READ if commands(page)], ids=lambda path: path.stem)
def test_every_command_of_a_page_exists_with_its_options(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    for arguments in commands(path):
        parses(arguments)


def test_a_command_that_does_not_exist_would_be_noticed():
    with pytest.raises((SystemExit, Exception), match="no-such-option"):
        parses(["explain", "deeprm", "--no-such-option"])


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", tmp_path / "trees", "docs", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "DNNEXPLAIN_DOCS_RUN": "0"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in ("index", "howto/rules", "lessons/1-why-explain", "reference/explain", "commands"):
        assert (tmp_path / "site" / f"{page}.html").exists()
    for page in (tmp_path / "site").rglob(
        "*.html"
    ):  # what axe finds serious: headings of no level, scrolling out of reach
        assert "<pre>" not in page.read_text()
        assert '<div class="table-wrapper' not in page.read_text(), "a wide table is reached by keys"
        assert 'role="heading">' not in page.read_text()
    assert "integrated-gradients" in (tmp_path / "site" / "howto" / "explain-a-decision.html").read_text()
    text = (tmp_path / "site" / "reference" / "explain.html").read_text()
    for name in ("attribute", "trust", "maximise", "distil", "census"):
        assert re.search(rf'id="dnnexplain\.explain[\w.]*\.{name}"', text), name
