import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import Gravity, RoutingSystem, load_matrices
from dnnexplain.systems.routing.traffic import bursts, gravity, gravity_mean


def test_gravity_follows_its_law(abilene):
    mean = gravity_mean(abilene.paths)
    assert mean.sum() == pytest.approx(28.0)
    degree = np.bincount([a for a, _ in abilene.topology.links])
    product = np.array([degree[a] * degree[b] for a, b in abilene.paths.pairs])
    np.testing.assert_allclose(mean / product, mean[0] / product[0])
    drawn = gravity(abilene.paths, 4000, 1, np.random.default_rng(0), Gravity(cycle=0.0))[:, 0]
    np.testing.assert_allclose(drawn.mean(0) / mean, 1.0, atol=0.02)
    np.testing.assert_allclose(drawn.std(0) / mean, 0.25, atol=0.02)


def test_the_daily_cycle_follows_the_sun(abilene):
    law = Gravity(noise=0.0, cycle=0.3)
    day = gravity(abilene.paths, 1, 288, np.random.default_rng(0), law)[0]
    pairs = abilene.paths.pair_names
    east = day[:, pairs.index("New York -> Washington DC")].argmax()
    west = day[:, pairs.index("Seattle -> Sunnyvale")].argmax()
    hours = (west - east) % 288 / 12
    assert hours == pytest.approx((122.2 - 75.5) / 15, abs=0.2)


def test_bursts_are_few_and_large(abilene):
    calm = bursts(abilene.paths, 50, 3, np.random.default_rng(0), pairs=4, background=0.0)
    active = (calm[:, -1] > 0).sum(axis=1)
    assert active.min() >= 1
    assert active.max() <= 4
    assert calm.max() <= abilene.cap


@pytest.mark.parametrize("name", ["gravity", "bursts", "uniform"])
def test_workloads_repeat_by_seed_and_fit_float32(with_history, name):
    one, two, other = (with_history.workloads(name, 3, seed) for seed in (7, 7, 8))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.demands, b.demands)
        np.testing.assert_array_equal(a.history, b.history)
        np.testing.assert_array_equal(a.demands.astype(np.float32), a.demands)
        assert a.history.shape == (12, 110)
        assert (a.demands >= 0).all()
    assert not np.array_equal(one[0].demands, other[0].demands)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("gravitas", {}, "Did you mean 'gravity'"),
        ("gravity", {"noise": -1.0}, "noise >= 0"),
        ("gravity", {"load": np.nan}, "all finite"),
        ("gravity", {"rate": 1.0}, "no parameter of traffic family 'gravity' 'rate'; there are: load, noise, cycle"),
        ("bursts", {"pairs": 0}, "must be 1 to 110"),
        ("uniform", {"top": 0.0}, "must be positive"),
        ("file", {}, "needs its path"),
    ],
)
def test_wrong_families_and_parameters_are_told(abilene, name, parameters, words):
    with pytest.raises(DnnExplainError, match=words):
        abilene.workloads(name, 2, 0, **parameters)


def write(path, rows):
    path.write_text("\n".join(" ".join(f"{value:.17g}" for value in row) for row in rows) + "\n")


def test_hist_and_plain_files_read_the_same_demands(tmp_path, ring):
    rng = np.random.default_rng(0)
    square = rng.uniform(0, 1, (6, 4, 4))
    expected = np.array([[m[a, b] for a, b in ring.paths.pairs] for m in square])
    write(tmp_path / "week.hist", square.reshape(6, 16) * 1e9)
    np.testing.assert_allclose(load_matrices(tmp_path / "week.hist", ring.paths), expected)
    write(tmp_path / "plain.txt", square.reshape(6, 16) * 1e6)
    np.testing.assert_allclose(load_matrices(tmp_path / "plain.txt", ring.paths, "kb/s"), expected)
    commas = (tmp_path / "plain.txt").read_text().replace(" ", ",")
    (tmp_path / "plain.csv.gz").write_bytes(gzip.compress(f"# a comment\n\n{commas}".encode()))
    np.testing.assert_allclose(load_matrices(tmp_path / "plain.csv.gz", ring.paths, "kb/s"), expected)


def test_windows_of_a_file_keep_its_order(tmp_path):
    system = RoutingSystem("ring-4", k=2, history=2)
    write(tmp_path / "t.hist", [[hour * 1e9] * 16 for hour in range(10)])
    everything = system.workloads("file", 100, 0, path=tmp_path / "t.hist")
    assert [case.demands[0] for case in everything] == list(range(2, 10))
    assert [row[0] for row in everything[0].history] == [0, 1]
    some = system.workloads("file", 3, 0, path=tmp_path / "t.hist", first=4)
    assert len(some) == 3
    assert all(case.demands[0] >= 6 for case in some)
    with pytest.raises(DnnExplainError, match="gives 2 matrices from row 8, but one window needs 3"):
        system.workloads("file", 3, 0, path=tmp_path / "t.hist", first=8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no traffic matrix"),
        ("1 2 3", "line 1: 3 numbers, but 4 nodes need 4 x 4 = 16"),
        ("\n" + "1 " * 15 + "x", "line 2: could not convert"),
        ("1 " * 15 + "nan", "number 16: the demand from node 4 to node 4 is nan"),
        ("0 -5 " + "1 " * 14, "from node 1 to node 2 is -5"),
        ("1e999 " * 16, "must be finite"),
    ],
)
def test_bad_traffic_files_are_told_by_line(tmp_path, ring, text, words):
    (tmp_path / "bad.hist").write_text(text)
    with pytest.raises(DnnExplainError, match=words):
        load_matrices(tmp_path / "bad.hist", ring.paths)


def test_unreadable_files_and_units_are_told(tmp_path, ring):
    (tmp_path / "binary.hist").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cut.hist.gz").write_bytes(gzip.compress(b"1 " * 500)[:20])
    for name, words in (
        ("none.hist", "there is no such file"),
        ("binary.hist", "not UTF-8 text"),
        ("cut.hist.gz", "damaged or truncated"),
    ):
        with pytest.raises(DnnExplainError, match=words):
            load_matrices(tmp_path / name, ring.paths)
    np.save(tmp_path / "saved.npy", np.ones((2, 4, 4)))
    with pytest.raises(DnnExplainError, match=r"an array of numpy; write it as text.*np\.savetxt\("):
        load_matrices(tmp_path / "saved.npy", ring.paths, "Gb/s")
    (tmp_path / "plain.txt").write_text("1 2 3")
    with pytest.raises(DnnExplainError, match="say the unit"):
        load_matrices(tmp_path / "plain.txt", ring.paths)
    with pytest.raises(DnnExplainError, match="Did you mean 'kb/s'"):
        load_matrices(tmp_path / "plain.txt", ring.paths, "kB/s")


@pytest.mark.skipif("DNNEXPLAIN_DATA" not in os.environ, reason="needs the real Abilene matrices in DNNEXPLAIN_DATA")
def test_the_real_abilene_matrices_fit_the_links():
    system = RoutingSystem("abilene-12")
    matrices = load_matrices(
        Path(os.environ["DNNEXPLAIN_DATA"]) / "routing/AbileneTM", system.paths, "100 bytes per 5 minutes"
    )
    assert matrices.shape == (2016, 132)
    optimum = system.oracle.mlu(matrices[::100])
    assert 0.01 < np.median(optimum) < 0.9
