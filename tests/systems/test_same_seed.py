"""The same command with the same seed says and writes the same; and a search says what ended it.

``benchmarks/same_seed.py`` runs every command of every system, each time as a process of its own; here each command is
run on one system, another one for each command, and all are run on some system.
"""

import json
import os
import re
import subprocess
import sys

import pytest

from dnnexplain.cli import main
from dnnexplain.registry import BUILT_IN
from tests.systems.commands import SEARCHES, SMALL, compared, line_of, state_file, without

SECONDS = re.compile(r"seconds|elapsed|^took$|^time$|per_second|^milliseconds$")
"""Names of figures that may differ between two runs."""

SMALLER = {"guard": ("--slots", "2", "--steps", "12")}
"""What makes a system small, for a command that otherwise takes a minute."""

ON = {"guard": "deeprm", "hypotheses": "routing", "attack --state": "abr", "room": "routing"}
"""Commands that are too slow on others, or that others refuse."""


def system_for(command):
    """Another system for each command; all have their turn."""
    return ON.get(command, list(BUILT_IN)[list(SMALL).index(command) % len(BUILT_IN)])


def run(command, folder, capsys):
    """What a command prints and writes."""
    system = system_for(command)
    folder.mkdir()
    state = state_file(system, folder)
    assert main([*line_of(command, system, folder, state), *SMALLER.get(command, ())]) == 0, capsys.readouterr().err
    printed = json.loads(capsys.readouterr().out.replace(str(folder), ""))
    written = {
        p.relative_to(folder): compared(p.read_bytes().replace(str(folder).encode(), b""), SECONDS)
        for p in folder.rglob("*")
        if p.is_file()
    }
    return printed, written


def test_every_system_has_its_turn():
    assert {system_for(command) for command in SMALL} == set(BUILT_IN)


@pytest.mark.parametrize("command", SMALL)
def test_two_runs_are_equal_and_say_what_ended_them(command, tmp_path, capsys):
    (said, written), (again, rewritten) = (run(command, tmp_path / name, capsys) for name in ("one", "two"))
    assert without(said, SECONDS) == without(again, SECONDS)
    assert written == rewritten
    if command in SEARCHES:
        assert said["ended_by"] in {"", "counts", "rounds", "nodes"}, "a budget in counts ended by something else"


@pytest.mark.parametrize("command", ["attack --workload", "transfer"])
def test_another_process_with_another_order_of_hashes_says_the_same(command, tmp_path, capsys):
    here, _ = run(command, tmp_path / "here", capsys)
    system, folder = system_for(command), tmp_path / "there"
    folder.mkdir()
    line = [sys.executable, "-m", "dnnexplain", *line_of(command, system, folder, state_file(system, folder))]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True, timeout=240)
    assert without(json.loads(done.stdout), SECONDS) == without(here, SECONDS)
