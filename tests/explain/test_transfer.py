"""The transfer grid: what a cell holds, where a network stops winning, the same answers on every backend."""

from __future__ import annotations

import importlib
import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError, Knob, Shift
from dnnexplain.encoding import decode, encode
from dnnexplain.explain.transfer.grid import Transfer, cell_workloads, transfer
from dnnexplain.explain.transfer.words import boundaries, words
from dnnexplain.intervals import mean_interval
from dnnexplain.numbers import number, percent
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import cost_range
from dnnexplain.systems import SmallSystem
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.summary import compare
from tests.explain.networks import mlp
from tests.fakes import FakeChoice

WORLD = DeepRM(slots=2, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=8)
NETWORK = TorchPolicy(mlp(WORLD, seed=2), WORLD, name="drawn")
ROWS = [Shift("deeprm", "deeprm"), Shift("uniform", "uniform")]
COLUMNS = [Shift(f"rate {rate}", "", {"rate": rate, "steps": 12}, rate) for rate in (0.3, 0.6, 0.9)]


def grid(**options):
    options = {"rules": ["sjf", "packer"], "sets": 4, "seed": 3, "backend": "inline", **options}
    return transfer(WORLD, {"drawn": NETWORK}, ROWS, COLUMNS, **options)


@pytest.fixture(scope="module")
def whole():
    return grid()


def test_a_cell_holds_what_its_workloads_give_when_they_are_drawn_again(whole):
    for row, column in [(0, 0), (1, 2)]:
        workloads = cell_workloads(WORLD, whole, row, column)
        assert len(workloads) == 4
        costs = [
            WORLD.run(policy, workloads).cost for policy in (NETWORK, WORLD.rules()["sjf"], WORLD.rules()["packer"])
        ]
        assert whole.episodes[row, column] == pytest.approx(np.array(costs))
        assert whole.cost[row, column] == pytest.approx(np.mean(costs, axis=1))
        for place, cost in enumerate(costs):
            found = mean_interval(cost, within=cost_range(WORLD))
            assert (whole.low[row, column, place], whole.high[row, column, place]) == pytest.approx(
                (found.low, found.high), nan_ok=True
            )
        best = 1 + int(np.argmin(np.mean(costs[1:], axis=1)))
        assert whole.best_rule[row, column] == best
        assert whole.relative[row, column, 0] == pytest.approx(np.mean(costs[0]) / np.mean(costs[best]) - 1)
        starved = WORLD.run(NETWORK, workloads).metrics["starved"].sum()
        assert whole.metric("starved")[row, column, 0] == starved


def test_a_cell_is_the_same_wherever_it_stands(whole):
    turned = transfer(
        WORLD,
        {"drawn": NETWORK},
        ROWS[::-1],
        COLUMNS[2:] + COLUMNS[:1],
        rules=["sjf", "packer"],
        sets=4,
        seed=3,
        backend="inline",
    )
    np.testing.assert_array_equal(turned.episodes[1, 0], whole.episodes[0, 2])
    np.testing.assert_array_equal(turned.relative_low[0, 1], whole.relative_low[1, 0])


class Reward(SmallSystem):
    """Cost is minus a reward of at most 40 a step, shifted."""

    name, knobs, actions, cost_name, steps = (
        "reward",
        (Knob("queue", "jobs", 0, 20, 1),),
        ("one", "three"),
        "minus reward, points",
        10,
    )
    shift = 0.0

    def begin(self, count, rng):
        return rng.integers(0, 10, (count, 1)).astype(float)

    def step(self, values, actions, rng):
        after = np.clip(
            values - 1 - 2 * actions[:, None] + (2 if rng is None else rng.poisson(2, (len(values), 1))), 0, 20
        )
        return after, after[:, 0] + self.shift


@pytest.mark.parametrize("shift", [0.0, -40.0])
def test_a_constant_in_the_cost_turns_no_verdict_round(shift):
    world = Reward()
    world.shift = shift
    found = transfer(
        world,
        {"good": world.rules()["always three"]},
        [Shift("e", "episodes")],
        [Shift("x")],
        rules=["always one"],
        sets=30,
        backend="inline",
    )
    assert not found.ratio
    assert found.verdict(0, 0) == "wins"
    assert found.relative[0, 0, 0] == pytest.approx(np.mean(found.episodes[0, 0, 0] - found.episodes[0, 0, 1]))
    assert "points)" in found.sentence()
    assert "%)" not in found.sentence()


