"""However a command ends, it says so: a sentence, a code, and on disk what a long search had found."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from dnnexplain.cli.errors import BUG, run
from dnnexplain.cli.interrupts import heard, until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.contract import DnnExplainError
from dnnexplain.contract.errors import LONGEST, shortened

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and redirections of POSIX")
COMMAND = f"{sys.executable} -m dnnexplain"


def shell(line):
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=240)


@POSIX
@pytest.mark.slow
def test_closed_and_full_outputs_are_no_bugs():
    rest = "systems"
    ends = {
        f"{COMMAND} {rest} >&-": {0},
        f"{COMMAND} {rest} >/dev/full": {2},
        f"{COMMAND} {rest} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}": {0, 141},
        f"{COMMAND} {rest} <&- >&- 2>&-": {0},
    }
    for line, codes in ends.items():
        done = shell(line)
        assert done.returncode in codes, line
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert done.stderr.count("\n") == (done.returncode == 2)


def test_a_bug_is_one_sentence_that_names_the_file_with_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = typer.Typer()

    @app.command()
    def fail():
        return {}["x" * 9000]

    assert run(lambda: app, []) == BUG == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert len(said) < LONGEST + 300
    file = Path(re.search(r"\S+/dnnexplain-error-\S+\.txt", said)[0])
    assert file.read_text(encoding="utf-8").startswith("Traceback (most recent call last)")
    assert "in fail" in file.read_text(encoding="utf-8")


def test_a_message_keeps_its_beginning_and_its_end():
    text = f"the file says {'x' * 5000}; write JSON instead"
    for one in (str(DnnExplainError(text)), shortened(text)):
        assert len(one) < LONGEST + 50
        assert one.startswith("the file says xxx")
        assert one.endswith("write JSON instead")
    assert str(DnnExplainError("short")) == "short"


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "import sys; sys.exit()", "raise SystemExit('no')", "exit(0)"])
def test_a_teachers_file_cannot_end_the_command(tmp_path, line):
    from dnnexplain.policies.training.rules import load_function
    from dnnexplain.systems import make_system

    file = tmp_path / "teacher.py"
    file.write_text(f"{line}\ndef rule(features):\n    return 0\n")
    with pytest.raises(DnnExplainError, match="cannot be run: SystemExit"):
        load_function(file, "rule", make_system("deeprm", slots=3))


def test_what_is_kept_is_made_only_when_it_is_time(tmp_path):
    made = []

    class Found:
        def save(self, path):
            made.append(path)

    never, often, nowhere = Keeper(tmp_path / "a", 1000), Keeper(tmp_path / "b", 0), Keeper(None, 0)
    for keep in (never, often, nowhere):
        keep(Found)
        keep(Found)
    assert made == [tmp_path / "b"] * 2


@pytest.fixture
def at_a_terminal():
    """Signals as a terminal's programs have them, also where the tests were started to outlive theirs (nohup)."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@POSIX
@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_to_be_asked_to_end_is_heard_once_and_obeyed_twice(number):
    before = signal.getsignal(number)
    with until_interrupted() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        assert stop.code == 128 + number
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


@POSIX
@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_says_so_as_it_does_for_ctrl_c(number, capsys):
    app = typer.Typer()

    @app.command()
    def wait():
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            typer.echo("kept")
            raise

    assert run(lambda: app, []) == 128 + number
    told = capsys.readouterr()
    assert (told.out, told.err) == ("kept\n", "Interrupted.\n")
    assert signal.getsignal(number) == signal.SIG_DFL


def test_a_search_that_was_ended_before_it_found_anything_ends_by_the_signal(capsys):
    app = typer.Typer()

    @app.command()
    def find(asked: bool = True):
        with until_interrupted("Stopping.") as stop:
            if asked:
                signal.raise_signal(signal.SIGINT)
            raise DnnExplainError("it had not run a workload" + stop.is_set() * ".")

    assert run(lambda: app, []) == 130
    assert capsys.readouterr().err == "Stopping.\nit had not run a workload.\n"
    assert run(lambda: app, ["--no-asked"]) == 2
    assert capsys.readouterr().err == "Error: it had not run a workload\n"


@pytest.mark.parametrize("kept", ["net.json", ".net.json.part-0", "net.progress", ""])
def test_a_command_that_was_ended_says_whether_anything_was_kept(kept, tmp_path, capsys):
    app, out = typer.Typer(), tmp_path / "net.json"
    (tmp_path / "net.md").touch()
    os.utime(tmp_path / "net.md", (1, 1))  # of an earlier command

    @app.command()
    def wait(where: str = typer.Option("", "--out")):
        if kept:
            (Path(where).parent / kept).touch()
        raise KeyboardInterrupt

    nothing = "" if kept else f" Nothing was written to {out}."
    for line in (["--out", str(out)], [f"--out={out}"]):
        assert run(lambda: app, line) == 130
        assert capsys.readouterr().err == f"Interrupted.{nothing}\n"


FORKED = """
import os, signal
from dnnexplain.cli.interrupts import heard
with heard():
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@POSIX
def test_a_forked_process_is_ended_at_once():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=240)
    assert done.stdout.strip() == str(-signal.SIGTERM)


@POSIX
def test_what_was_started_to_outlive_its_terminal_does():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with until_interrupted() as stop, heard() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
            assert asked.code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


EAGER = "from dnnexplain.cli import keeping; keeping.KEEP_SECONDS = 0; import runpy; runpy.run_module('dnnexplain', run_name='__main__')"
"""``python -m dnnexplain`` that keeps what it has at every step, not every few seconds."""

SEARCHES = {
    "attack": "attack deeprm --workload deeprm --slots 5 --steps 20 --rule sjf --budget 300 --oracle-seconds 0.1",
    "worst-case": "worst-case routing --policy dote-current --budget 300",
}


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), [("attack", "SIGKILL"), ("worst-case", "SIGTERM")])
def test_a_search_that_is_ended_leaves_what_it_had_and_can_go_on(name, how, tmp_path):
    how = getattr(signal, how)
    out = tmp_path / "kept.json"
    line = [sys.executable, "-c", EAGER, *SEARCHES[name].split(), "--out", str(out)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        limit = time.monotonic() + 200
        while not out.exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.1)
        assert out.exists()
        process.send_signal(how)
        code = process.wait(60)
        said = process.stderr.read()
    assert "Traceback" not in said
    assert code == -signal.SIGKILL if how == signal.SIGKILL else code in {130, 143}
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert kept
    again = [*line, "--resume", str(out)]
    again[again.index("--budget") + 1] = ".2"
    done = subprocess.run([*again, "--json"], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_keeping_a_worst_case_changes_nothing_of_the_search():
    import numpy as np

    from dnnexplain.explain.gray_box import Budget, worst_case
    from tests.gray_box.ring import ring_problem

    kept = []
    plain = worst_case(ring_problem(), "random", budget=Budget(1e6, 30), seed=3)
    found = worst_case(ring_problem(), "random", budget=Budget(1e6, 30), seed=3, keep=lambda make: kept.append(make()))
    np.testing.assert_array_equal(found.x, plain.x)
    assert found.ratio == pytest.approx(plain.ratio, rel=1e-9)  # the solver begins elsewhere
    assert all(one.stopped == "running" for one in kept)
    assert kept
    assert all(one.ratio <= found.ratio * (1 + 1e-9) for one in kept)
