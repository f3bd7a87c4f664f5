"""Attacks on whole workloads: every number re-run, limits kept, evolution ahead of random draws."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.sequence import SequenceAttack, attack_sequence, first_parting, replay_sequence, verify
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM, Params
from dnnexplain.systems.deeprm.workloads.likelihood import state_likelihood
from dnnexplain.systems.deeprm.workloads.mutation import (
    change,
    cross,
    from_json,
    redraw,
    reshape,
    settled_limits,
    to_json,
)
from tests.explain.networks import mlp
from tests.fakes import FakeChoice

WORLD = DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)
NETWORK = TorchPolicy(mlp(WORLD, seed=2), WORLD, name="drawn")
STARTS = WORLD.workloads("deeprm", 4, 1, rate=0.5, steps=12)


def search(**options):
    given = {"rounds": 5, "oracle_seconds": 1.0, "seed": 5, **options}
    return attack_sequence(WORLD, NETWORK, STARTS, **given)


@pytest.fixture(scope="module")
def found():
    return search()


def test_every_reported_number_comes_from_the_saved_workload(found):
    again = WORLD.workload_from_json(json.loads(json.dumps(found.workload)))
    assert found.network == pytest.approx(WORLD.run(NETWORK, [again]).cost[0])
    assert found.rule == pytest.approx(WORLD.run(WORLD.rules()["sjf"], [again]).cost[0])
    assert found.gap == pytest.approx(found.network / found.rule)
    assert found.optimum_lower <= found.optimum_upper <= min(found.network, found.rule)
    bound = WORLD.bound(again, seconds=5)
    assert found.optimum_lower <= bound.upper + 1e-9
    assert found.optimum_upper >= bound.lower - 1e-9
    assert verify(WORLD, NETWORK, found) == pytest.approx({"network": found.network, "rule": found.rule})
    with pytest.raises(DnnExplainError, match="run again"):
        verify(WORLD, WORLD.rules()["packer"], SequenceAttack.from_json(found.to_json().replace('"sjf"', '"fcfs"')))


def test_the_gap_never_shrinks_and_starts_where_it_says(found):
    gaps = [best.gap for best in found.trace]
    assert gaps == sorted(gaps)
    costs = [WORLD.run(policy, STARTS).cost for policy in (NETWORK, WORLD.rules()["sjf"])]
    assert found.start_gap == pytest.approx((costs[0] / costs[1]).max())
    assert found.gap == pytest.approx(gaps[-1])
    assert found.gap >= found.start_gap


def test_arrivals_stay_and_limits_hold():
    limits = {"length": (2, 3), "memory": (1, 2)}
    found = search(limits=limits, rounds=2, method="random")
    jobs = found.workload["jobs"]
    assert [job["arrival"] for job in jobs] in [start.arrival.tolist() for start in STARTS]
    if found.gap > found.start_gap:
        assert all(2 <= job["length"] <= 3 and 1 <= job["memory"] <= 2 for job in jobs)


@pytest.mark.parametrize("against", ["best rule", "optimum"])
def test_it_can_be_held_against_the_best_rule_or_the_optimum(against):
    found = search(against=against, measure="difference", rounds=1)
    other = found.optimum_upper if against == "optimum" else found.rule
    assert found.gap == pytest.approx(found.network - other)
    again = WORLD.workload_from_json(found.workload)
    least = min(WORLD.run(rule, [again]).cost[0] for name, rule in WORLD.rules().items() if name != "random")
    assert found.rule == pytest.approx(least)


def test_a_cancelled_search_keeps_what_it_found_and_goes_on(found, tmp_path):
    stop = threading.Event()
    early = search(cancel=stop, progress=lambda *_: stop.set())
    assert early.stopped
    assert early.evaluated < found.evaluated
    early.save(tmp_path / "early.json")
    more = search(resume=SequenceAttack.load(tmp_path / "early.json"))
    assert more.gap >= early.gap
    assert more.evaluated > early.evaluated
    assert more.trace[: len(early.trace)] == early.trace
    with pytest.raises(DnnExplainError, match="another question"):
        search(resume=early, against="packer")


def test_limits_that_leave_nothing_are_an_explanation():
    found = search(limits={"length": (4, 2)})
    assert found.evaluated == len(STARTS)
    assert "leave no value" in found.words
    assert found.gap == found.start_gap


@pytest.mark.parametrize(
    ("asked", "said"), [({"against": "sjff"}, "sjf"), ({"measure": "sum"}, "ratio"), ({"method": "magic"}, "evolve")]
)
def test_mistakes_are_said(asked, said):
    with pytest.raises(DnnExplainError, match=said):
        search(**asked)


def test_a_system_whose_workloads_cannot_be_changed_is_refused():
    gate = FakeChoice()
    with pytest.raises(DnnExplainError, match=r"change workloads a little.*contract\.Mutable"):
        attack_sequence(gate, gate.rules()["longest"], [np.zeros(2)])


def test_the_parting_is_the_first_decision_that_the_rule_would_not_take(found):
    network, rule, best = replay_sequence(WORLD, NETWORK, found)
    assert (network.cost, rule.cost) == pytest.approx((found.network, found.rule))
    assert len(best) == len(found.workload["jobs"])
    parting = first_parting(WORLD, WORLD.rules()["sjf"], network)
    advice = WORLD.rules()["sjf"].outputs(network.observations).argmax(axis=1)
    assert parting.decision == np.flatnonzero(advice != network.actions)[0]
    assert np.array_equal(
        WORLD.encode(parting.state.values[None], parting.state.background)[0], network.observations[parting.decision]
    )
    same = first_parting(WORLD, WORLD.rules()["sjf"], rule)
    assert same.decision is None


# --- changing job sets --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.tuples(st.integers(1, 5), st.integers(0, 3)),
    cpu=st.tuples(st.integers(0, 4), st.integers(0, 3)),
)
def test_changed_job_sets_are_valid_and_keep_their_frame(seed, length, cpu):
    params = Params(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5)
    rng = np.random.default_rng(seed)
    jobs = DeepRM(params).workloads("deeprm", 1, seed, rate=0.6, steps=10)[0]
    limits = {"length": (length[0], sum(length)), "cpu": (cpu[0], sum(cpu))}
    spans = settled_limits(params, limits)
    new, other = redraw(jobs, rng, params, limits), redraw(jobs, rng, params, limits)
    for one in (new, change(new, rng, params, limits), reshape(new, rng, params, limits), cross(new, other, rng)):
        one.check_fits(params)
        assert one.arrival.tolist() == jobs.arrival.tolist()
        assert one.steps == jobs.steps
        for name, (low, high) in spans.items():
            column = getattr(one, name)
            forced = (one.cpu + one.memory == 1) if name == "cpu" else np.zeros(len(one), bool)
            assert np.all(((column >= low) & (column <= high)) | forced)
        assert from_json(json.loads(json.dumps(to_json(one)))) == one
    changed = change(new, rng, params, limits)
    moved = sum(getattr(changed, name) != getattr(new, name) for name in ("length", "cpu", "memory"))
    assert np.count_nonzero(moved) <= 2 * len(new)


@pytest.mark.parametrize("limits", [{"size": (1, 2)}, {"length": (9, 12)}, {"cpu": (0, 0), "memory": (0, 0)}])
def test_limits_that_make_no_sense_are_refused(limits):
    with pytest.raises(DnnExplainError):
        settled_limits(WORLD.params, limits)


def test_the_command_prints_the_jobs_and_the_bounds(capsys, tmp_path):
    kept = tmp_path / "worst.json"
    command = [
        "attack",
        "deeprm",
        "--workload",
        "deeprm",
        "--steps",
        "10",
        "--rate",
        "0.4",
        "--oracle-seconds",
        "2",
        "--rule",
        "sjf",
    ]
    assert main([*command, "--budget", "1", "--out", str(kept), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["optimum_lower"] <= found["optimum_upper"] <= min(found["network"], found["rule"]) + 1e-9
    jobs = tmp_path / "jobs.json"
    jobs.write_text(json.dumps({"steps": found["steps"], "jobs": found["jobs"]}))
    assert (
        main(["evaluate", "deeprm", "--policy", "default", "--policy", "sjf", "--workload", str(jobs), "--json"]) == 0
    )
    means = {
        one["policy"]: one["metrics"]["all_jobs"]["mean"] for one in json.loads(capsys.readouterr().out)["results"]
    }
    assert means == pytest.approx({"default": found["network"], "sjf": found["rule"]})
    assert main([*command, "--budget", "0.5", "--resume", str(kept)]) == 0
    assert "mean slowdown" in capsys.readouterr().out


def test_the_optimum_is_drawn_with_every_job_in_its_own_free_cells(found):
    jobs = WORLD.workload_from_json(found.workload)
    run = WORLD.replay_optimum(jobs, seconds=2)
    assert found.optimum_lower - 1e-9 <= run.cost
    busy = np.zeros((2, int(run.finish.max()), 4), dtype=int)
    area = np.zeros((2, len(jobs)))
    for job, track, bar in zip(run.bar_object, run.bar_track, run.bars, strict=True):
        first, last, low, high = (int(edge) for edge in bar)
        busy[track, first:last, low:high] += 1
        area[track, job] += (last - first) * (high - low)
        assert run.start[job] <= first
        assert last <= run.finish[job]
    assert busy.max() == 1
    assert area.tolist() == [(jobs.length * jobs.cpu).tolist(), (jobs.length * jobs.memory).tolist()]
    assert np.all(run.start >= jobs.arrival)


def test_the_likelihood_of_a_state_is_that_of_its_jobs():
    world = DeepRM()
    state = world.state_from_json(
        {"slots": [None, {"length": 3, "cpu": 7, "memory": 1}, {"length": 3, "cpu": 7, "memory": 3}]}
    )
    logs = state_likelihood(world)(state)
    # length: 0.8 short over 1-3; CPU dominant 0.5, 6 values; memory one of 2 values
    assert logs == pytest.approx({"job 2": np.log(0.8 / 3 * 0.5 / 6 / 2), "job 3": -np.inf})
