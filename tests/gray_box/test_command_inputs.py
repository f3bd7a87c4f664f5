"""The worst-case command and what people give it: real matrices, damaged files, broken solvers, a cluster."""

import json
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import RoutingSystem, TrafficCase, load_matrices
from dnnexplain.systems.routing.oracle import RoutingOracle
from tests.gray_box.routers import load_routing_policy
from tests.gray_box.test_routing import answer, ask, files

__all__ = ["files"]

RING = ("--topology", "ring-4", "--paths", "2")


def shared(files, name="history"):
    return ("routing", "--policy", files[name], *RING)


@pytest.fixture
def week(tmp_path):
    """Five matrices of the ring, 16 numbers a line; the fourth is empty."""
    rows = np.random.default_rng(0).uniform(0.1, 0.9, (5, 16))
    rows[3] = 0
    path = tmp_path / "week.txt"
    np.savetxt(path, rows)
    return path, rows


def test_one_matrix_of_a_file_is_fixed_and_only_the_history_searched(files, week, capsys):
    path, rows = week
    told = answer(
        capsys, *shared(files), "--matrix", str(path), "--unit", "Gb/s", "--row", "2", "--rounds", "5", "--seed", "1"
    )
    assert told["history_only"]
    system = RoutingSystem("ring-4", 2)
    keep = [4 * a + b for a, b in system.paths.pairs]
    given = [told["input"]["demands"][name.replace(" -> ", "->")] for name in system.paths.pair_names]
    np.testing.assert_allclose(given, rows[2][keep], rtol=1e-6)
    assert len(told["input"]["history"]) == 2
    drawn = answer(capsys, *shared(files), "--matrix", str(path), "--unit", "Gb/s", "--rounds", "5", "--seed", "1")
    assert drawn["input"]["demands"] in [
        {n.replace(" -> ", "->"): float(np.float32(v)) for n, v in zip(system.paths.pair_names, row[keep], strict=True)}
        for row in rows
    ]


@pytest.mark.skipif("DNNEXPLAIN_DATA" not in os.environ, reason="needs the real Abilene matrices in DNNEXPLAIN_DATA")
def test_a_real_matrix_with_the_worst_history_is_worse_than_with_its_own(capsys):
    path = Path(os.environ["DNNEXPLAIN_DATA"]) / "routing/AbileneTM"
    unit, row = "100 bytes per 5 minutes", 700
    told = answer(
        capsys, "routing", "--policy", "dote-history", "--topology", "abilene-12", "--matrix", str(path),
        "--unit", unit, "--row", str(row), "--budget", "3",
    )  # fmt: skip
    system, policy = load_routing_policy("dote-history", "abilene-12")
    matrices = load_matrices(path, system.paths, unit)
    own = system.run(policy, [TrafficCase(matrices[row], matrices[row - 12 : row])]).metrics["MLU over optimum"][0]
    assert told["lower"] > own
    assert told["upper"] <= told["lower"] * (1 + 1e-9)


@pytest.mark.parametrize("bad", ["-0.5", "nan", "inf", "much"])
def test_a_demand_that_is_no_demand_is_named(files, week, bad, capsys):
    path, _ = week
    lines = path.read_text().splitlines()
    words = lines[1].split()
    words[2] = bad
    lines[1] = " ".join(words)
    path.write_text("\n".join(lines))
    assert ask(*shared(files), "--matrix", str(path), "--unit", "Gb/s", "--row", "0") == 2
    told = capsys.readouterr()
    assert "line 2" in told.err
    assert told.err.count("\n") == 1
    assert not told.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--row", "9"), "rows 0 to 4; there is no row 9"),
        (("--row", "3"), "asks for no traffic"),
        (("--unit", "kb", "--row", "0"), "unit of demand"),
    ],
)
def test_a_matrix_that_cannot_be_routed_is_told(files, week, words, message, capsys):
    unit = () if "--unit" in words else ("--unit", "Gb/s")
    assert ask(*shared(files), "--matrix", str(week[0]), *unit, *words) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1


