"""The scripts that `make` runs: what counts as installed, which browser is taken, and one line when something is missing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import bootstrap, browser, compiled, machine

ROOT = Path(__file__).parent.parent


@pytest.fixture
def venv(tmp_path):
    """A folder that looks like an environment; its Python is the one that runs the tests."""
    python = bootstrap.venv_python(tmp_path)
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    (tmp_path / "pyvenv.cfg").touch()
    return tmp_path


@pytest.fixture
def pip(monkeypatch):
    """Instead of pip: what it was called with, and what it answers."""
    calls, answer = [], {"error": ""}

    def fake(venv, *arguments, quiet=False):
        calls.append(arguments)
        return "" if quiet else answer["error"]

    monkeypatch.setattr(bootstrap, "pip", fake)
    monkeypatch.setattr(bootstrap, "reachable", lambda host: False)
    return calls, answer


def test_an_installation_counts_until_something_changes(venv, pip, monkeypatch):
    assert bootstrap.installed_extras(venv) is None
    bootstrap.install(venv, "test,widgets")
    assert bootstrap.installed_extras(venv) == {"test", "widgets"}
    monkeypatch.setattr(bootstrap, "fingerprint", lambda: "another")
    assert bootstrap.installed_extras(venv) is None


def test_the_fingerprint_follows_both_files(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    seen = set()
    for project, constraints in (("a", "b"), ("c", "b"), ("a", "d")):
        (tmp_path / "pyproject.toml").write_text(project)
        (tmp_path / "constraints.txt").write_text(constraints)
        seen.add(bootstrap.fingerprint())
    assert len(seen) == 3


def test_a_failed_installation_does_not_count(venv, pip, capsys):
    bootstrap.install(venv, "test")
    pip[1]["error"] = "ERROR: Could not find a version that satisfies the requirement numpy\nERROR: No matching numpy"
    with pytest.raises(SystemExit) as end:
        bootstrap.install(venv, "all")
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == "Error: pip could not install the project: No matching numpy"
    assert bootstrap.installed_extras(venv) is None


def test_an_interrupted_installation_does_not_count(venv, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "pip", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.install(venv, "test")
    assert bootstrap.installed_extras(venv) is None


def test_an_environment_without_its_python_does_not_count(venv, pip):
    bootstrap.install(venv, "test")
    bootstrap.venv_python(venv).unlink()
    assert bootstrap.installed_extras(venv) is None


@pytest.mark.parametrize(
    ("have", "wanted", "installed"),
    [("all", "widgets", None), ("widgets", "widgets", None), ("widgets", "all", "all"), ("dask", "test", "dask,test")],
)
def test_only_what_is_missing_is_installed(venv, pip, monkeypatch, have, wanted, installed):
    bootstrap.install(venv, have)
    pip[0].clear()
    monkeypatch.setattr(sys, "argv", ["bootstrap", "--venv", str(venv), "--extras", wanted])
    bootstrap.main()
    assert [call[-1] for call in pip[0]][1:] == ([] if installed is None else [f"{ROOT}[{installed}]"])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("NewConnectionError: Failed to establish a new connection", "pip cannot reach a package index"),
        (
            "ERROR: Cannot install a and b because of conflicts.\nERROR: ResolutionImpossible: see https://pip",
            "could not install the project: Cannot install a and b because of conflicts.",
        ),
        ("", "no reason was given"),
    ],
)
def test_pips_failure_is_one_sentence(error, words):
    assert words in bootstrap.explain(error)
    assert "\n" not in bootstrap.explain(error)


def test_a_python_that_is_too_old_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    assert "dnnexplain needs Python 3.11 to 3.13" in capsys.readouterr().err


def test_another_python_on_the_path_is_taken(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: sys.executable if name == "python3.12" else None)
    ran = []
    monkeypatch.setattr(bootstrap.os, "execv", lambda *command: ran.append(command) or sys.exit(0))
    monkeypatch.setattr(bootstrap.os, "chdir", lambda folder: None)
    monkeypatch.setattr(sys, "argv", ["bootstrap", "--extras", "all"])
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    assert ran == [(sys.executable, [sys.executable, "-m", "tools.bootstrap", "--extras", "all"])]


def test_a_folder_of_the_users_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SystemExit):
        bootstrap.make_venv(tmp_path)
    assert "is there but is no virtual environment" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").exists()


def test_an_environment_of_another_python_is_named(venv, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 13, 1) if sys.version_info[1] != 13 else (3, 12, 1))
    with pytest.raises(SystemExit):
        bootstrap.make_venv(venv)
    assert "was made with Python 3." in capsys.readouterr().err


def test_a_full_disk_is_said_before_it_is_filled(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_200_000_000))
    with pytest.raises(SystemExit):
        bootstrap.check_space(tmp_path)
    assert "has 1.2 GB free, but the installation needs 3 GB" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["bootstrap", "browser"])
def test_scripts_need_nothing_but_the_standard_library(script):
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tools.{script}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


# --- browser ------------------------------------------------------------------------------------


@pytest.fixture
def nothing(monkeypatch):
    """A machine without any browser on which nothing may be installed."""
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    monkeypatch.setattr(browser, "ELSEWHERE", ())
    monkeypatch.setattr(browser, "playwrights_own", lambda: None)
    monkeypatch.setattr(browser, "can_apt", lambda: False)
    monkeypatch.setattr(browser, "reachable", lambda host: False)


def program(folder, name, code=0):
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def test_the_named_browser_comes_first(nothing, monkeypatch, tmp_path):
    monkeypatch.setenv(browser.VARIABLE, program(tmp_path, "mine"))
    assert browser.find() == str(tmp_path / "mine")


def test_a_named_browser_that_does_not_start_is_an_error(nothing, monkeypatch, tmp_path):
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(LookupError, match="is no browser that starts here"):
        browser.find()


def test_a_stub_is_passed_over(nothing, monkeypatch, tmp_path):
    paths = {"chromium-browser": program(tmp_path, "stub", code=1), "google-chrome": program(tmp_path, "chrome")}
    monkeypatch.setattr(browser.shutil, "which", paths.get)
    assert browser.find() == str(tmp_path / "chrome")


def test_playwrights_own_is_taken_where_the_system_has_none(nothing, monkeypatch, tmp_path):
    monkeypatch.setattr(browser, "playwrights_own", lambda: program(tmp_path, "chrome"))
    assert browser.find() == str(tmp_path / "chrome")


def test_a_bare_container_gets_debians_package(nothing, monkeypatch, tmp_path):
    installed = {}
    monkeypatch.setattr(browser, "can_apt", lambda: True)
    monkeypatch.setattr(
        browser, "apt_install", lambda *names: bool(installed.update(chromium=program(tmp_path, "c"))) or True
    )
    monkeypatch.setattr(browser.shutil, "which", installed.get)
    assert browser.find_or_install() == str(tmp_path / "c")


def test_where_nothing_works_one_line_says_what_is_missing(nothing, capsys):
    with pytest.raises(SystemExit) as end:
        browser.main()
    said = capsys.readouterr()
    assert (end.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "the browser tests need Chromium" in said.err


def test_an_unreachable_host_is_known_quickly():
    assert machine.reachable("nowhere.invalid") is False


def test_a_line_that_is_not_understood_is_not_taken_for_compiled(capfd):
    assert compiled.runs("systems --json")
    assert compiled.runs("attack routing --workload gravity --rounds 1 --no-such-option") is False
    assert compiled.runs("evaluate nothing --sets 2") is False
    assert capfd.readouterr() == ("", "")


def test_every_built_in_system_is_compiled_with_a_state_of_its_own(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(compiled, "runs", lambda line: asked.append(line.split()) or "abr" not in line)
    compiled.main()
    assert len(asked) == len(compiled.LINES) * len(compiled.BUILT_IN)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(compiled.LINES) + 1
    assert all("dnnexplain" in line and "abr" in line for line in said[:-1])
    for line in compiled.lines(tmp_path):
        assert line.split()[1] in compiled.BUILT_IN
    assert {path.stem for path in tmp_path.glob("*.json")} == set(compiled.BUILT_IN)
