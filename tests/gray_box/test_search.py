"""Searches find known maxima, certify what they report, and can be stopped, resumed and repeated."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from scipy.optimize import linprog

from dnnexplain.contract import Bound, DnnExplainError
from dnnexplain.explain.gray_box import (
    METHODS,
    Budget,
    Domain,
    Envelope,
    Formula,
    Pipeline,
    Problem,
    WorstCase,
    worst_case,
)
from dnnexplain.explain.gray_box.ascent import Climb
from dnnexplain.explain.gray_box.budget import Run
from dnnexplain.explain.gray_box.denominators import EnvelopeWay
from dnnexplain.explain.gray_box.methods import BLACK_BOX
from dnnexplain.explain.gray_box.polish import polish
from dnnexplain.results import Result
from tests.gray_box.ring import SERVE, USE, brute_force, ring_problem

COSTS = np.array([[3.0, 1, 1, 1], [1, 2, 1, 1], [1, 1, 1, 5]])


def closed_form():
    """cost = max_j c_j . x over mean(x): the worst input is one coordinate alone, with ratio n max c = 20."""
    pipeline = Pipeline([Formula(lambda x: x @ COSTS.T, lambda x, y, g: g @ COSTS)])
    optimum = Envelope(lambda x: (x.mean(axis=1), np.full_like(x, 0.25)))
    names = ("a", "b", "c", "d")
    domain = Domain(np.zeros(4), np.full(4, 2.0), names, "Mb/s")
    return Problem("closed form", pipeline, domain, optimum, lambda x: Bound(x.mean(), x.mean(), "optimal"))


def rounds(count):
    return Budget(600.0, count)


@pytest.mark.parametrize("method", ["gray-box", "envelope"])
def test_gradients_reach_a_known_maximum(method):
    found = worst_case(closed_form(), method, budget=rounds(300), seed=1)
    assert found.ratio == pytest.approx(20, rel=1e-6)
    assert found.x[3] > 0
    np.testing.assert_allclose(found.x[:3], 0, atol=1e-6)
    assert found.stopped == "budget"


def test_a_climb_over_whole_numbers_moves_by_steps_that_are_smaller():
    """Rounding every step would leave steps of less than a half where they began: the climb keeps its fractions."""
    made = closed_form()
    domain = Domain(made.domain.low, np.full(4, 9.0), made.domain.names, "jobs", whole=True)
    climb = Climb(EnvelopeWay(replace(made, domain=domain)), Run(made, rounds(1)), np.full((1, 4), 5.0), rate=0.02)
    for _ in range(60):
        climb.step()
    np.testing.assert_array_equal(climb.best_x, np.rint(climb.best_x))
    assert made.ratio(np.full((1, 4), 5.0))[0] <= 10
    assert climb.best[0] > 15


@pytest.mark.parametrize("method", ["gray-box", "hill-climbing"])
def test_whole_numbers_stay_whole_and_their_maximum_is_found(method):
    made = closed_form()
    domain = Domain(made.domain.low, np.full(4, 9.0), made.domain.names, "jobs", whole=True)
    found = worst_case(replace(made, domain=domain), method, budget=rounds(120), seed=2)
    np.testing.assert_array_equal(found.x, np.rint(found.x))
    assert found.ratio == pytest.approx(20, rel=1e-9)


def test_polishing_never_loses_what_it_was_given():
    made = closed_form()
    run = Run(made, rounds(40), seed=5)
    x = made.domain.mixed(3, run.random)
    polish(made, run, x)
    assert run.best > made.ratio(x).max()


@pytest.mark.parametrize("method", BLACK_BOX)
def test_black_box_methods_stay_below_the_maximum_and_find_something(method):
    found = worst_case(closed_form(), method, budget=rounds(60), seed=1)
    assert 5 < found.ratio <= 20 + 1e-9


@pytest.mark.parametrize("seed", [0, 1])
def test_gray_box_is_no_worse_than_all_on_off_inputs_of_the_ring(seed):
    problem = ring_problem(seed)
    _, best = brute_force(problem)
    assert worst_case(problem, budget=rounds(260), seed=0).ratio >= 0.999 * best


def test_climbing_flows_needs_no_solver_and_reports_a_sound_ratio():
    problem = ring_problem(0)
    _, best = brute_force(problem)
    found = worst_case(problem, "witness", budget=rounds(260))
    assert found.ratio >= 0.95 * best
    assert found.ratio == pytest.approx(float(problem.ratio(found.x[None])[0]), rel=1e-9)


def test_the_papers_lagrangian_finds_a_gap():
    assert worst_case(ring_problem(0), "lagrangian", budget=rounds(400)).ratio > 2


def test_with_a_free_demand_the_exact_inner_search_is_best():
    problem = ring_problem(1, history=True)
    exact = worst_case(problem, "exact-inner", budget=rounds(40))
    blind = worst_case(problem, "random-sparse", budget=rounds(40))
    assert exact.ratio >= worst_case(problem, "gray-box", budget=rounds(40)).ratio * 0.99
    assert exact.ratio > 1.1 * blind.ratio


def test_no_sampled_demand_beats_the_exact_inner_maximum():
    problem = ring_problem(1, history=True)
    random = np.random.default_rng(0)
    for x in problem.domain.sparse(5, random):
        best = max(float(problem.ratio(problem.inner.maximise(x, link)[None])[0]) for link in range(8))
        tried = problem.domain.sparse(300, random)
        tried[:, problem.inner.outer] = x[problem.inner.outer]
        assert problem.ratio(tried).max() <= best * (1 + 1e-9)


def test_a_sampled_network_finds_almost_what_the_differentiated_one_finds():
    problem = ring_problem(0)
    twin = replace(problem, pipeline=problem.pipeline.sampled("network", samples=6, radius=1e-3))
    assert worst_case(twin, budget=rounds(400)).ratio >= 0.95 * worst_case(problem, budget=rounds(400)).ratio


def test_the_interval_holds_the_ratio_that_another_solver_computes():
    problem = ring_problem(1)
    found = worst_case(problem, budget=rounds(60))
    matrix = np.hstack([USE, -np.ones((8, 1))])
    equal = np.hstack([SERVE, np.zeros((12, 1))])
    independent = linprog(np.r_[np.zeros(24), 1.0], matrix, np.zeros(8), equal, found.x).fun
    truth = problem.pipeline.value(found.x[None])[0] / independent
    assert found.lower * (1 - 1e-7) <= truth <= found.upper * (1 + 1e-7)
    assert found.ratio == found.lower


def test_a_loose_bound_makes_a_wide_interval_and_a_modest_claim():
    problem = closed_form()
    loose = replace(problem, bound=lambda x: Bound(x.mean() / 2, x.mean() * 2, "feasible"))
    found = worst_case(loose, budget=rounds(100))
    assert found.lower == pytest.approx(10, rel=1e-6)
    assert found.upper == pytest.approx(40, rel=1e-6)


def test_the_claim_speaks_of_the_deployed_system():
    problem = replace(closed_form(), deployed=lambda x: np.full(len(x), 7.0))
    found = worst_case(problem, budget=rounds(20))
    assert found.cost == 7


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"exact-inner"}))
def test_equal_seeds_give_equal_answers(method):
    one, two = (worst_case(ring_problem(0), method, budget=rounds(25), seed=5) for _ in range(2))
    assert one == two


def test_different_seeds_look_elsewhere():
    one, two = (worst_case(ring_problem(0), "random", budget=rounds(5), seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.x, two.x)


def test_a_cancelled_search_keeps_what_it_found_and_can_be_resumed():
    cancel, seen = Event(), []

    def progress(state):
        seen.append(state)
        if state.best > 0:
            cancel.set()

    problem = ring_problem(0)
    first = worst_case(problem, budget=60.0, cancel=cancel, progress=progress)
    assert first.stopped == "cancelled"
    assert first.ratio > 0
    assert first.cpu_seconds < 30
    assert seen[-1].trace
    second = worst_case(problem, "random", budget=rounds(3), resume=first)
    assert second.ratio >= first.ratio
    assert second.cpu_seconds >= first.cpu_seconds
    assert second.trace[0, 1] == first.trace[0, 1]


def test_the_trace_rises_and_ends_at_the_ratio():
    found = worst_case(ring_problem(0), budget=rounds(80))
    assert (np.diff(found.trace, axis=0) >= 0).all()
    assert found.trace[-1, 1] == pytest.approx(found.ratio)
    assert found.reached <= found.cpu_seconds


def test_a_budget_in_seconds_is_kept():
    found = worst_case(ring_problem(0), budget=0.3)
    assert found.cpu_seconds < 3
    assert found.stopped == "budget"


def test_an_error_after_the_first_case_ends_the_search_and_is_told():
    problem, calls = closed_form(), []

    def failing(x):
        calls.append(1)
        if len(calls) > 10:
            msg = "the solver is gone"
            raise DnnExplainError(msg)
        return x.mean(axis=1), np.full_like(x, 0.25)

    found = worst_case(replace(problem, optimum=Envelope(failing)), budget=rounds(100))
    assert "the solver is gone" in found.stopped
    assert found.ratio > 5


def test_a_result_survives_saving(tmp_path):
    found = worst_case(closed_form(), budget=rounds(20))
    assert Result.load(found.save(tmp_path / "case.json")) == found
    assert found.table()[0]["input"] == "d"
    assert "times the optimum" in found.sentence()


def empty(x):
    return np.zeros(len(x)), np.zeros_like(x)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: worst_case(closed_form(), "gray box"), "Did you mean 'gray-box'"),
        (lambda: worst_case(closed_form(), budget=0.0), "more than 0 CPU-seconds"),
        (lambda: worst_case(closed_form(), budget=float("nan")), "more than 0 CPU-seconds"),
        (lambda: worst_case(closed_form(), "witness"), "no witness"),
        (lambda: worst_case(closed_form(), "lagrangian"), "no second solution"),
        (lambda: worst_case(closed_form(), "exact-inner"), "maximised exactly"),
        (lambda: worst_case(replace(closed_form(), optimum=Envelope(empty)), budget=rounds(3)), "no valid input"),
        (lambda: Domain(np.zeros(2), np.array([1.0, np.nan])), "must be finite"),
        (lambda: Domain(np.zeros(2), np.ones(3)), "one low and one high"),
        (lambda: Domain(np.zeros(2), np.ones(2), ("a",)), "2 inputs was given 1 name"),
    ],
)
def test_mistakes_are_told_in_words(ask, words):
    with pytest.raises(DnnExplainError, match=words):
        ask()


def test_resuming_from_another_problem_is_refused():
    found = worst_case(closed_form(), budget=rounds(3))
    assert isinstance(found, WorstCase)
    with pytest.raises(DnnExplainError, match="has 4 inputs, ring has 12"):
        worst_case(ring_problem(0), resume=found)


def test_samples_respect_the_domain_and_sparse_ones_are_sparse():
    domain = Domain(np.zeros(40), np.full(40, 3.0), blocks=(np.arange(20), np.arange(20, 40)))
    random = np.random.default_rng(0)
    for draw in (domain.uniform, domain.sparse, domain.mixed):
        x = draw(200, random)
        assert x.min() >= 0
        assert x.max() <= 3
    sparse = domain.sparse(400, random)
    active = (sparse[:, :20] > 0).sum(axis=1)
    assert active.min() >= 1
    assert np.median(active) < 8


def test_a_scale_free_domain_keeps_inputs_at_full_scale():
    domain = Domain(np.zeros(3), np.array([1.0, 2, 4]), scale_invariant=True)
    np.testing.assert_allclose(domain.valid(np.array([[0.1, 0.1, 0.1]])), [[1, 1, 1]])
    np.testing.assert_array_equal(domain.valid(np.zeros((1, 3))), 0)
