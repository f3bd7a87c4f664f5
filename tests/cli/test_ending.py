"""The end of commands: saved, exported and printed before the code that says what stopped them."""

import json

import pytest
import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.interrupts import Stop


class Found:
    def save(self, path):
        path.write_text("kept")


def test_everything_is_kept_and_printed_before_the_command_leaves(tmp_path, capsys):
    stop = Stop()
    stop.code = 143
    stop.set()
    with pytest.raises(typer.Exit) as left:
        finish(
            Found(),
            out=tmp_path / "out.npz",
            report=lambda: {"cost": float("nan")},
            show=pytest.fail,
            stop=stop,
            export=(tmp_path / "rules.py", lambda: "rules"),
        )
    assert left.value.exit_code == 143
    assert (tmp_path / "out.npz").read_text() == "kept"
    assert (tmp_path / "rules.py").read_text() == "rules"
    assert json.loads(capsys.readouterr().out) == {"cost": None}


def test_without_json_it_is_shown_and_nothing_is_written(tmp_path):
    shown = []
    finish(Found(), out=None, report=None, show=lambda: shown.append(True), stop=Stop(), export=(None, pytest.fail))
    assert shown == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_found_what_it_should_not_says_so_by_its_code_unless_it_was_stopped(tmp_path):
    stop = Stop()
    for code in (1, 143):
        with pytest.raises(typer.Exit) as left:
            finish(None, out=tmp_path / "kept", report=None, show=lambda: None, stop=stop, code=1)
        assert left.value.exit_code == code
        stop.code = 143
        stop.set()
    assert not (tmp_path / "kept").exists()  # there was nothing more to keep
