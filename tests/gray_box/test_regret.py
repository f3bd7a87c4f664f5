"""The worst workload by difference of costs: a world whose worst case is known, links within bounds, the command."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.cli.worst_case_world import ParameterBox
from dnnexplain.contract import Bound, DnnExplainError, Episodes, StatedBound
from dnnexplain.explain.gray_box import Budget, worst_regret
from dnnexplain.registry import make_system, spec_of
from dnnexplain.results import Question
from dnnexplain.systems.abr.trace_box import NearBox, TraceBox
from dnnexplain.systems.abr.traces import Trace


class Named:
    """A policy that is its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Bowl:
    """Workloads are points of a square; the policy loses ``2 - |w - (0.7, 0.2)|^2``, the rule 0, the optimum 0.5 less."""

    name, cost_name = "bowl", "minus reward"
    best = np.array([0.7, 0.2])

    def rules(self) -> dict[str, Any]:
        return {"rule": Named("rule")}

    def run(self, policy: Any, workloads: Any) -> Episodes:
        lost = [2 - float(((one - self.best) ** 2).sum()) if policy.name == "net" else 0.0 for one in workloads]
        return Episodes(policy.name, np.array(lost) - 5, self.cost_name, {}, 0)

    def bound(self, workload: Any, *, seconds: float = 10.0) -> Bound:
        del workload, seconds
        return Bound(-5.75, -5.5, "feasible", None)


def bowl_box(refuse: float = 2.0) -> Any:
    def workload(x: Any) -> Any:
        if x[0] > refuse:
            msg = "too far to the right"
            raise DnnExplainError(msg)
        return x

    return SimpleNamespace(
        names=("right", "up"),
        unit="",
        low=np.zeros(2),
        high=np.ones(2),
        blocks=(np.arange(2),),
        whole=False,
        workload=workload,
    )


QUESTION = Question("bowl", policy="net")


def test_the_known_worst_case_is_found_and_its_loss_lies_in_the_interval() -> None:
    seen: list[float] = []
    found = worst_regret(
        Bowl(), Named("net"), bowl_box(), budget=Budget(1e6, 40), seed=1, question=QUESTION,
        progress=lambda share, _: seen.append(share),
    )  # fmt: skip
    np.testing.assert_allclose(found.x, Bowl.best, atol=0.01)
    assert found.rule_regret == pytest.approx(2, abs=1e-3)
    assert (found.lower, found.upper) == (pytest.approx(2.5, abs=1e-3), pytest.approx(2.75, abs=1e-3))
    assert (found.rounds, found.ended_by, found.evaluations) == (40, "rounds", 480)
    assert seen == sorted(seen)
    again = worst_regret(Bowl(), Named("net"), bowl_box(), budget=Budget(1e6, 40), seed=1, question=QUESTION)
    assert np.array_equal(found.x, again.x)
    assert "loses between 2.5 and 2.75" in found.sentence()
    assert "loses 2.5 against the optimum" in replace(found, upper=found.lower, certificate=None).sentence()
    unknown = replace(found, lower=-np.inf, upper=np.inf, certificate=None).sentence()
    assert "loses 2 against" in unknown
    assert "nothing is known of the optimum" in unknown


class SlowBowl(Bowl):
    """Its bounds take an eighth of a CPU-second each."""

    bounds = 0

    def bound(self, workload: Any, *, seconds: float = 10.0) -> Bound:
        self.bounds += 1
        spend(0.125)
        return super().bound(workload, seconds=seconds)


def spend(seconds: float) -> None:
    """Processor time."""
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        pass


@pytest.fixture(scope="module")
def imported() -> None:
    """What the first search imports is not of its seconds."""
    worst_regret(Bowl(), Named("net"), bowl_box(), budget=Budget(1e6, 1), question=QUESTION)


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("seconds", [1.0, 0.5])
def test_the_seconds_hold_for_the_bounds_at_the_end_too(seconds: float) -> None:
    world, began = SlowBowl(), time.process_time()
    found = worst_regret(world, Named("net"), bowl_box(), budget=Budget(seconds), seed=1, question=QUESTION)
    assert time.process_time() - began < 1.1 * seconds
    assert found.ended_by == "CPU-seconds"
    assert found.certificate is not None
    assert found.certificate.holds
    assert 2 <= world.bounds <= 4


