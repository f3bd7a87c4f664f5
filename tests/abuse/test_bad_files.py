"""No file that an option is given makes a command hang, end with a traceback, or say more than a sentence or two."""

import os

import pytest

from dnnexplain.cli import COMMANDS
from dnnexplain.registry import BUILT_IN
from tests.abuse.bad_files import bad_files, ended, in_one_process, line_for, small_network, text_options, told_as_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and alarms of POSIX")

FEWEST = 35
"""Options of all commands that name a file; there are more, and there is no list of them."""


def options():
    """(command, system, parameter) for each option that names a file; one that commands share in the same words is one."""
    known = set()
    for system in BUILT_IN:
        for name in COMMANDS:
            command = name.replace("_", "-")
            for parameter in text_options(command, system) if command != "systems" else ():
                if told_as_file(parameter) and (parameter.name, parameter.help) not in known:
                    known.add((parameter.name, parameter.help))
                    yield command, system, parameter


def test_every_option_that_names_a_file_refuses_bad_ones_in_a_sentence(tmp_path, monkeypatch):
    small_network(tmp_path / "network.pt")
    files = bad_files(tmp_path)
    names, tried, faults = list(files), 0, []
    with in_one_process(monkeypatch):
        for command, system, parameter in options():
            # Each option is given one file, another each time; benchmarks/bad_files.py gives all of them all.
            name = names[tried % len(names)]
            tried += 1
            end = ended(line_for(command, system, parameter, files[name], tmp_path))
            if end.fault:
                faults.append(f"{command} {system} {parameter.opts[0]} {name}: {end.fault}: {end.said[-300:]}")
    assert not faults, "\n".join(faults)
    assert tried >= FEWEST
