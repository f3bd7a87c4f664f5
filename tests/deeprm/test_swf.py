"""Cluster logs with their dirt, and their mapping onto the grid, accounted for to the job."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems import make_system
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.workloads.families import load
from dnnexplain.systems.deeprm.workloads.swf import is_swf, read_swf
from dnnexplain.systems.deeprm.workloads.swf_fit import fit_mapping
from dnnexplain.systems.deeprm.workloads.swf_mapping import KB_PER_PROCESSOR, SwfMapping, Window
from dnnexplain.systems.deeprm.workloads.swf_sets import map_log
from dnnexplain.systems.deeprm.workloads.swf_windows import windows

GIB = 1024**3
PLAIN = SwfMapping(60.0, 1.0, GIB, memory_unit="bytes")


def line(job=1, submit=0, run=60, cpus=1, memory=GIB, status=1, *, asked_cpus=None, asked_time=-1, used_memory=-1):
    asked = cpus if asked_cpus is None else asked_cpus
    return f"{job} {submit} 5 {run} {cpus} -1 {used_memory} {asked} {asked_time} {memory} {status} 1 1 1 1 1 -1 -1"


def log_of(tmp_path, *lines, end="\n", name="log.swf"):
    path = tmp_path / name
    path.write_text(end.join(lines) + end, newline="")
    return read_swf(path)


@pytest.mark.parametrize("name", ["log.txt", "jobs", "log.csv"])
def test_a_log_is_told_by_its_content(tmp_path, name):
    text = "; Version: 2.2\n\n" + "\n".join(line(job, submit=60 * job) for job in range(1, 9)) + "\n"
    (tmp_path / name).write_text(text)
    (tmp_path / "log.swf").write_text(text)
    (tmp_path / "packed.txt").write_bytes(gzip.compress(text.encode()))
    assert is_swf(tmp_path / name)
    assert is_swf(tmp_path / "packed.txt")
    (tmp_path / "table.txt").write_text("submit run cpus memory\n" + text)
    assert not is_swf(tmp_path / "table.txt")
    world = make_system("deeprm")
    found, named = (world.read_workloads(tmp_path / item) for item in (name, "log.swf"))
    assert [len(jobs) for jobs in found[0]] == [len(jobs) for jobs in named[0]]


def test_what_can_be_read_but_once_is_left_to_its_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_swf(tmp_path / "pipe")  # at once, though nobody writes
    assert not is_swf(tmp_path / "none")
    (tmp_path / "late").write_bytes(b"1 " * 9 + b"\n" + b"x" * 2000 + b"\0")
    assert not is_swf(tmp_path / "late")


def test_dirt_is_skipped_and_counted(tmp_path):
    text = "\r\n".join(
        [
            "; Version: 2.2",
            "; Computer: Seth: the cluster",
            "; Acknowledge: Åke Sandgrén",
            "",
            line(1, 0),
            line(2, 60) + " {12,13} q_1d 1:ppn=2:x86",
            "3 120 5",
            line(4, 120).replace(" 5 ", " five "),
            line(5, 180).replace(" 60 ", " nan "),
            line(6, 240, run="120.5"),
            line(7, 300)[:20],
        ]
    )
    path = tmp_path / "log.swf.gz"
    path.write_bytes(gzip.compress(text.encode("cp1252")))
    log = read_swf(path)
    assert log.column("job").tolist() == [1, 2, 6]
    assert log.column("run").tolist() == [60, 60, 120.5]
    assert log.column("think_time").tolist() == [-1, -1, -1]
    assert log.header["Computer"] == "Seth: the cluster"
    assert log.header["Acknowledge"] == "Åke Sandgrén"
    assert log.skipped == {
        "comment": 3,
        "blank line": 1,
        "fewer than the usual 18 columns": 1,
        "something that is not a number": 2,
        "last line cut off": 1,
    }


def test_other_encodings_and_narrow_logs(tmp_path):
    path = tmp_path / "log.swf"
    path.write_bytes(("; Note: Å\n" + line() + "\n").encode("utf-16"))
    assert len(read_swf(path)) == 1
    path.write_text("1 0 5 60 2\n2 9 5 60 4\n")
    log = read_swf(path)
    assert log.column("memory_asked").tolist() == [-1, -1]
    assert log.notes == ("lines have 5 columns; the other 13 count as unknown",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "every line is blank or a comment"),
        (b"; only\n; comments\n", "every line is blank or a comment"),
        (b"a b c\n", "its lines have 3 columns"),
        (b"a b c d e\nf g h i j\n", "holds no job .* .2 x something that is not a number"),
        (b"\x00\x01\x02", "not a text file"),
        (gzip.compress(b"1 0 5 60 2\n", mtime=0)[:-9], "damaged or truncated gzip"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path, content, message):
    path = tmp_path / "log.swf"
    path.write_bytes(content)
    with pytest.raises(DnnExplainError, match=message):
        read_swf(path)
    with pytest.raises(DnnExplainError, match="no such file"):
        read_swf(tmp_path / "none.swf")


def test_jobs_land_on_the_grid_and_the_first_arrives_in_step_1(tmp_path):
    log = log_of(
        tmp_path,
        line(1, 1000, run=60, cpus=1, memory=GIB),
        line(2, 1000, run=61, cpus=3, memory=2 * GIB + GIB // 1000),
        line(3, 1119, run=1, cpus=10, memory=1),
        line(4, 1121, run=900, cpus=2, memory=10 * GIB),
    )
    (jobs,) = map_log(log, PLAIN).job_sets
    assert jobs.arrival.tolist() == [1, 1, 2, 3]
    assert jobs.length.tolist() == [1, 2, 1, 15]
    assert jobs.cpu.tolist() == [1, 3, 10, 2]
    assert jobs.memory.tolist() == [1, 3, 1, 10]


def test_every_job_is_accounted_for(tmp_path):
    log = log_of(
        tmp_path,
        line(1, 0),
        line(2, 10, run=-1, status=0),
        line(3, 20, run=-1359981026),
        line(4, 30, status=5),
        line(5, 40, cpus=0, asked_cpus=0),
        line(6, -1),
        line(7, 50, run=901),
        line(8, 60, cpus=11, memory=20 * GIB),
        line(9, 70, memory=-1, cpus=4),
        line(10, 80, run=5, cpus=-1, asked_cpus=2),
        line(11, 99_999),
    )
    found = map_log(log, PLAIN)
    assert found.report["log"]["skipped"] == {
        "cancelled": 1,
        "no run time (negative, 0 or unknown)": 2,
        "no processors (0 or unknown)": 1,
        "no submission time": 1,
    }
    assert found.report["log"]["usable"] == 6
    assert found.report["log"]["outside_window"] == 1
    assert found.report["sets"] == {
        "sets": 1,
        "jobs": 5,
        "changed": {
            "clipped to 15 steps": 1,
            "CPU clipped to 10 units": 1,
            "memory clipped to 10 units": 1,
            "shorter than one step, counted as one": 1,
            "memory not given, counted as many units as CPU": 1,
            "processors taken from the other column": 1,
        },
    }
    assert found.job_sets[0].memory.tolist() == [1, 1, 10, 4, 1]
    assert any("Skipped 5 jobs: 1 x cancelled, 2 x no run time" in sentence for sentence in found.sentences)


def test_choices_change_what_is_kept(tmp_path):
    log = log_of(tmp_path, line(1), line(2, run=901), line(3, cpus=11), line(4, memory=-1), line(5, status=5))

    def kept(**changes):
        mapping = SwfMapping(60.0, 1.0, GIB, memory_unit="bytes", **changes)
        return len(map_log(log, mapping).job_sets[0])

    assert [kept(), kept(too_long="skip"), kept(too_wide="skip")] == [4, 3, 3]
    assert [kept(missing_memory="skip"), kept(cancelled="keep"), kept(keep_every=2)] == [3, 5, 2]
    mapping = SwfMapping(60.0, 1.0, GIB, missing_memory=0)
    assert map_log(log, mapping).job_sets[0].memory[3] == 0


def test_columns_and_units_are_as_asked(tmp_path):
    log = log_of(tmp_path, line(1, run=60, cpus=2, asked_cpus=3, asked_time=240, memory=GIB // 1024, used_memory=5))

    def job(**changes):
        jobs = map_log(log, SwfMapping(60.0, 1.0, GIB, memory_unit=KB_PER_PROCESSOR, **changes)).job_sets[0]
        return jobs.length[0], jobs.cpu[0], jobs.memory[0]

    assert job() == (1, 2, 2)
    assert job(cpus="asked") == (1, 3, 3)
    assert job(time="asked", memory="used") == (4, 2, 1)


def test_windows_are_consecutive_and_each_starts_in_step_1(tmp_path):
    log = log_of(tmp_path, *(line(job, 60 * at) for job, at in enumerate([0, 3, 4, 5, 13, 14])))
    found = map_log(log, PLAIN, window=Window(steps=5, sets=None))
    assert [jobs.arrival.tolist() for jobs in found.job_sets] == [[1, 4], [1, 2], [1, 2]]
    found = map_log(log, PLAIN, window=Window(start=4, steps=5, sets=2))
    assert [jobs.arrival.tolist() for jobs in found.job_sets] == [[1, 2]]
    assert any("2 asked for; the others hold none" in sentence for sentence in found.sentences)
    with pytest.raises(DnnExplainError, match=r"no job in the window from step 99; .* arrive in steps 0 to 14 of 60 s"):
        map_log(log, PLAIN, window=Window(start=99))


def test_unsorted_logs_are_sorted(tmp_path):
    log = log_of(tmp_path, line(1, 600, cpus=2), line(2, 0, cpus=1))
    assert map_log(log, PLAIN).job_sets[0].cpu.tolist() == [1, 2]


def test_a_log_without_usable_jobs_says_why(tmp_path):
    log = log_of(tmp_path, line(1, run=-1), line(2, status=5))
    for mapping in (PLAIN, None):
        with pytest.raises(DnnExplainError, match="no usable job: 1 x cancelled, 1 x no run time"):
            map_log(log, mapping)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(-5, 3000), st.integers(-1, 30)), min_size=1, max_size=20))
def test_every_line_is_in_a_set_or_in_a_reason(tmp_path_factory, rows):
    log = log_of(tmp_path_factory.mktemp("swf"), *(line(i, s, r, c) for i, (s, r, c) in enumerate(rows)))
    try:
        found = map_log(log, PLAIN, window=Window(sets=None))
    except DnnExplainError:
        assert all(run <= 0 or cpus <= 0 for _, run, cpus in rows)
        return
    report = found.report
    assert len(log) == sum(report["log"]["skipped"].values()) + sum(map(len, found.job_sets))
    for jobs in found.job_sets:
        jobs.check_fits(Params())
        assert jobs.arrival[0] == 1
        assert jobs.arrival[-1] < 50


def synthetic(tmp_path, memory):
    rng = np.random.default_rng(1)
    submit = np.cumsum(rng.integers(0, 900, 2000))
    run = np.where(rng.random(2000) < 0.8, rng.integers(60, 3600, 2000), rng.integers(9000, 16000, 2000))
    return log_of(tmp_path, *(line(i, submit[i], run[i], rng.choice([1, 2, 8, 32]), memory(rng)) for i in range(2000)))


def test_the_proposal_comes_near_the_load_and_says_why(tmp_path):
    log = synthetic(tmp_path, lambda rng: int(rng.integers(1, 64)) * GIB)
    mapping = fit_mapping(log, load=1.0)
    assert mapping.memory_unit == "bytes"
    assert mapping.seconds_per_step == 900
    assert mapping.cpus_per_unit == 4
    assert mapping.memory_bytes_per_unit == 8 * GIB
    sets = map_log(log, mapping, window=Window(sets=None)).job_sets
    assert max(np.mean([load(jobs) for jobs in sets], axis=0)) == pytest.approx(1.0, rel=0.25)
    assert any("memory is taken to be bytes" in reason.lower() for reason in mapping.why)
    assert fit_mapping(log, seconds_per_step=600.0, keep_every=3).seconds_per_step == 600


def test_windows_reads_and_maps_in_one_go(tmp_path):
    log_of(tmp_path, *(line(job, 60 * job) for job in range(30)))
    job_sets, said = windows(tmp_path / "log.swf", steps=11, seconds_per_step=60.0, keep_every=1)
    assert [len(jobs) for jobs in job_sets] == [10, 10, 10]
    assert "3 job sets of 11 steps of 60 s hold 30 jobs" in said
    with pytest.raises(DnnExplainError, match="no such field"):
        windows(tmp_path / "log.swf", second=3)


def test_the_proposal_reads_kilobytes_and_missing_memory(tmp_path):
    assert fit_mapping(synthetic(tmp_path, lambda _: 2_000_000)).memory_unit == KB_PER_PROCESSOR
    mapping = fit_mapping(synthetic(tmp_path, lambda _: -1))
    assert (mapping.memory_unit, mapping.missing_memory) == (KB_PER_PROCESSOR, "as cpu")
    assert any("as many units of memory as of CPU" in reason for reason in mapping.why)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SwfMapping(0, 1, 1), "seconds_per_step must be a positive number"),
        (lambda: SwfMapping(1, float("nan"), 1), "cpus_per_unit must be a positive number"),
        (lambda: SwfMapping(1, 1, 1, too_long="cilp"), "Did you mean 'clip'"),
        (lambda: SwfMapping(1, 1, 1, missing_memory="zero"), "missing_memory must be"),
        (lambda: SwfMapping(1, 1, 1, keep_every=0), "keep_every must be"),
        (lambda: Window(steps=1), "steps of a window"),
        (lambda: Window(sets=0), "sets of a window"),
    ],
)
def test_mistakes_in_a_mapping_get_a_clear_error(make, message):
    with pytest.raises(DnnExplainError, match=message):
        make()


def test_mistakes_in_a_fit_get_a_clear_error(tmp_path):
    log = log_of(tmp_path, line())
    for wrong, message in (({"share": 0}, "share"), ({"load": 0}, "load"), ({"seconds": 3}, "no such field")):
        with pytest.raises(DnnExplainError, match=message):
            fit_mapping(log, **wrong)


data = pytest.mark.skipif("DNNEXPLAIN_DATA" not in os.environ, reason="needs the logs: set DNNEXPLAIN_DATA")


@data
def test_a_real_log_with_memory_in_bytes():
    began = time.process_time()
    log = read_swf(Path(os.environ["DNNEXPLAIN_DATA"]) / "cluster" / "wagap-2013.swf")
    mapping = fit_mapping(log)
    found = map_log(log, mapping, window=Window(sets=None))
    assert time.process_time() - began < 1
    assert len(log) == 17_900
    assert mapping.memory_unit == "bytes"
    assert found.report["log"]["usable"] == 17_898
    assert max(np.mean([load(jobs) for jobs in found.job_sets], axis=0)) == pytest.approx(1.3, rel=0.2)


@data
def test_a_real_log_without_memory():
    log = read_swf(Path(os.environ["DNNEXPLAIN_DATA"]) / "cluster" / "hpc2n-2002-head.swf")
    found = map_log(log, window=Window(sets=4))
    assert found.report["log"]["skipped"] == {"no run time (negative, 0 or unknown)": 25}
    assert len(found.job_sets) == 4


def own_log(tmp_path, rows, factor=1):
    """A log of (submit, run, cpus, kB per processor)."""
    lines = [
        f"{i + 1} {s * factor} 0 {r * factor} {c} -1 -1 {c} {r * factor} {m} 1 1 1 1 1 1 -1 -1"
        for i, (s, r, c, m) in enumerate(rows)
    ]
    (tmp_path / "own.swf").write_text("\n".join(lines) + "\n")
    return tmp_path / "own.swf"


def test_milliseconds_since_1970_are_seconds_afterwards(tmp_path):
    start = 1_380_000_000
    rows = [(start + 60 * i, 30 + i, 2, 1000) for i in range(20)]
    seconds = read_swf(own_log(tmp_path, rows))
    milliseconds = read_swf(own_log(tmp_path, rows, factor=1000))
    np.testing.assert_allclose(milliseconds.table, seconds.table)
    assert "milliseconds since 1970" in milliseconds.notes[0]
    assert seconds.notes == ()


def test_the_summary_counts_what_was_done(tmp_path):
    path = own_log(tmp_path, [(60 * i, 100 + i, 4, 2**20) for i in range(20)])
    log = read_swf(path)
    given = fit_mapping(log, seconds_per_step=1.0, cpus_per_unit=0.1, memory_bytes_per_unit=2.0**40)
    words = " ".join(given.why)
    assert "(the step, the CPU unit, the memory unit as given)" in words
    assert "0% in time, 0% in CPU, 100% in memory fit without being clipped" in words
    proposed = " ".join(fit_mapping(log).why)
    assert "as given" not in proposed
    assert "unusual" not in proposed
    long = read_swf(own_log(tmp_path, [(3600_000 * i, 36_000_000, 4, 2**20) for i in range(20)]))
    assert "days is unusual: if the log's times are no seconds" in " ".join(fit_mapping(long).why)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
def test_packed_logs_are_read_whatever_they_are_called(tmp_path, pack):
    path = own_log(tmp_path, [(60 * i, 100, 4, 1000) for i in range(5)])
    plain = read_swf(path).table
    path.write_bytes(pack(path.read_bytes()))
    np.testing.assert_array_equal(read_swf(path).table, plain)


def test_a_run_time_that_no_machine_has_is_skipped_and_counted(tmp_path):
    log = tmp_path / "odd.swf"
    log.write_text(
        "".join(
            f"{job} {job} 0 {seconds} 1 -1 -1 1 9\n"
            for job, seconds in enumerate(("60", "1e300", "-1e16", "nan", "5"), 1)
        )
    )
    found = read_swf(log)
    assert found.column("run").tolist() == [60.0, 5.0]
    assert found.skipped == {"a number beyond 1e+15": 2, "something that is not a number": 1}