def test_a_unit_must_be_said_and_belongs_to_files(files, week, capsys):
    assert ask(*shared(files), "--matrix", str(week[0]), "--row", "0") == 2
    assert "say the unit" in capsys.readouterr().err
    assert ask(*shared(files), "--history-only", "--unit", "kb/s") == 2
    assert "are for a file of matrices" in capsys.readouterr().err
    assert ask(*shared(files), "--matrix", "missing.txt", "--unit", "kb/s") == 2
    assert "missing.txt" in capsys.readouterr().err
    assert ask(*shared(files), "--history-only", "--workload", "gravitty") == 2
    assert "Did you mean 'gravity'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0, 1, 10.0), (2, 3, 10.0)], "no path leads from"),
        ([(0, 1, 10.0), (1, 2, 0.0)], "capacity of link"),
        ([(0, 1, 10.0), (1, 2, -3.0)], "capacity of link"),
        ([(0, 1, 10.0), (1, 2, float("nan"))], "capacity of link"),
        ([(0, 1, 10.0), (1, 2, float("inf"))], "capacity of link"),
    ],
)
def test_a_topology_that_carries_nothing_is_told(edges, message, tmp_path, capsys):
    graph = nx.Graph()
    for a, b, capacity in edges:
        graph.add_edge(f"n{a}", f"n{b}", capacity=capacity)
    path = tmp_path / "net.graphml"
    nx.write_graphml(graph, path)
    assert ask("routing", "--policy", "ecmp", "--topology", str(path), "--budget", "1") == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not told.out


def test_a_solver_that_fails_at_once_is_told(monkeypatch, capsys):
    def fail(self, demands):
        msg = "HiGHS did not solve the routing of 'ring-4'"
        raise DnnExplainError(msg)

    monkeypatch.setattr(RoutingOracle, "solve", fail)
    assert ask("routing", "--policy", "ecmp", *RING, "--method", "random", "--budget", "1") == 2
    told = capsys.readouterr()
    assert told.err == "Error: HiGHS did not solve the routing of 'ring-4'\n"


def test_a_solver_that_fails_later_leaves_what_was_found(monkeypatch, capsys, tmp_path):
    from dnnexplain.systems.routing.problem import RoutingProblem

    solve, calls = RoutingProblem.optimum, []

    def fail_later(self, x):
        calls.append(1)
        if len(calls) > 5:
            msg = "HiGHS did not solve the routing of 'ring-4'"
            raise DnnExplainError(msg)
        return solve(self, x)

    monkeypatch.setattr(RoutingProblem, "optimum", fail_later)
    kept = tmp_path / "kept.json"
    words = ("routing", "--policy", "ecmp", *RING, "--method", "random", "--budget", "30", "--out", str(kept))
    told = answer(capsys, *words)
    assert told["ratio"] > 1
    assert "HiGHS did not solve" in told["stopped"]
    assert json.loads(kept.read_text())


def steady(told):
    """What must not depend on where or how fast a search ran."""
    timed = {"cpu_seconds", "reached", "trace", "seconds"}
    return {
        name: steady(value) if isinstance(value, dict) else value for name, value in told.items() if name not in timed
    }


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_finds_what_this_process_finds(files, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed")
    from dnnexplain import parallel

    words = (*shared(files), "--rounds", "6", "--restarts", "2", "--seed", "3")
    with monkeypatch.context() as here:
        here.setattr(parallel, "worker_count", lambda jobs=None: 1)
        alone = answer(capsys, *words)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", worker_dashboard_address=":0"
    )
    with cluster:
        there = answer(capsys, *words, "--dask", cluster.scheduler_address)
    assert steady(there) == steady(alone)
    assert there["seed"] in {3, 4}


@pytest.mark.parametrize("said", [("--workload", "week.txt"), ("--unit", "kb/s"), ("--row", "1")])
def test_what_is_said_of_a_fixed_matrix_is_refused_where_none_is_fixed(said, capsys):
    assert ask("routing", "--policy", "ecmp", *RING, *said, "--rounds", "1") == 2
    assert f"{said[0]} says which matrix is fixed, and none is" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_said(capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("dnnexplain.parallel.CONNECT_SECONDS", 0.5)
    assert ask("routing", "--policy", "ecmp", *RING, "--dask", "tcp://127.0.0.1:9", "--restarts", "2") == 2
    told = capsys.readouterr()
    assert "tcp://127.0.0.1:9" in told.err
    assert "Traceback" not in told.err
