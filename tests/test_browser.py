"""The browser tests' own frame: the browser works, its loop stays out of other tests, and no skip goes unseen."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SKIPPED = """
import pytest

@pytest.mark.browser
def test_skipped():
    pytest.skip("no reason")
"""


def test_the_browser_runs_scripts(chromium):
    page = chromium.new_page()
    page.set_content("<p id='sum'></p><script>document.getElementById('sum').textContent = 1 + 2</script>")
    assert page.inner_text("#sum") == "3"
    page.close()


def test_a_test_after_it_may_run_a_loop_of_its_own():
    async def three():
        return 3

    assert asyncio.run(three()) == 3


@pytest.mark.parametrize(("require", "code"), [("1", 1), ("0", 0)])
def test_a_skipped_browser_test_is_a_failure_where_browsers_are_required(tmp_path, monkeypatch, require, code):
    path = tmp_path / "test_skipped.py"
    path.write_text(SKIPPED)
    monkeypatch.setenv("DNNEXPLAIN_REQUIRE_BROWSER", require)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ("wants every browser test: no reason" in done.stdout) == bool(code)
