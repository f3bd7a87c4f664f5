"""The Binder folder: pins that are the tested versions, steps that work in a clean environment, links that open something."""

import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tools import binder

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "binder"


def test_pins_are_what_the_tool_writes_today():
    assert (FOLDER / "requirements.txt").read_text() == binder.requirements(), "run: python -m tools.binder pins"


def test_pins_hold_all_that_a_dashboard_needs_and_nothing_for_gpus_tests_or_benchmarks():
    names = set(re.findall(r"^([\w-]+)==", (FOLDER / "requirements.txt").read_text(), flags=re.MULTILINE))
    assert {"torch", "captum", "voila", "jupyterlab", "ipywidgets", "anywidget", "numba", "ortools", "highspy"} <= names
    assert not names & {"pytest", "playwright", "cma", "triton", "dnnexplain"}
    assert not [name for name in names if name.startswith("nvidia")]


def test_the_scripts_stop_at_the_first_error_and_hand_over():
    assert "set -e" in (FOLDER / "postBuild").read_text()
    assert (FOLDER / "start").read_text().strip().endswith('exec "$@"')
    for name in ("postBuild", "start"):
        assert (FOLDER / name).read_text().startswith("#!/bin/bash")
        assert (FOLDER / name).stat().st_mode & 0o100


def test_every_link_opens_a_file_that_is_there():
    found = binder.links("owner/project")
    assert len(found) >= 9
    lessons = [int(name.split("-")[0]) for name in found if name[0].isdigit()]
    assert lessons == sorted(lessons)  # 10 after 9
    for address in found.values():
        parts = urlsplit(address)
        assert (parts.netloc, parts.path) == ("mybinder.org", "/v2/gh/owner/project/HEAD")
        where = unquote(parse_qs(parts.query)["urlpath"][0])
        assert (ROOT / re.sub(r"^(lab/tree|voila/render)/", "", where)).exists()


@pytest.mark.parametrize("given", ["", "name", "https://github.com/a/b", "a/b/c"])
def test_what_is_no_repository_is_refused_in_one_line(given, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["binder", "links", given])
    with pytest.raises(SystemExit) as ended:
        binder.main()
    assert ended.value.code == 2
    assert "OWNER/REPO" in capsys.readouterr().err


@pytest.mark.slow
def test_the_steps_work_in_a_clean_environment_and_fit_a_session(tmp_path, capsys):
    found = binder.check(tmp_path / "image", linked=True)
    with capsys.disabled():
        words = f"Python part {found['python_gb']} GB, a kernel with the dashboard {found['kernel_gb']} GB"
        sys.stdout.write("\nBinder: " + words + "\n")
    assert str(tmp_path / "image" / "lib") in found["dnnexplain"]
    assert found["fits"]
    assert found["kernel_gb"] < 1.0  # two pages in a session of 2 GB
    assert found["python_gb"] < 2.5  # with CUDA it would be above 5
    assert not found["cuda"]
    assert found["threads"] == 1
