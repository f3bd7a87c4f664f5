"""The command line's frame: help, exit codes, one sentence per failure, whole files, strict JSON."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.main import get_command

from dnnexplain.cli import COMMANDS, main, make_app
from dnnexplain.cli.errors import run
from dnnexplain.cli.output import examples, number, print_json, print_table, progress_bar
from dnnexplain.contract import DnnExplainError


@pytest.fixture(autouse=True)
def _reports_here(monkeypatch, tmp_path):
    """Files with a traceback, which bugs leave behind, go with the test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def failing(error):
    """The exit code of a command that raises an error."""
    app = typer.Typer()
    app.callback()(lambda: None)

    @app.command()
    def fail():
        raise error

    return run(lambda: app, ["fail"])


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name.replace("_", "-") in text for name in COMMANDS)


def test_without_a_command_help_is_shown(capsys):
    assert main([]) == 0
    assert "Usage: dnnexplain" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("dnnexplain 0.")


@pytest.mark.parametrize("name", sorted(get_command(make_app()).commands))
def test_every_commands_help_shows_an_example(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"dnnexplain {name}" in text.partition("Example")[2]


def test_every_command_module_has_a_register():
    assert all(callable(import_module(f"dnnexplain.cli.{name}").register) for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["systms"], "No such command 'systms'"),
        (["systems", "--jsn"], "No such option: --jsn"),
        (["systems", "a", "b"], "unexpected extra argument"),
        (["evaluate", "deeprm", "--policy", ""], "after --policy stands an empty value"),
        (["systems", "depprm"], "there is no system 'depprm'; there are: deeprm"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DnnExplainError("slots must be\n at least 1, not 0"), 2, "Error: slots must be at least 1, not 0"),
        (FileNotFoundError(errno.ENOENT, "No such file", "jobs.json"), 2, "jobs.json: there is no such file or folder"),
        (PermissionError(errno.EACCES, "Permission denied", "/out"), 2, "Error: /out: permission denied"),
        (OSError(errno.EROFS, "Read-only file system", "/out"), 2, "Error: /out: read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device", "a.npz"), 2, "Error: a.npz: no space left on device"),
        (ModuleNotFoundError("No module named 'voila'", name="voila.app"), 2, "pip install 'dnnexplain[widgets]'"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (typer.Exit(3), 3, ""),
        (SystemExit(4), 2, "ended the program before the command was done"),
        (SystemExit(0), 2, "ended the program before the command was done"),
        (SystemExit("no\n more"), 2, "ended the program, saying 'no more'"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 2, "not enough memory"),
        (DnnExplainError("x" * 5000 + " give less"), 2, "left out ...]"),
        (BaseExceptionGroup("several", [KeyboardInterrupt()]), 70, "should not happen"),
        (ZeroDivisionError("division by zero"), 70, "this should not happen, ZeroDivisionError: division by zero"),
        (ModuleNotFoundError("No module named 'dnnexplain.nothing'", name="dnnexplain.nothing"), 70, "should not"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_failure_is_one_line_and_its_exit_code(error, code, words, capsys):
    assert failing(error) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == bool(words)
    assert "Traceback" not in said


def test_a_port_in_use_is_named_so(capsys):
    app = typer.Typer()
    with socket.socket() as taken, socket.socket() as second:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        app.command()(lambda: second.bind(taken.getsockname()))
        assert run(lambda: app, []) == 2
    assert "the port is in use by another program" in capsys.readouterr().err


def test_the_debug_variable_shows_where_a_bug_is(monkeypatch):
    monkeypatch.setenv("DNNEXPLAIN_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "dnnexplain", "nothing"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: No such command 'nothing'; see dnnexplain --help.\n"


SLEEPER = """
import sys, time, typer
from pathlib import Path
from dnnexplain.cli.errors import run
from dnnexplain.cli.files import atomic_write

def sleep():
    with atomic_write(sys.argv[1]) as stream:
        stream.write("half")
        stream.flush()
        print("writing", flush=True)
        time.sleep(60)

app = typer.Typer()
app.command()(sleep)
sys.exit(run(lambda: app, []))
"""


def test_ctrl_c_leaves_no_file_and_says_so(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(tmp_path / "out.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert (child.returncode, said) == (130, "Interrupted.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_early_is_no_error():
    code = "import sys\nfrom dnnexplain.cli import main\nsys.exit(main(['--help']))"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait() in {0, 141}


def test_systems_as_json_lists_knobs_with_bounds(capsys):
    assert main(["systems", "deeprm", "--json"]) == 0
    (system,) = json.loads(capsys.readouterr().out)["systems"]
    assert system["name"] == "deeprm"
    first = {"name": "job 1 length", "unit": "steps", "low": 0, "high": 15, "step": 1, "group": "job 1", "default": 0}
    assert system["knobs"][0] == first


def test_systems_as_text_names_every_system(capsys):
    from dnnexplain.systems import BUILT_IN

    assert main(["systems"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name}: " in f"\n{text}" for name in BUILT_IN)


# --- output -------------------------------------------------------------------------------------


class Kind(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Figure:
    mean: float
    values: np.ndarray


def test_json_is_strict_and_takes_numpy(capsys):
    print_json(
        {
            "figure": Figure(np.float64(1.5), np.array([[1.0, np.nan], [np.inf, 2.0]])),
            1: np.int64(3),
            "kind": Kind.ONE,
            "ok": np.bool_(1),
            "path": Path("a"),
            "several": (1, {2}),
            "none": None,
        }
    )
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "figure": {"mean": 1.5, "values": [[1.0, None], [None, 2.0]]},
        "1": 3,
        "kind": "one",
        "ok": True,
        "path": "a",
        "several": [1, [2]],
        "none": None,
    }


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        print_json({"a": object()})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.5849, "4.58"),
        (12.62, "12.6"),
        (99.96, "100"),
        (1234.5, "1,230"),
        (0.00312, "0.00312"),
        (-0.41, "-0.410"),
        (0.0, "0.00"),
        (17900, "17,900"),
        (2.5e7, "2.50e+07"),
        (1.234e-9, "1.23e-09"),
        (True, "yes"),
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "infinite"),
        ("sjf", "sjf"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert number(value) == text
    assert number(np.asarray(value)[()] if isinstance(value, float) else value) == text


def test_numbers_carry_their_unit():
    assert number(3.14159, "s") == "3.14 s"


def test_a_table_is_not_cut_where_there_is_no_terminal(capsys):
    print_table(("policy", "slowdown"), [("a" * 90, 4.5849), ("[b]sjf[/b]", None)], title="Figures")
    text = capsys.readouterr().out
    assert "a" * 90 in text
    assert "4.58" in text
    assert "[b]sjf[/b]" in text


def test_progress_without_a_terminal_says_nothing(capsys):
    with progress_bar("Training", 3) as advance:
        advance(1, 3)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_shows_what_is_done():
    import pty

    leader, follower = pty.openpty()
    code = (
        "from dnnexplain.cli.output import progress_bar\n"
        "with progress_bar('Training', 4) as advance: advance(3, 4, 'loss 0.5')"
    )
    start = time.monotonic()
    child = subprocess.run([sys.executable, "-c", code], stderr=follower, stdout=subprocess.PIPE, check=True)
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert child.stdout == b""
    assert "Training" in shown
    assert "3/4" in shown
    assert "loss 0.5" in shown
    assert time.monotonic() - start < 60


def test_examples_keep_their_lines():
    assert examples("dnnexplain a") == "\b\nExample:\n  dnnexplain a"
    assert examples("dnnexplain a", "dnnexplain b") == "\b\nExamples:\n  dnnexplain a\n  dnnexplain b"
