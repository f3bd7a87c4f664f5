"""The page's code: its own tests, and that what ships is what its sources give."""

import os
import re
import shutil
import subprocess

import pytest

from dnnexplain.charts.look import SIGNED
from dnnexplain_widgets.web import style_source
from tools import page

REQUIRED = os.environ.get("DNNEXPLAIN_REQUIRE_BROWSER") == "1"


@pytest.fixture(scope="module")
def tools_of_npm():
    """The tools of widgets/page; without Node these tests are skipped, with it they may not be in ``make test``."""
    if (reason := page.install()) is not None:
        if REQUIRED and shutil.which("node"):
            pytest.fail(reason)
        pytest.skip(reason)


def test_the_pages_own_tests_pass(tools_of_npm):
    files = sorted(path.relative_to(page.PAGE).as_posix() for path in (page.PAGE / "test").glob("*.test.js"))
    told = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *files], cwd=page.PAGE, check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, (
        "\n".join(re.findall(r"^not ok.*|^ +error: .*", told.stdout, re.MULTILINE)) + told.stderr
    )
    assert int(re.search(r"^# pass (\d+)$", told.stdout, re.MULTILINE)[1]) > len(files)


def test_what_ships_is_what_the_sources_give(tools_of_npm, tmp_path):
    made = page.run("node", "tools/build.js", str(tmp_path), quiet=True)
    assert made.returncode == 0, made.stderr
    for file in page.BUILT:
        built = tmp_path / file.relative_to(page.ROOT)
        assert built.read_bytes() == file.read_bytes(), f"{file.name} is not what its sources give: make page"
    licences = page.BUILT[0].parent / "LICENCES.txt"
    assert (tmp_path / licences.relative_to(page.ROOT)).read_bytes() == licences.read_bytes()


def test_the_licences_of_others_ship_with_their_code():
    folder = page.BUILT[0].parent
    kept = (folder / "LICENCES.txt").read_text(encoding="utf-8")
    for file in page.BUILT:
        named = re.search(r"^/\* Parts of (.+)\.$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert (named is not None) == (file.stem in {"dashboard", "explorable"})
        for name in named[1].split(", ") if named else []:
            assert f"{name} (ISC)" in kept
            assert "Permission to use, copy, modify" in file.read_text(encoding="utf-8")


UNTYPED = 423
"""Lines of the page's code whose type is ``any``. It may be lowered, never raised: write the type."""


def test_types_of_the_pages_code_only_become_more_exact():
    files = sorted((page.PAGE / "src").rglob("*.js"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    found = sum(re.search(r"(@|\*).*\bany\b", line) is not None for line in lines)
    assert found <= UNTYPED, (
        f"{found} lines are of type any, {UNTYPED} were: give them a type (widgets/page/src/*.d.ts)"
    )
    assert found > UNTYPED - 40, f"only {found} are left: write that number, so that it stays so"


def test_what_was_built_from_other_sources_is_found_without_node(tmp_path, monkeypatch):
    assert page.stale() == []
    one = tmp_path / "dashboard.js"
    one.write_text(page.BUILT[0].read_text(encoding="utf-8").replace(page.stamp(), "0" * 64), encoding="utf-8")
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(page, "BUILT", (one, tmp_path / "missing.js"))
    assert page.stale() == ["dashboard.js", "missing.js"]


def test_without_node_the_checks_say_so_and_a_build_ends(monkeypatch, capsys):
    monkeypatch.setattr(page.shutil, "which", lambda name: None)
    page.main(["check"])
    assert "not checked: there is no Node" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        page.main(["build"])


def test_the_pages_colours_are_those_of_the_package():
    assert page.COLOURS.read_text(encoding="utf-8") == page.colours()
    for sides in SIGNED.values():
        assert f"--dx-positive: {sides['for']}; --dx-negative: {sides['against']};" in style_source()
