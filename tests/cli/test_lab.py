"""``dnnexplain lab``: JupyterLab comes up, for root too."""

import os
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("jupyterlab")

from dnnexplain.cli.lab import lab_command
from tests.browser.servers import start, stop


@pytest.mark.parametrize(("user", "asked"), [(0, True), (1000, False)])
def test_only_root_asks_to_be_let_in(user, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    command = lab_command(tmp_path, tmp_path / "a.ipynb", 8900, browser=False)
    assert ("--allow-root" in command) is asked
    assert "--no-browser" in command


@pytest.mark.slow
def test_it_comes_up_for_whoever_runs_the_tests(tmp_path):
    process, url = start(
        [sys.executable, "-m", "dnnexplain", "lab", str(tmp_path), "--no-browser"], r"http://127\.0\.0\.1:\d+/\S+"
    )
    try:
        assert b"jupyter" in page(url).lower()
        assert (tmp_path / "dnnexplain-start.ipynb").exists()
    finally:
        stop(process)


def page(url, tries=300):
    """What the server answers; it says its address shortly before it listens."""
    for _ in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read()
        except urllib.error.URLError:
            time.sleep(0.2)
    pytest.fail(f"{url} does not answer")
