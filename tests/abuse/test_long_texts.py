"""Texts that say nothing for very long: readers look at each letter a few times, not once for each letter before it."""

import time

import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems import BUILT_IN
from dnnexplain.systems.abr.tables import read_table
from dnnexplain.systems.routing.topologies import load_topology
from tests.abuse.bad_files import ended, in_one_process, line_for, text_options, told_as_file

LONG = 200_000
SECONDS = 4
"""Of the processor; where a reader began anew at each letter, 100,000 brackets took 50."""

FLOODS = {"brackets": "[", "parentheses": "(", "lines": "\n", "spaces": " ", "digits": "7", "words": "a", "commas": ","}


@pytest.mark.parametrize("letter", FLOODS.values(), ids=FLOODS)
def test_a_header_that_never_ends_is_read_once(letter):
    begun = time.process_time()
    with pytest.raises(DnnExplainError):
        read_table("links.csv", [f"time,{letter * LONG}", "1,2"])
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("letter", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("begin", ["?SNDlib native format\nNODES (\n", "graph [\n", "NODES 2\nlabel x y\n", "graph\n"])
def test_a_topology_that_never_ends_is_read_once(letter, begin, tmp_path):
    path = tmp_path / "own.gml"
    path.write_text(begin + letter * LONG)
    begun = time.process_time()
    with pytest.raises(DnnExplainError):
        load_topology(path)
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("system", BUILT_IN)
def test_every_option_of_workloads_reads_such_files_once(system, tmp_path, monkeypatch):
    with in_one_process(monkeypatch):
        for name, letter in FLOODS.items():
            (tmp_path / name).write_text(f"time,{letter * LONG}\n1,2\n")
        for parameter in text_options("worst-case", system):
            if not told_as_file(parameter) or parameter.name in {"policy", "resume", "guard", "normalize"}:
                continue
            for name in FLOODS:
                end = ended(line_for("worst-case", system, parameter, tmp_path / name, tmp_path))
                assert end.code == 2, (parameter.name, name, end)
                assert end.seconds < SECONDS, (parameter.name, name, end)
