"""Schedulers' tables: what each cell means is checked against numbers computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import limits
from dnnexplain.systems import make_system
from dnnexplain.systems.deeprm.workloads.jobfiles import read_job_file
from dnnexplain.systems.deeprm.workloads.swf_windows import windows
from dnnexplain.systems.deeprm.workloads.table_logs import (
    MACHINE_BYTES,
    known_table,
    parse_columns,
    read_table,
)

GIB = 2.0**30
SACCT = """\
JobID|Submit|Elapsed|AllocCPUS|ReqMem|State
101|2026-03-01T00:00:10|00:10:00|4|8G|COMPLETED
101.batch|2026-03-01T00:00:10|00:10:00|4||COMPLETED
102|2026-03-01T00:00:00|1-01:00:05|16|2000Mc|COMPLETED
103|2026-03-01T00:01:00|05:30|1|512|CANCELLED by 7
104|Unknown|05:30|1|512|PENDING
105|2026-03-01T00:01:00
"""
ALIBABA = """\
task_M1,1,j_1,1,Terminated,86400,86460,100.0,0.5
task_R2,3,j_1,1,Terminated,86410,86500,50.0,2.0
"""
GOOGLE = """\
0,,6251,0,,0,user,2,9,0.0625,0.03,0.0001,0
5000000,,6251,0,12,1,user,2,9,0.0625,0.03,0.0001,0
6000000,,6251,1,,0,user,2,9,0.125,0.06,0.0001,0
65000000,,6251,0,12,4,user,2,9,0.0625,0.03,0.0001,0
70000000,,6251,1,12,1,user,2,9,0.125,0.06,0.0001,0
"""


def written(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def columns(log):
    return {name: log.column(name).tolist() for name in ("submit", "wait", "run", "cpus_used", "memory_asked")}


def test_sacct_is_known_by_its_header(tmp_path):
    log = read_table(written(tmp_path, SACCT))
    found = columns(log)
    first = found["submit"][0]
    assert [time - first for time in found["submit"]] == [0, 10, 60]
    assert found["run"] == [25 * 3600 + 5, 600, 330]
    assert found["cpus_used"] == [16, 4, 1]
    assert found["memory_asked"] == [2000 * 2**20 * 16, 8 * GIB, 512 * 2**20]
    assert log.skipped == {"step of a job": 1, "a time or processors that cannot be read": 1, "too few columns": 1}
    assert "sacct" in log.notes[0]
    assert "equally fast" in log.notes[-1]


def test_the_public_traces_are_known_by_their_columns(tmp_path):
    batch = read_table(written(tmp_path, ALIBABA))
    assert columns(batch)["run"] == [60, 90]
    assert columns(batch)["cpus_used"] == [1.0, 0.5]
    assert columns(batch)["memory_asked"] == [0.005 * MACHINE_BYTES, 0.02 * MACHINE_BYTES]
    assert any("64 GiB" in note for note in batch.notes)
    events = read_table(written(tmp_path, GOOGLE))
    assert columns(events) == {
        "submit": [0], "wait": [5], "run": [60], "cpus_used": [0.0625], "memory_asked": [0.03 * MACHINE_BYTES],
    }  # fmt: skip
    assert events.skipped == {"task that did not end in this file": 1}
    assert any("machine" in note for note in events.notes)


def test_any_table_is_read_with_its_columns_and_says_what_it_assumed(tmp_path):
    path = written(tmp_path, "who;queued;took;cores;ram\na;100;2;3;7\nb;40;1;1;0\n")
    log = read_table(path, "submit=queued, run=took:min, cpus=cores, memory=ram:GB")
    assert columns(log)["submit"] == [40, 100]
    assert columns(log)["run"] == [60, 120]
    assert columns(log)["memory_asked"] == [-1, 7 * GIB]
    assert "Times are numbers without a unit: taken to be seconds." in log.notes
    plain = read_table(path, "submit=queued:ms, run=took:min, cpus=cores, memory=ram")
    assert columns(plain)["submit"] == [0.04, 0.1]
    assert "Memory without a unit is taken to be bytes of the whole job." in plain.notes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("submit=queued,cpus=cores", "a job needs run"),
        ("submit=queued,run=took,cpus=cors", "'cors'.*Did you mean 'cores'"),
        ("submit=queued,run=took:weeks,cpus=cores", "unit of run"),
        ("submit=queued,length=took,cpus=cores", "no column 'length'"),
        ("queued", "columns are given as"),
        ("", "nothing says which columns"),
    ],
)
def test_what_is_missing_or_misspelled_is_said(tmp_path, given, said):
    with pytest.raises(DnnExplainError, match=said):
        read_table(written(tmp_path, "who;queued;took;cores\na;100;2;3\n"), given)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", ",,,\n", '""\n', "JobID|Submit|Elapsed|AllocCPUS\n", "\0\0"]
)
def test_files_without_a_job_are_one_sentence(tmp_path, text):
    path = written(tmp_path, text)
    for read in (read_table, read_job_file, lambda where: make_system("deeprm").read_workloads(where)):
        with pytest.raises(DnnExplainError):
            read(path)


def test_a_table_is_bounded(tmp_path):
    path = written(tmp_path, SACCT * 50)
    with limits(objects=100), pytest.raises(DnnExplainError, match="lines"):
        read_table(path)


def test_a_table_becomes_job_sets_by_the_system_and_its_panels(tmp_path):
    random = np.random.default_rng(3)
    rows = "".join(
        f"{100 * i},{60 * random.integers(1, 20)},{random.integers(1, 9)}.5,{random.integers(1, 64)}\n"
        for i in range(300)
    )
    path = written(tmp_path, f"queued,took,cores,ram\n{rows}")
    system = make_system("deeprm", slots=5)
    sets, said = system.read_workloads(Path(path), steps=30, columns="submit=queued,run=took,cpus=cores,memory=ram:GB")
    assert len(sets) > 3
    assert all((one.cpu >= 1).all() and (one.cpu <= 10).all() for one in sets)
    assert "taken to be seconds" in said
    assert "One step is" in said
    assert windows(written(tmp_path, SACCT, "jobs.txt"), system.params)[0]


def test_known_tables_are_not_guessed():
    assert known_table([["a", "b"]]) == ""
    assert known_table([]) == ""
    assert parse_columns("submit=1,start=2,end=3,cpus=4:%")["cpus"].scale == 0.01