def test_evaluate_and_transfer_have_the_same_interval(whole):
    """The same comparison on every screen."""
    for cell in np.ndindex(2, 3):
        costs = whole.episodes[cell]
        names = ("sjf", "packer")
        told = compare({"drawn": costs[0]}, dict(zip(names, costs[1:], strict=True)))
        assert told["best_rule"] == names[whole.best_rule[cell] - 1]
        mine = (whole.relative[cell][0], whole.relative_low[cell][0], whole.relative_high[cell][0])
        assert tuple(told["relative_to_best_rule"]["drawn"].values()) == pytest.approx(mine, nan_ok=True)


def test_a_result_survives_its_file_and_speaks(whole, tmp_path):
    whole.save(tmp_path / "grid.json")
    assert Transfer.load(tmp_path / "grid.json") == whole
    assert len(whole.table()) == 2 * 3 * 3
    assert "of 6 cells" in whole.sentence()


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_every_backend_gives_the_same_answers(whole, backend):
    assert grid(backend=backend, jobs=2) == whole


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", worker_dashboard_address=":0"
    ) as started:
        yield started


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_gives_the_same_answers(whole, cluster):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster, set_as_default=False) as client:
        assert grid(backend="dask", client=client) == whole


def test_a_cancelled_run_keeps_its_cells_and_is_resumed(whole):
    stop = threading.Event()
    part = grid(cancel=stop, progress=lambda done, _total: stop.set() if done == 2 else None)
    assert part.done.sum() == 2
    assert "4 cells were not run" in part.words
    told = []
    again = grid(resume=part, progress=lambda done, total: told.append((done, total)))
    assert again == whole
    assert told[-1] == (4, 4)
    with pytest.raises(DnnExplainError, match="another grid"):
        grid(resume=part, seed=4)


def test_given_workloads_are_a_row_of_one_cell():
    log = WORLD.workloads("deeprm", 3, 9, rate=0.5, steps=10)
    found = transfer(
        WORLD,
        {"drawn": NETWORK},
        [Shift("a log")],
        COLUMNS,
        rules=["sjf"],
        given={"a log": log},
        backend="inline",
        sets=2,
    )
    assert found.done.tolist() == [[True, False, False]]
    assert found.episodes[0, 0, 1] == pytest.approx(WORLD.run(WORLD.rules()["sjf"], log).cost)


def test_a_boundary_lies_where_the_line_between_two_columns_crosses_zero():
    relative = np.array([[[-0.3], [-0.1], [0.3]], [[0.2], [np.nan], [-0.1]]])
    found = boundaries(tuple(ROWS), tuple(COLUMNS), ("net", "sjf"), relative)
    (one,) = found
    assert (one.row, one.before, one.after, one.wins_before) == ("deeprm", "rate 0.6", "rate 0.9", True)
    assert one.value == pytest.approx(0.6 + 0.3 * 0.25)


def test_rows_on_an_axis_have_boundaries_down_the_columns():
    rows = tuple(Shift(f"long_share {share}", "deeprm", {"long_share": share}, share) for share in (0.2, 0.6))
    relative = np.array([[[-0.1], [-0.3]], [[0.1], [np.nan]]])
    (one,) = boundaries(rows, tuple(COLUMNS[:2]), ("net", "sjf"), relative)
    assert (one.row, one.before, one.after) == ("rate 0.3", "long_share 0.2", "long_share 0.6")
    assert one.value == pytest.approx(0.4)


def test_a_network_that_is_its_rule_is_even_everywhere():
    gate = FakeChoice()
    rule = gate.rules()["longest"]
    found = transfer(gate, {"twin": rule}, [Shift("any", "any")], [Shift("all")], rules=["longest"], backend="inline")
    assert found.relative.tolist() == [[[0.0]]]
    assert found.verdict(0, 0) == "even"


def test_a_mean_ranks_nothing_where_work_is_left_undone(whole):
    """Cheap on paper: a network that starves jobs which the best rule does not is unsafe, and no boundary is its own."""
    starved = [one.name for one in whole.metrics].index("starved")
    figures = np.where(np.isfinite(whole.figures), 0.0, whole.figures)
    cheap = {"relative": whole.relative * 0 - 0.2, "relative_low": whole.relative * 0 - 0.3}
    found = replace(whole, **cheap, relative_high=cheap["relative"] + 0.1, figures=figures)
    assert {found.verdict(*cell) for cell in np.ndindex(2, 3)} == {"wins"}
    figures = figures.copy()
    figures[0, 0, 0, starved] = 324
    figures[0, 1, :, starved] = 3
    found = replace(found, figures=figures)
    assert found.verdict(0, 0) == "unsafe"
    assert found.unsafe(0, 0) == "324 jobs starved"
    assert found.verdict(0, 1) == "wins"  # the best rule's work is left undone as well
    said = words(found)
    assert "beats the best rule in 5 of 6 cells" in said
    assert (
        "In 1 cell something goes wrong with it that does not with the best rule (deeprm, rate 0.3: 324 jobs starved): unsafe"
        in said
    )


