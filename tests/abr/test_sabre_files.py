"""Links as Sabre has them: periods with a duration, a bandwidth and a latency."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.trace_files import read_trace, read_traces

LATE = {"duration_ms": 4000, "bandwidth_kbps": 1500.0, "latency_ms": 20}


def write(folder, periods, name="network.json"):
    (folder / name).write_text(json.dumps(periods, indent=1))
    return folder / name


def test_each_period_carries_its_bandwidth(tmp_path):
    periods = [LATE, {**LATE, "duration_ms": 0}, {"duration_ms": 500, "bandwidth_kbps": 0}, {**LATE, "latency_ms": 60}]
    trace = read_trace(write(tmp_path, periods))
    assert trace.seconds.tolist() == [0, 4, 4.5, 8.5]
    assert trace.mbps.tolist() == [1.5, 1.5, 0, 1.5]
    carried = trace.mbps[1:] @ np.diff(trace.seconds)
    assert carried == pytest.approx(1.5 * 8)
    told = " ".join(trace.notes)
    assert "1 period of 0 ms left out" in told
    assert "its latency (20 to 60 ms) was not used" in told


def test_one_long_line_and_a_unit_that_is_said(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([LATE, LATE]))
    assert read_trace(tmp_path / "a.json").mbps.tolist() == [1.5] * 3
    assert read_trace(tmp_path / "a.json", unit="Mb/s").mbps.tolist() == [1500] * 3
    links, told = read_traces(tmp_path)
    assert len(links) == 1
    assert "20 ms" in told


def test_a_session_runs_over_such_a_link(tmp_path):
    system = make_system("abr")
    workloads, _ = system.read_workloads(write(tmp_path, [LATE] * 40))
    assert np.isfinite(system.run(system.rules()["bb"], workloads).cost).all()


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        ({"duration_ms": 1}, "no list of a link's periods"),
        ([], "no list of a link's periods"),
        ([LATE, 7], r"period 2 is '7'; each needs a duration_ms and a bandwidth_kbps"),
        ([{"time": 1, "rate": 2}], "period 1 is"),
        ([{**LATE, "bandwidth_kbps": "fast"}], "period 1 is"),
        ([{**LATE, "duration_ms": -5}], "period 1 is"),
        ([{**LATE, "duration_ms": 0}], "no period of network.json lasts"),
    ],
)
def test_json_of_another_form_is_refused_with_the_form(tmp_path, periods, message):
    with pytest.raises(DnnExplainError, match=message):
        read_trace(write(tmp_path, periods))
