"""What is printed or written to where nothing can be written: a sentence that names the place, and code 2."""

import os
import signal
import sys
from pathlib import Path

import pytest

from dnnexplain.app import server
from dnnexplain.cli import lab, main
from tests.cli.test_train import SMALLEST
from tests.systems.broken_outputs import CODES, ended_on, fault_of
from tests.systems.commands import SMALL, line_of, state_file
from tests.systems.test_same_seed import SMALLER, system_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices and permissions of POSIX")

WRITES = [command for command, words in SMALL.items() if "--out" in words]
COMBINED = [
    (command, list(CODES)[place % len(CODES)], bool(place // len(CODES) % 2)) for place, command in enumerate(SMALL)
]
"""Each command has an output and a form; all outputs have both forms. ``benchmarks/outputs.py`` tries all on all systems."""


def lines(command, folder, out):
    system = system_for(command)
    words = line_of(command, system, folder, state_file(system, folder))
    if "--out" in words:
        words[words.index("--out") + 1] = str(out)
    return [*words, *SMALLER.get(command, ())]


@pytest.mark.parametrize("command", WRITES)
def test_what_cannot_be_written_is_said_in_a_sentence(command, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "below.json", Path("/dev/full/x.json"), Path("/proc/version/x.json")):
        assert main(lines(command, tmp_path, out)) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1, said
        assert str(out.parent) in said


@pytest.mark.parametrize(("command", "kind", "as_json"), COMBINED)
def test_an_output_on_which_nothing_arrives(command, kind, as_json, tmp_path):
    words = [word for word in lines(command, tmp_path, tmp_path / "out.json") if as_json or word != "--json"]
    assert not fault_of(kind, ended_on(kind, words))
    assert (tmp_path / "out.json").exists() == ("--out" in words), "what was found is lost with what was printed"


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("line", ["systems", "systems abr", "systems --json", "--help", "--version", "evaluate --help"])
def test_what_is_only_told(line, kind):
    assert not fault_of(kind, ended_on(kind, line.split()))


LASTING = ("cellular", "abr")
"""Systems whose smallest training and whose page are quickly made."""


@pytest.mark.parametrize(("kind", "name"), [(kind, LASTING[0]) for kind in CODES])
def test_a_trained_network_is_kept(kind, name, tmp_path, monkeypatch):
    monkeypatch.setattr("dnnexplain.training.figures.UNSEEN", 2)
    out = tmp_path / "net.safetensors"
    assert not fault_of(kind, ended_on(kind, ["train", name, *SMALLEST[name], "--out", str(out), "--json"]))
    assert out.exists()


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("file", ["page.html", "rule.dash.js"])
def test_what_is_exported_is_kept(kind, file, tmp_path):
    assert not fault_of(kind, ended_on(kind, ["export", LASTING[1], str(tmp_path / file)]))
    assert (tmp_path / file).stat().st_size > 1000


class Served(server.Server):
    """A server that is ready at once and serves until it is interrupted, which is at once, too."""

    left: list[int] = []  # noqa: RUF012 - of all of them

    def __init__(self, *given, **named):
        del given, named
        self.left.append(1)

    def wait_until_ready(self, seconds=0.0):
        """It is."""

    def wait(self):
        """Ctrl-C."""
        raise KeyboardInterrupt

    def stop(self):
        """Once is enough."""
        self.left.clear()


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("command", ["app abr", "serve"])
def test_a_server_does_not_outlive_a_command_that_cannot_say_where_it_is(command, kind, monkeypatch):
    monkeypatch.setattr(server, "Server", Served)
    before = signal.getsignal(signal.SIGTERM)
    end = ended_on(kind, [*command.split(), "--no-browser"])
    signal.signal(signal.SIGTERM, before)
    assert end.code == CODES[kind], end.said
    assert not end.left_over
    assert "Traceback" not in end.said
    assert not Served.left, "the server runs on"
    assert ("no space left" in end.said) == (kind == "full")


@pytest.mark.parametrize("kind", CODES)
def test_notebooks_are_served_whatever_becomes_of_what_is_printed(kind, tmp_path, monkeypatch):
    (tmp_path / "a.ipynb").write_text("{}")
    ready = tmp_path / "ready"
    program = f"import pathlib; print('served', flush=False); pathlib.Path({str(ready)!r}).write_text('')"
    monkeypatch.setattr(lab, "lab_command", lambda *_, **__: [sys.executable, "-c", program])
    end = ended_on(kind, ["lab", str(tmp_path), "--no-browser"])
    assert (end.code, end.left_over) == (0, "")
    assert ready.exists()
