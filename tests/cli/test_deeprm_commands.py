"""``evaluate``, ``replay`` and ``train``: what they print and write, and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.systems.deeprm import DeepRM, JobSet, Params
from tests.deeprm.twin import SlowDeepRM

JOBS = [(3, 2, 7, 1), (1, 3, 10, 2), (4, 12, 6, 2), (4, 1, 1, 9)]
ACTIONS = [5, 0, 5, 5, 0, 1, 5, 2, 0, 5, 5, 1, 0] + [0, 1, 5] * 30


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    jobs = [dict(zip(("arrival", "length", "cpu", "memory"), job, strict=True)) for job in JOBS]
    (tmp_path / "jobs.json").write_text(json.dumps({"steps": 10, "jobs": jobs}))
    (tmp_path / "actions.json").write_text(json.dumps(ACTIONS))
    return {name: tmp_path / name for name in ("jobs.json", "actions.json", "out.npz", "net.safetensors")}


def test_replay_writes_what_the_slow_twin_does_in_the_order_of_the_file(files: dict[str, Path]) -> None:
    command = ["replay", "deeprm", "--jobs", str(files["jobs.json"]), "--actions", str(files["actions.json"])]
    assert (
        main([*command, "--slots", "5", "--until", "all-done", "--max-steps", "200", "--out", str(files["out.npz"])])
        == 0
    )
    arrays = np.load(files["out.npz"])
    slow = SlowDeepRM(Params(), JobSet(*np.array(JOBS).T, steps=10), until_done=True, time_limit=200)
    pictures, rewards, dones, times = [slow.picture()], [], [], [0]
    for action in ACTIONS:
        rewards.append(slow.step(action))
        pictures.append(slow.picture())
        dones.append(slow.done)
        times.append(slow.time)
        if slow.done:
            break
    assert np.array_equal(arrays["observations"], np.stack(pictures) / 40)
    assert arrays["rewards"] == pytest.approx(rewards)
    assert arrays["dones"].tolist() == dones
    assert dones[-1]
    assert arrays["times"].tolist() == times
    by_job = {(job.arrival, job.length, *job.demand): (job.start, job.finish) for job in slow.all}
    assert list(zip(arrays["start"], arrays["finish"], strict=True)) == [by_job[job] for job in JOBS]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"actions.json": "[0, 6]"}, "action 1 must be a whole number from 0 to 5"),
        ({"actions.json": "{}"}, "must be a JSON list of actions"),
        ({"actions.json": "[0, 1"}, "actions.json"),
        ({"jobs.json": '{"jobs": [{"arrival": 1, "length": 16, "cpu": 1, "memory": 1}]}'}, "length"),
        ({"jobs.json": '{"jobs": [{"arrival": 1, "length": NaN, "cpu": 1, "memory": 1}]}'}, "jobs.json"),
        ({"jobs.json": '{"jobs": []}'}, "jobs.json"),
    ],
)
def test_replay_refuses_in_one_sentence_and_leaves_no_file(
    files: dict[str, Path], change: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in change.items():
        files[name].write_text(text)
    command = ["replay", "--jobs", str(files["jobs.json"]), "--actions", str(files["actions.json"])]
    assert main([*command, "--out", str(files["out.npz"])]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(files["out.npz"].parent.glob("*out.npz*"))


def test_evaluate_prints_figures_that_the_system_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["evaluate", "deeprm", "--policy", "sjf", "--policy", "fcfs", "--sets", "8", "--seed", "3", "--json"]) == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert [result["policy"] for result in report["results"]] == ["sjf", "fcfs"]
    system = DeepRM()
    sets = system.workloads("deeprm", 8, 3, rate=0.7, steps=50)
    costs = {name: system.run(system.rules()[name], sets).cost for name in ("sjf", "fcfs")}
    for result in report["results"]:
        figure = result["metrics"]["all_jobs"]
        assert figure["mean"] == pytest.approx(costs[result["policy"]].mean())
        assert figure["low"] < figure["mean"] < figure["high"]
        assert (result["starved"], result["turned_away"], result["sets"]) == (0, 0, 8)
        assert result["metrics"]["original"]["mean"] < figure["mean"]
    assert report["best_rule"] == "hold", "the best of all rules, named or not"
    hold = system.run(system.rules()["hold"], sets).cost
    for name, cost in costs.items():
        relative = report["relative_to_best_rule"][name]["mean"]
        assert relative == pytest.approx(cost.mean() / hold.mean() - 1)


def test_evaluate_tells_mask_and_training_apart(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "evaluate",
        "deeprm",
        "--policy",
        "untrained",
        "--policy",
        "default",
        "--unmasked",
        "--sets",
        "60",
        "--seed",
        "1",
    ]
    assert main([*words, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    told = {one["policy"]: one for one in results}
    assert [one["masked"] for one in results] == [True, False, True, False]
    assert told["untrained, unmasked"]["starved"] > 0 == told["untrained"]["starved"]
    assert told["default"]["metrics"]["all_jobs"]["mean"] < told["untrained"]["metrics"]["all_jobs"]["mean"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    starved = told["untrained, unmasked"]["starved"]
    assert starved > 1000  # so many that three digits would not tell it in full
    assert f"untrained, unmasked: {starved:,} jobs starved; +" in shown
    assert "Its true cost has no bound" in shown


def test_evaluate_reads_job_files_and_shows_a_table(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--policy", "sjf", "--policy", "packer", "--workload", str(files["jobs.json"])]) == 0
    assert "slowdown, all jobs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "sfj"], "sfj"),
        (["--policy", "sjf", "--workload", "deeprn"], "there is no workload 'deeprn'"),
        (["--policy", "sjf", "--workload", "missing.json"], "missing.json"),
        (["--policy", "sjf", "--sets", "0"], "count"),
        (["--policy", "sjf", "--rate", "nan"], "rate"),
        (["--policy", "sjf", "--slots", "0"], "slots must be a whole number of at least 1"),
    ],
)
def test_evaluate_refuses_in_one_sentence(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "deeprm", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_train_writes_a_network_that_evaluate_takes(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    out = files["net.safetensors"]
    command = ["train", "deeprm", "--recipe", "as-published", "--slots", "3", "--iterations", "1", "--threads", "1"]
    assert main([*command, "--original", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(out)
    assert out.with_suffix(".md").read_text().startswith("# net")
    assert sorted(path.name for path in out.parent.glob("net*")) == ["net.md", "net.safetensors"]
    assert main(["evaluate", "--policy", str(out), "--slots", "3", "--sets", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    result = report["results"][0]
    assert result["metrics"]["all_jobs"]["mean"] > 1
    assert "sampled" in result
    assert [one["masked"] for one in report["untrained"]] == [True, False]
    assert main(["evaluate", "--policy", str(out), "--slots", "5", "--sets", "2"]) == 2
    assert "set slots to 3" in capsys.readouterr().err