class SlowlyRun(Bowl):
    """Each of its runs takes a twentieth of a CPU-second, one or many workloads alike."""

    def run(self, policy: Any, workloads: Any) -> Episodes:
        spend(0.05)
        return super().run(policy, workloads)


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("seconds", [1.0, 1.5])
def test_the_seconds_hold_for_the_last_round_and_the_runs_at_the_end_too(seconds: float) -> None:
    began = time.process_time()
    found = worst_regret(SlowlyRun(), Named("net"), bowl_box(), budget=Budget(seconds), seed=1, question=QUESTION)
    assert 0.7 * seconds < time.process_time() - began < 1.1 * seconds
    assert found.ended_by == "CPU-seconds"


def test_links_searched_for_three_seconds_take_three() -> None:
    """A bound, and a run of the optimum, take half a second each there."""
    world, box = make_system("abr"), TraceBox()
    worst_regret(world, world.rules()["mpc"], box, budget=Budget(0.01))  # compiles
    began = time.process_time()
    found = worst_regret(world, world.rules()["mpc"], box, budget=Budget(3.0))
    assert time.process_time() - began < 3.3
    assert found.certificate is not None
    assert found.certificate.holds


def test_rows_that_lose_the_same_are_no_trouble() -> None:
    """Where a policy does the same whatever the row, all regrets are equal, also while the search tells how far it is."""
    seen: list[float] = []
    worst_regret(
        Bowl(), Named("the rule itself"), bowl_box(), budget=Budget(1e6, 3), question=QUESTION,
        progress=lambda share, best: seen.append(best),
    )  # fmt: skip
    assert seen == [0.0] * 3


def test_rows_that_make_no_workload_are_passed_over() -> None:
    found = worst_regret(Bowl(), Named("net"), bowl_box(0.6), budget=Budget(1e6, 40), question=QUESTION)
    assert found.x[0] == pytest.approx(0.6, abs=0.01)
    with pytest.raises(DnnExplainError, match="no workload of this box"):
        worst_regret(Bowl(), Named("net"), bowl_box(-1.0), budget=Budget(1e6, 2), question=QUESTION)
    ended = threading.Event()
    ended.set()
    with pytest.raises(DnnExplainError, match="ended before it had run a workload"):
        worst_regret(Bowl(), Named("net"), bowl_box(0.6), budget=Budget(1e6, 2), question=QUESTION, cancel=ended)


def test_links_keep_to_their_bounds_of_rate_and_of_change() -> None:
    box = TraceBox(least=0.5, most=4.0, change=0.2, seconds=60.0, every=6.0)
    random = np.random.default_rng(0)
    for _ in range(20):
        link = box.workload(random.uniform(box.low, box.high))
        assert link.mbps.min() >= 0.5
        assert link.mbps.max() <= 4.0
        assert np.abs(np.diff(link.mbps)).max() <= 0.2 + 1e-12
    level = box.workload(np.full(len(box.low), 2.0))
    assert np.allclose(level.mbps, 2.0)
    with pytest.raises(DnnExplainError, match="below the most"):
        TraceBox(least=3.0, most=2.0)


def test_links_of_a_bounded_variation_keep_it_and_are_else_the_same() -> None:
    random = np.random.default_rng(1)
    free, bound = TraceBox(change=0.5), TraceBox(change=0.5, variation=4.0)
    for _ in range(10):
        row = random.uniform(free.low, free.high)
        wild, calm = free.workload(row).mbps, bound.workload(row).mbps
        assert np.abs(np.diff(wild)).sum() > 4.0
        assert np.abs(np.diff(calm)).sum() == pytest.approx(4.0)
        assert calm.mean() == pytest.approx(wild.mean())
        assert np.corrcoef(wild, calm)[0, 1] == pytest.approx(1.0)
        assert all(limit.holds for limit in bound.limits(row))
        assert [limit.name for limit in bound.limits(row)][-1] == "total variation"
    flat = np.full(len(free.low), 2.0)
    np.testing.assert_array_equal(bound.workload(flat).mbps, free.workload(flat).mbps)


