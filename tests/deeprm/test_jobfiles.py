"""Lists of jobs: what is read, what is written, and the one sentence that each mistake gets."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.families import job_sets
from dnnexplain.systems.deeprm.workloads.jobfiles import read_job_file, read_jobs, shift_to_first_step, write_jobs

GOOD = {"steps": 50, "jobs": [{"arrival": 3, "length": 2, "cpu": 7, "memory": 1}]}


def with_job(**changes):
    return json.dumps({"steps": 50, "jobs": [GOOD["jobs"][0], GOOD["jobs"][0] | changes]})


def without(field):
    return json.dumps({"jobs": [{name: value for name, value in GOOD["jobs"][0].items() if name != field}]})


def written(tmp_path, content, name="jobs.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


job = st.tuples(st.integers(0, 49), st.integers(1, 15), st.integers(0, 10), st.integers(1, 10))


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(job, min_size=1, max_size=6), name=st.sampled_from(["a.json", "a.csv", "a.json.gz", "a.csv.gz"]))
def test_what_is_written_is_read_back(tmp_path_factory, rows, name):
    jobs = JobSet(*map(list, zip(*rows, strict=True)), steps=50)
    path = tmp_path_factory.mktemp("jobs") / name
    write_jobs(path, jobs)
    assert read_jobs(path, Params(), steps=50) == jobs
    assert [file.name for file in path.parent.iterdir()] == [name]
    if "json" in name:
        assert read_jobs(path) == jobs


def test_a_gzip_file_needs_no_special_name(tmp_path):
    path = written(tmp_path, gzip.compress(json.dumps(GOOD).encode()))
    assert read_jobs(path, Params()) == JobSet([3], [2], [7], [1], steps=50)


def test_csv_takes_any_order_crlf_bom_and_says_what_it_ignores(tmp_path):
    text = "\ufeffname,Memory, cpu ,arrival,length\r\n\r\na,1,7,3,2\r\nb,2,1.0,1,4\r\n"
    found = read_job_file(written(tmp_path, text, "jobs.csv"))
    assert found.jobs == JobSet([3, 1], [2, 4], [7, 1], [1, 2], steps=4)
    assert found.notes == ("ignored columns: name", "steps is not given; taken as the last arrival plus 1, 4")


def test_json_says_what_it_ignores_and_that_step_0_is_never_admitted(tmp_path):
    data = {"steps": 9, "by": "me", "jobs": [GOOD["jobs"][0] | {"arrival": 0, "user": 3}]}
    found = read_job_file(written(tmp_path, json.dumps(data)))
    assert found.notes[:2] == ("ignored fields: by", "ignored fields of jobs: user")
    assert "1 job arrives in step 0" in found.notes[2]
    shifted = shift_to_first_step(found.jobs)
    assert (shifted.arrival.tolist(), shifted.steps) == ([1], 10)
    assert shift_to_first_step(shifted) is shifted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "jobs.json is empty"),
        (" \n", "jobs.json is empty"),
        (json.dumps(GOOD)[:-9], "the file ends too early in line 1, column"),
        ('{"jobs": [1,}', "not valid JSON"),
        ('{"steps": 5}', 'the field "jobs" is missing'),
        ('{"jobs": 3}', '"jobs" must be a list, not a number'),
        ('{"jobs": [3]}', "job 0: must be an object"),
        ('{"jobs": []}', "lists no jobs"),
        ("[" * 100_000, "nested too deeply|not valid JSON"),
        (b"\xff\xfe\x00", r"is not UTF-8 text \(line 1"),
        (b'{"jobs": [\n\xe9', r"is not UTF-8 text \(line 2"),
        (gzip.compress(b'{"jobs": []}', mtime=0)[:-12], "damaged or truncated gzip"),
        (without("cpu"), "job 0: cpu is missing"),
        (with_job(cpu=None), "job 1: cpu is missing"),
        (with_job(length=float("nan")), "job 1: length must be a whole number, not nan"),
        (with_job(arrival=float("inf")), "job 1: arrival must be a whole number, not inf"),
        (with_job(memory="much"), "job 1: memory must be a whole number, not 'much'"),
        (with_job(memory=True), "job 1: memory must be a whole number, not True"),
        (with_job(memory=[1]), r"job 1: memory must be a whole number, not \[1\]"),
        (with_job(cpu=1.5), "job 1: cpu must be a whole number, not 1.5"),
        (with_job(cpu=1).replace('"cpu": 1,', f'"cpu": {"9" * 5000},'), "a number of 400 digits or more"),
        (with_job(cpu=10**400), "a number of 400 digits or more"),
        (with_job(arrival=-1), "job 1: arrival must be at least 0, not -1"),
        (with_job(length=0), "job 1: length must be at least 1, not 0"),
        (with_job(cpu=11), "job 1: cpu 11 is wider than the cluster .at most 10 units"),
        (with_job(length=16), "job 1: length 16 is longer than the cluster's horizon allows .at most 15 steps"),
        (with_job(cpu=0, memory=0), "job 1: cpu and memory are both 0"),
        (with_job(arrival=50), "job 1: arrives in step 50, .* raise steps to 51"),
        (with_job(arrival=10**10), "job 1: arrival 10000000000 is absurdly late"),
        ('{"steps": "many", "jobs": []}', "steps must be a whole number of at least 1, not 'many'"),
        ('{"steps": 0, "jobs": []}', "steps must be a whole number of at least 1, not 0"),
        ("arrival,length,cpu\n1,1,1\n", "line 1: column memory is missing from the header"),
        ("arrival,length,cpu,cpu,memory\n1,1,1,1,1\n", "column cpu is twice in the header"),
        ("arrival,length,cpu,memory\n1,1,1,1\n2,2,2\n", "line 3: has 3 values, the header 4 columns"),
        ("arrival,length,cpu,memory\n1,,1,1\n", "line 2: length is missing"),
        ("arrival,length,cpu,memory\n1,x,1,1\n", "line 2: length must be a whole number, not 'x'"),
        ("arrival,length,cpu,memory\n", "lists no jobs"),
        ('arrival,length,cpu,memory\n1,"2,3,4\n', "not CSV"),
    ],
)
def test_each_mistake_gets_one_sentence_that_names_the_file(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(DnnExplainError, match=message) as caught:
        read_jobs(path, Params())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened_or_written_is_said(tmp_path):
    with pytest.raises(DnnExplainError, match="is a folder"):
        read_jobs(tmp_path)
    with pytest.raises(DnnExplainError, match="no such file"):
        read_jobs(tmp_path / "none.json")
    with pytest.raises(DnnExplainError, match="cannot be written"):
        write_jobs(tmp_path / "no" / "jobs.json", job_sets()[0])
    with pytest.raises(DnnExplainError, match="cannot be written"):
        write_jobs(tmp_path, job_sets()[0])