def test_a_network_that_never_starts_a_job_is_unsafe_and_has_no_boundary():
    class Waiting:
        name, kind, checkpoint, masked = "waiting", "network", "", False

        def outputs(self, observations):
            return np.tile([0.0, 0.0, 1.0], (len(observations), 1))

    found = transfer(WORLD, {"waiting": Waiting()}, ROWS[:1], COLUMNS[:2], rules=["sjf"], sets=2, backend="inline")
    assert [found.verdict(0, column) for column in range(2)] == ["unsafe", "unsafe"]
    assert found.boundaries == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"rules": []}, "rule"), ({"rules": ["sjff"]}, "sjf"), ({"sets": 0}, "sets")],
)
def test_mistakes_are_said(changes, said):
    with pytest.raises(DnnExplainError, match=said):
        grid(**changes)


def test_the_command_prints_the_grid_and_keeps_it(capsys, tmp_path):
    kept = tmp_path / "grid.json"
    command = [
        "transfer",
        "deeprm",
        "--family",
        "deeprm",
        "--vary",
        "long_share=0.1,0.6",
        "--rate",
        "0.5",
        "--sets",
        "3",
    ]
    assert main([*command, "--steps", "12", "--jobs", "1", "--out", str(kept), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["row"] for cell in found["cells"]] == ["long_share 0.1", "long_share 0.6"]
    world = DeepRM()
    for row, cell in enumerate(found["cells"]):
        by_name = {one["policy"]: one for one in cell["results"]}
        workloads = cell_workloads(world, Transfer.load(kept), row, 0)
        assert by_name["sjf"]["mean"] == pytest.approx(world.run(world.rules()["sjf"], workloads).cost.mean())
        assert by_name["sjf"]["low"] <= by_name["sjf"]["mean"] <= by_name["sjf"]["high"]
    assert main([*command, "--steps", "12", "--resume", str(kept)]) == 0
    assert "default" in capsys.readouterr().out
    assert main([*command, "--steps", "12", "--policy", "default", "--policy", "conv", "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert "mean slowdown of default" in shown
    assert "mean slowdown of conv" in shown
    assert main(["transfer", "deeprm", "--vary", "longshare=1"]) == 2
    assert "long_share" in capsys.readouterr().err


def test_mean_median_and_shares_of_actions_are_printed_where_a_system_counts_them(capsys):
    command = ["transfer", "abr", "--family", "markov-3g", "--rule", "bb", "--sets", "2", "--jobs", "1"]
    assert main(command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Mean and median QoE of default, and the share of each action" in shown
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["cells"][0]["results"][0]
    figures = [number(-told["mean"]), number(-told["median"]), *(percent(one) for one in told["actions"].values())]
    assert " ".join(figures) in shown


SMALL = ["transfer", "deeprm", "--rule", "sjf", "--rate", "0.5", "--steps", "12", "--sets", "2", "--seed", "4"]
LOG = """; a log in the Standard Workload Format: job, submit, wait, run, CPUs, CPU time, memory, ...
1 0 0 300 2 -1 -1 2 300 -1 1 1 1 1 1 1 -1 -1
2 60 0 600 4 -1 -1 4 600 -1 1 1 1 1 1 1 -1 -1
3 90 0 30 1 -1 -1 1 60 -1 1 1 1 1 1 1 -1 -1
4 400 0 900 8 -1 -1 8 900 -1 1 1 1 1 1 1 -1 -1
"""


def test_a_range_is_varied_and_an_interrupted_run_of_it_is_resumed(capsys, tmp_path):
    kept = tmp_path / "ranges.json"
    command = [*SMALL, "--family", "deeprm", "--vary", "long_lengths=4-6,10-15", "--jobs", "1"]
    assert main([*command, "--json", "--out", str(kept)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["row"] for cell in found["cells"]] == ["long_lengths 4-6", "long_lengths 10-15"]
    assert [cell["parameters"]["long_lengths"] for cell in found["cells"]] == [[4, 6], [10, 15]]
    assert found["cells"][0]["results"][1]["mean"] != found["cells"][1]["results"][1]["mean"]
    assert main([*command, "--json", "--resume", str(kept)]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert main([*SMALL, "--vary", "long_lengths=4-x"]) == 2
    assert "long_lengths=4-6" in capsys.readouterr().err


def test_a_log_is_a_row_of_its_own_windows(capsys, tmp_path):
    path = tmp_path / "small.swf"
    path.write_text(LOG)
    assert main([*SMALL, "--family", "uniform", "--log", str(path), "--jobs", "1", "--json"]) == 0
    told = capsys.readouterr()
    by_row = {cell["row"]: cell for cell in json.loads(told.out)["cells"]}
    assert list(by_row) == ["uniform", "log small.swf"]
    world = DeepRM()
    windows, said = world.log_windows(path, steps=12)
    assert said in told.err
    mean = {one["policy"]: one["mean"] for one in by_row["log small.swf"]["results"]}
    assert mean["sjf"] == pytest.approx(world.run(world.rules()["sjf"], list(windows)[:2]).cost.mean())
    assert main([*SMALL, "--log", str(tmp_path / "none.swf")]) == 2
    assert "none.swf" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_on_a_dask_cluster_prints_what_it_prints_in_process(capsys, cluster):
    command = [*SMALL, "--family", "deeprm", "--family", "uniform", "--json"]
    assert main([*command, "--jobs", "1"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main([*command, "--dask", cluster.scheduler_address]) == 0
    assert json.loads(capsys.readouterr().out) == alone


def test_a_cluster_that_does_not_answer_is_said(capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("dnnexplain.parallel.CONNECT_SECONDS", 0.5)
    assert main([*SMALL, "--dask", "tcp://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert "tcp://127.0.0.1:9" in said
    assert "Traceback" not in said


def test_a_run_that_is_killed_has_kept_its_cells(monkeypatch, capsys, tmp_path):
    kept = tmp_path / "kept.json"
    command = [*SMALL, "--family", "deeprm", "--family", "uniform", "--jobs", "1", "--json"]
    assert main(command) == 0
    whole = json.loads(capsys.readouterr().out)
    monkeypatch.setattr("dnnexplain.cli.keeping.KEEP_SECONDS", 0.0)
    module = importlib.import_module("dnnexplain.explain.transfer.grid")
    genuine, calls = module._run_cell, []

    def killed(cell, rng):
        calls.append(cell)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return genuine(cell, rng)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_run_cell", killed)
        assert main([*command, "--out", str(kept)]) != 0
    capsys.readouterr()
    assert Transfer.load(kept).done.tolist() == [[True], [False]]
    assert main([*command, "--resume", str(kept)]) == 0
    assert json.loads(capsys.readouterr().out) == whole


def test_median_metrics_and_shares_of_actions_are_those_of_the_runs(whole):
    workloads = cell_workloads(WORLD, whole, 0, 1)
    run = WORLD.run(NETWORK, workloads)
    assert whole.median[0, 1, 0] == pytest.approx(np.median(run.cost))
    for metric in whole.metrics:
        if metric.name in run.metrics:
            values = np.asarray(run.metrics[metric.name], dtype=float)
            known = values[np.isfinite(values)]
            assert whole.metric(metric.name)[0, 1, 0] == pytest.approx(known.sum() if metric.total else known.mean())
    if run.actions is not None:
        np.testing.assert_allclose(whole.shares[0, 1, 0], run.actions.sum(axis=0) / run.actions.sum())
    assert set(whole.table()[0]) >= {"median", "starved"}
    with pytest.raises(DnnExplainError, match="metric 'nothing'"):
        whole.metric("nothing")
    with pytest.warns(DeprecationWarning, match="metric"):
        np.testing.assert_array_equal(whole.starved, whole.metric("starved"))


def test_a_grid_of_the_first_format_is_read(whole, tmp_path):
    data = json.loads(whole.to_json())
    for name in ("metrics", "figures", "median", "shares", "actions"):
        del data[name]
    counts = whole.metric("starved")
    data |= {"__version__": 1, "starved": {**encode(counts), "axes": ["row", "column", "policy"], "unit": "jobs"}}
    file = tmp_path / "old.json"
    file.write_text(json.dumps(data))
    old = Transfer.load(file)
    np.testing.assert_array_equal(old.metric("starved"), counts)
    np.testing.assert_allclose(old.median, whole.median)
    assert (old.actions, old.words) == ((), whole.words)
    counts[0, 0, 0] = 3
    data["starved"] = {**encode(counts), "axes": [], "unit": "jobs"}
    assert Transfer.from_json(json.dumps(data)).went_wrong(0, 0, 0) == "3 jobs starved"
    data["__version__"] = 0
    with pytest.raises(DnnExplainError, match="format 0"):
        Transfer.from_json(json.dumps(data))


def test_a_row_has_one_class_and_what_was_saved_under_its_former_name_is_read():
    row = Shift("rate 0.7", "deeprm", {"rate": [0.7]}, 0.7)
    saved = encode(row)
    former = {**saved, "__kind__": "Setting", "__module__": "dnnexplain.explain.transfer.result"}
    assert decode(saved) == decode(former) == row
    for home in ("", ".grid", ".result"):
        with pytest.warns(DeprecationWarning, match=r"Setting is now dnnexplain\.contract\.Shift"):
            assert importlib.import_module(f"dnnexplain.explain.transfer{home}").Setting is Shift
