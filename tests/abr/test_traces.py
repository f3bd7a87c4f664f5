import json

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.trace_families import FAMILIES, generate
from dnnexplain.systems.abr.trace_files import read_trace, read_traces


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def told(path, **options):
    return " ".join(read_trace(path, **options).notes)


def test_pensieves_two_columns_are_kept_to_the_bit(tmp_path):
    path = write(tmp_path, "norway=+1", "0.0 1.25\n0.5\t3.5\n\n1.75 0.125\n")
    trace = read_trace(path)
    assert trace.name == "norway=+1"
    assert trace.seconds.tolist() == [0.0, 0.5, 1.75]
    assert trace.mbps.tolist() == [1.25, 3.5, 0.125]
    assert trace.notes == ()


def test_mahimahi_counts_packets(tmp_path):
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 10_000, 4000))
    trace = read_trace(write(tmp_path, "link.up", "\n".join(map(str, times))))
    carried = trace.mbps[1:] @ np.diff(trace.seconds)
    assert carried == pytest.approx(4000 * 1500 * 8 / 1e6, rel=1e-6)
    inside = ((times >= 2000) & (times < 2500)).sum()
    place = np.flatnonzero(trace.seconds == 2.5)[0]
    assert trace.mbps[place] == pytest.approx(inside * 0.012 / 0.5)


def test_mahimahi_out_of_order_is_sorted_and_told(tmp_path):
    path = write(tmp_path, "link", "5\n1\n900\n700\n")
    assert "sorted" in told(path)


def test_hsdpa_and_4g_logs(tmp_path):
    lines = ["1291219030 1000 59.85 10.78 125000 1000", "1291219031 2000 59.85 10.78 250000 1000",
             "1291219032 3500 59.85 10.78 0 1500", "1291219033 4500 59.85 10.78 500000 2000"]  # fmt: skip
    trace = read_trace(write(tmp_path, "report.bus.log", "\n".join(lines)))
    assert trace.seconds.tolist() == [1.0, 2.0, 3.5, 4.5]
    assert trace.mbps.tolist() == [1.0, 2.0, 0.0, 2.0]
    assert "HSDPA or 4G" in " ".join(trace.notes)


def test_broadband_tests_become_one_link_for_each_unit_and_target(tmp_path):
    rows = ["unit_id,dtime,target,address,fetch_time,bytes_total,bytes_sec"]
    for unit in (7, 9):
        rows += [f"{unit},2016-07-01 00:00:{5 * i:02d},http://a,1.2.3.4,1,1,{(unit + i) * 125000}" for i in range(4)]
    rows.append("9,2016-07-01 00:00:00,http://lonely,1.2.3.4,1,1,1000000")
    traces, sentence = read_traces(write(tmp_path, "curr_webget.csv", "\n".join(rows)))
    assert [trace.name for trace in traces] == [
        "curr_webget.csv, unit 7, http://a",
        "curr_webget.csv, unit 9, http://a",
    ]
    assert traces[1].mbps.tolist() == [9.0, 10.0, 11.0, 12.0]
    assert traces[0].seconds.tolist() == [0.0, 5.0, 10.0, 15.0]
    assert "2 links" in sentence


def test_5g_logs_and_own_tables(tmp_path):
    text = "Timestamp,Longitude,Latitude,Speed,DL_bitrate\n2019.12.14_10.16.30,1,2,0,40000\n2019.12.14_10.16.31,1,2,0,80000\n"
    assert read_trace(write(tmp_path, "5g.csv", text)).mbps.tolist() == [40.0, 80.0]
    mine = read_trace(write(tmp_path, "own.csv", "time_ms;throughput (kb/s)\n0;1500\n500;2500\n"))
    assert mine.seconds.tolist() == [0.0, 0.5]
    assert mine.mbps.tolist() == [1.5, 2.5]
    assumed = read_trace(write(tmp_path, "plain.csv", "time,bandwidth\n0,1.5\n1,2.5\n"))
    assert "Mb/s was assumed" in " ".join(assumed.notes)
    spans = read_trace(write(tmp_path, "spans.csv", "time,bytes,interval_ms\n1,125000,1000\n2,250000,500\n"))
    assert spans.mbps.tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 1\n2 1\n1 3\n3 1\n", "ran backwards 1 time"),
        ("0 1\n1 nan\n2 1\n", "1 sample was negative or no number"),
        ("0 1\n1 -3\n2 1\n", "1 sample was negative or no number"),
        ("0 1\nhello there\n2 1\n", "1 line was not two numbers"),
        ("0 1500\n1 4800000\n2 3000000\n", "taken for b/s"),
        ("0 4500\n1 2800\n2 3100\n", "taken for kb/s"),
        ("0 1500\n1 900\n2 1000\n", "taken for Mb/s, a very fast link"),
        ("0 2\n200 0\n260 2\n", "nothing for 200 s"),
        ("1500000000 2\n1500000001 3\n", "taken for 0"),
        ("".join(f"{1000 * i} 2\n" for i in range(20)), "taken for milliseconds"),
        ("0 2\n1 3\n5000 2\n", "4,999 s"),
    ],
)
def test_dirt_is_mended_and_told(tmp_path, text, sentence):
    path = write(tmp_path, "dirty", text)
    assert sentence in told(path)
    assert sentence in read_traces(path)[1]


