"""What is printed or written to where nothing can be written: a sentence that names the place, and code 2."""

import os
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from dnnexplain.cli import main
from tests.systems.commands import SMALL, line_of, state_file
from tests.systems.test_same_seed import SMALLER, system_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices and permissions of POSIX")

WRITES = [command for command, words in SMALL.items() if "--out" in words]
QUICK = ["evaluate", "explain --survey", "probe", "attack --state", "prove", "transfer"]
"""Commands whose print is tried on a full disk; all print by one function."""


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


@pytest.mark.parametrize("command", QUICK)
def test_a_full_disk_behind_what_is_printed(command, tmp_path, capsys):
    with Path("/dev/full").open("w") as full, redirect_stdout(full):
        code = main(lines(command, tmp_path, tmp_path / "out.json"))
    said = capsys.readouterr().err
    assert code == 2, said
    assert "no space left" in said
    assert said.count("\n") == 1
