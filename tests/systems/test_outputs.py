"""What is printed or written to where nothing can be written: a sentence that names the place, and code 2."""

import os
from pathlib import Path

import pytest

from dnnexplain.cli import main
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