def test_the_unit_that_is_asked_for_counts(tmp_path):
    path = write(tmp_path, "link", "0 4500\n1 2800\n")
    assert read_trace(path, unit="kB/s").mbps.tolist() == pytest.approx([36.0, 22.4])
    with pytest.raises(DnnExplainError, match="unit of throughput"):
        read_trace(path, unit="furlongs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("0 1\n", "1 usable sample"),
        ("0 0\n1 0\n2 0\n", "carries 0 Mbit"),
        ("3 1\n3 2\n", "same time"),
        ("0 1e300\n1 1e300\n2 1e300\n", r"1e\+300 is no link's in any unit"),
        ("1 2 3 4\n1 2 3 4\n", "no header"),
        ("a,b,c\n1,2,3\n2,3,4\n", "no column is known as time"),
        ("time,b,c\n1,2,3\n2,3,4\n", "no column is known as throughput"),
        ("-5\n3\n", "from 0 on"),
        ("the quick brown fox\n", "no column"),
        ("time;mbps\n0,5;1,2\n1,5;2,2\n", r"decimal comma \(0,5\); write them with a point: 0\.5"),
        ("0\t1,5\n1\t2,5\n", r"decimal comma \(1,5\)"),
        ("0,5 1,2\n1,5 2,2\n", "decimal comma"),
        ("0,1\n", "1 usable sample"),
    ],
)
def test_what_is_no_link_is_refused_in_a_sentence(tmp_path, text, message):
    with pytest.raises(DnnExplainError, match=message):
        read_trace(write(tmp_path, "bad", text))


def test_a_folder_is_a_set_and_its_names_are_kept(tmp_path):
    for name in ("b", "a=1", ".hidden"):
        write(tmp_path, name, "0 1\n1 2\n")
    write(tmp_path, "broken", "nothing here\n")
    traces, sentence = read_traces(tmp_path)
    assert [trace.name for trace in traces] == ["a=1", "b"]
    assert "2 links" in sentence
    assert "broken was left out" in sentence
    assert [trace.name for trace in read_traces(tmp_path, limit=1)[0]] == ["a=1"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DnnExplainError, match="holds no file"):
        read_traces(tmp_path / "empty")
    with pytest.raises(DnnExplainError):
        read_traces(tmp_path / "absent")


@pytest.mark.parametrize("name", FAMILIES)
def test_generated_links_are_their_own_and_last_as_long(name):
    few, many = generate(name, 3, 5), generate(name, 6, 5)
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.mbps, other.mbps)
        assert one.name == other.name
    assert not np.array_equal(few[0].mbps, generate(name, 1, 6)[0].mbps)
    assert all(300 <= trace.seconds[-1] <= 322 for trace in many)


def test_the_mean_of_a_family_can_be_chosen():
    for name in FAMILIES:
        means = [trace.mean for trace in generate(name, 60, 1, mean=4.0, spread=0.1)]
        assert np.median(means) == pytest.approx(4.0, rel=0.2), name


def test_families_differ_as_they_say():
    made = {name: np.concatenate([trace.mbps for trace in generate(name, 40, 2)]) for name in FAMILIES}
    assert (made["outage"] == 0).mean() > 0.05
    assert np.median(made["5g"]) > 20
    steps = {name: np.mean([np.log(t.mbps + 1e-3).std() for t in generate(name, 40, 2)]) for name in FAMILIES}
    assert steps["stable"] < 0.15 < steps["markov-3g"] < steps["bursty"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"mean": 0.0}, "mean must be"), ({"seconds": 1.0}, "seconds must be"), ({"spread": 9.0}, "spread must be")],
)
def test_numbers_of_a_family_have_bounds(options, message):
    with pytest.raises(DnnExplainError, match=message):
        generate("stable", 1, 0, **options)
    with pytest.raises(DnnExplainError, match="family of traces"):
        generate("6g", 1, 0)


def test_the_worst_link_that_was_found_is_written_and_runs_again_to_the_last_digit(tmp_path, capsys):
    link, film = tmp_path / "worst.txt", tmp_path / "short.csv"
    film.write_text("# seconds: 4\n300;1200\n" + 5 * "150000;600000\n")
    asked = ("worst-case", "abr", "--video", str(film), "--policy", "bb", "--rounds", "1", "--json")
    assert main([*asked, "--workload-out", str(link)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["workload_file"] == str(link)
    system = make_system("abr", video=str(film))
    assert system.run(system.rules()["bb"], [read_trace(link)]).cost.tolist() == [found["cost"]]
    for trace in system.workloads("puffer-like", 3, 5):
        system.write_workload(trace, link)
        again = read_trace(link)
        np.testing.assert_array_equal(again.seconds, trace.seconds)
        np.testing.assert_array_equal(again.mbps, trace.mbps)


def test_a_file_that_cannot_be_written_is_refused_before_the_search(tmp_path, capsys):
    assert main(["worst-case", "abr", "--workload-out", str(tmp_path / "none" / "worst.txt")]) != 0
    assert "does not exist" in capsys.readouterr().err
    assert main(["worst-case", "deeprm", "--workload-out", str(tmp_path / "worst.txt")]) != 0
    assert "deeprm cannot write a workload as a file" in capsys.readouterr().err