def test_links_near_a_given_one_stay_near_it_at_every_sample() -> None:
    """Also where the given one is cut off, or jumps by more than any bound of change would allow."""
    near = Trace("jumpy", np.arange(0.0, 61.0), np.tile([0.0, 8.0, 0.2], 21)[:61])
    box = NearBox(near, within=0.2)
    random = np.random.default_rng(2)
    for _ in range(10):
        row = random.uniform(box.low, box.high)
        link = box.workload(row)
        assert np.all(np.abs(link.mbps - near.mbps) <= 0.2 * near.mbps + 1e-12)
        assert all(limit.holds for limit in box.limits(row))
    np.testing.assert_allclose(box.workload(box.high).mbps, 1.2 * near.mbps)
    np.testing.assert_array_equal(box.workload(box.high).seconds, near.seconds)
    with pytest.raises(DnnExplainError, match="--within"):
        NearBox(near, within=0.0)


def test_a_limit_holds_up_to_rounding_alone() -> None:
    assert StatedBound("change", 1.0, 1.0 + 1e-12, "Mb/s").holds
    assert not StatedBound("change", 1.0, 1.001, "Mb/s").holds
    assert StatedBound("least", 1.0, 2.0, "Mb/s", at_most=False).holds
    assert not StatedBound("least", 1.0, 0.9, "Mb/s", at_most=False).holds


def test_parameters_of_a_family_are_a_box_of_every_system() -> None:
    system, spec = make_system("cellular"), spec_of("cellular")
    box = ParameterBox(system, spec, 3)
    family = spec.family()
    bounded = [one for one in family.parameters if one.default is not None and None not in (one.low, one.high)]
    assert len(box.names) == len(bounded)
    assert box.workload((box.low + box.high) / 2) is not None


def test_the_command_reports_losses_that_anyone_can_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A short video, so that bounds are quick."""
    video = tmp_path / "short.csv"
    video.write_text("\n".join(["300,750,1850", *["150000,370000,920000"] * 8]))
    options = "--policy bb --rounds 1 --seed 3 --restarts 2 --most 3 --variation 5 --json"
    words = ["worst-case", "abr", "--video", str(video), *options.split(), "--out"]
    assert main([*words, str(tmp_path / "found.json")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["seed"] for one in told["searches"]] == [3, 4]
    assert max(one["regret"] for one in told["searches"]) == told["regret"]
    assert told["ended_by"] == "rounds"
    system, box = make_system("abr", video=str(video)), TraceBox(most=3.0, variation=5.0)
    for one in told["searches"]:
        assert one["certificate"]["holds"]
        assert {limit["name"] for limit in one["limits"]} >= {"total variation", "change in a second"}
        assert all(limit["holds"] for limit in one["limits"])
        row = np.array(list(one["input"].values()))
        assert row.max() <= 3
        link = box.workload(row)
        assert np.abs(np.diff(link.mbps)).sum() <= 5.0 + 1e-9
        cost = system.run(system.rules()["bb"], [link]).cost[0]
        assert one["cost"] == pytest.approx(cost)
    bound = system.bound(link)
    assert one["lower"] <= cost - bound.lower + 1e-9
    assert one["upper"] >= cost - bound.upper - 1e-9
    assert "total variation" in (tmp_path / "found.json").read_text()


def test_what_is_kept_while_a_search_goes_on_grows_and_changes_nothing():
    kept = []
    found = worst_regret(
        Bowl(), Named("net"), bowl_box(), budget=Budget(1e6, 40), seed=1, question=QUESTION,
        keep=lambda make: kept.append(make()),
    )  # fmt: skip
    plain = worst_regret(Bowl(), Named("net"), bowl_box(), budget=Budget(1e6, 40), seed=1, question=QUESTION)
    np.testing.assert_array_equal(found.x, plain.x)
    assert [one.stopped for one in kept] == ["running"] * len(kept)
    assert len(kept) > 1
    assert kept[0].regret <= kept[-1].regret <= found.regret
