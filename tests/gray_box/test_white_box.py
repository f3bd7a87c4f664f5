"""The white-box program equals brute force, and says honestly when it could not finish."""

import time
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from scipy.optimize import linprog

from dnnexplain.explain.gray_box import solve_white_box
from dnnexplain.explain.gray_box.white_box_envelope import Envelope
from dnnexplain.results import Result
from tests.gray_box.ring import brute_force, ring_problem, white_box


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_program_equals_brute_force_over_all_inputs_of_the_ring(seed):
    _, best = brute_force(ring_problem(seed, hidden=4))
    found = solve_white_box(white_box(seed, hidden=4), cpu_seconds=60)
    assert found.status == "optimal"
    assert found.ratio == pytest.approx(best, rel=1e-6)
    assert best * (1 - 1e-9) <= found.bound <= best * (1 + 1e-5)


def test_without_time_there_is_a_bound_and_no_proof(tmp_path):
    problem = ring_problem(0)
    _, best = brute_force(problem)
    found = solve_white_box(white_box(0), cpu_seconds=0.2)
    assert found.status == "no proof within the limit"
    assert found.ratio <= best <= found.bound < np.inf
    assert "No proof within the limit" in found.sentence()
    assert found.cpu_seconds < 5
    assert Result.load(found.save(tmp_path / "bound.json")) == found


def test_the_seconds_hold_for_the_first_inputs_and_the_certificate_too():
    """Where an optimum takes a while: 15 ms here, 7 to 8 on the shipped topology."""
    box = white_box(0)

    def slow(x):
        ends = time.process_time() + 0.015 * len(x)
        while time.process_time() < ends:
            pass
        return box.ratio(x)

    began = time.process_time()
    found = solve_white_box(replace(box, ratio=slow), cpu_seconds=1.5)
    assert time.process_time() - began < 1.1 * 1.5
    assert (found.status, found.ended_by) == ("no proof within the limit", "CPU-seconds")
    assert found.certificate.holds


def test_a_cancelled_program_answers_with_what_it_has():
    cancel = Event()
    cancel.set()
    found = solve_white_box(white_box(0), cpu_seconds=60, cancel=cancel)
    assert found.cpu_seconds < 5
    assert found.ratio > 1


def test_a_bound_below_what_was_found_is_no_proof(monkeypatch):
    monkeypatch.setattr(Envelope, "bound", 1.0)
    found = solve_white_box(white_box(0), cpu_seconds=5)
    assert found.status == "no proof within the limit"
    assert found.bound >= found.ratio > 1.5
    assert found.sentence().startswith("No proof: a valid state gives")


def test_the_readable_system_is_the_searched_one():
    box, problem = white_box(0), ring_problem(0)
    x = np.random.default_rng(0).integers(0, 2, (50, 12)).astype(float)
    np.testing.assert_allclose(box.pieces(x), problem.pipeline.pieces(x), atol=1e-12)


def test_the_envelope_bounds_every_input_and_halving_lowers_it():
    box, random = white_box(2, hidden=3), np.random.default_rng(0)
    rows = random.random((20, len(box.high)))
    rows = np.concatenate([rows, rows < 0.5])  # between off and full, and off or full
    outputs = box.outputs(rows * box.high)
    pieces_of = rows @ box.constant.T + (rows[:, box.owner] * outputs) @ box.product.T
    optimum = box.pieces(rows[20:] * box.high).max(axis=1) / box.modelled(rows[20:] * box.high)
    between = np.array([box._least_optimum(row) for row in rows * box.high])
    np.testing.assert_allclose(between[20:], optimum)
    envelope, bounds = Envelope(box), []
    pieces = envelope.programs
    assert pieces == box.constant.shape[0]
    for more in (0, 10, 30):
        left = iter(range(more))
        bounds.append(envelope.search(0.0, lambda left=left: next(left, None) is not None))
    assert envelope.programs == pieces + 2 * 40, "one part is halved at a time"
    assert bounds[0] >= bounds[1] > bounds[2] >= (pieces_of.max(axis=1) / between).max()


def test_prices_that_are_not_the_best_ones_bound_all_the_same(monkeypatch):
    box = white_box(2, hidden=3)
    _, best = brute_force(ring_problem(2, hidden=3))
    exact = Envelope(box).bound

    def careless(*given, **named):
        found = linprog(*given, **named)
        found.ineqlin.marginals *= 0.97
        found.eqlin.marginals += 1e-3
        return found

    monkeypatch.setattr("dnnexplain.explain.gray_box.white_box_envelope.linprog", careless)
    assert best < exact < Envelope(box).bound < np.inf


def test_without_time_the_envelope_has_no_bound_and_finds_it_when_there_is_some():
    box = white_box(2, hidden=3)
    envelope, turns = Envelope(box, lambda: False), iter(range(8))
    assert (envelope.bound, envelope.programs) == (np.inf, 0)
    assert envelope.search(0.0, lambda: next(turns, None) is not None) <= Envelope(box).bound * (1 + 1e-6)


def test_what_no_unit_changes_is_not_split():
    box = white_box(2, hidden=3)
    envelope = Envelope(replace(box, product=np.zeros_like(box.product)))
    assert envelope.search(0.0, lambda: True) == envelope.bound
    assert envelope.programs == len(box.constant)


def test_the_envelope_ends_where_enough_is_proved():
    envelope = Envelope(white_box(0))
    first = envelope.bound
    assert envelope.search(2 * first, lambda: True) == first
    assert not envelope.search(0.0, lambda: False) < first
