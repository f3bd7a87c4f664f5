"""The white-box program equals brute force, and says honestly when it could not finish."""

from threading import Event

import numpy as np
import pytest

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


def test_a_cancelled_program_answers_with_what_it_has():
    cancel = Event()
    cancel.set()
    found = solve_white_box(white_box(0), cpu_seconds=60, cancel=cancel)
    assert found.cpu_seconds < 5
    assert found.ratio > 1


def test_the_readable_system_is_the_searched_one():
    box, problem = white_box(0), ring_problem(0)
    x = np.random.default_rng(0).integers(0, 2, (50, 12)).astype(float)
    np.testing.assert_allclose(box.pieces(x), problem.pipeline.pieces(x), atol=1e-12)


def test_the_envelope_bounds_every_input_and_halving_lowers_it():
    box, random = white_box(2, hidden=3), np.random.default_rng(0)
    rows = random.random((20, len(box.high)))
    rows = np.concatenate([rows, rows < 0.5]) * box.high  # between off and full, and off or full
    envelope, bounds = Envelope(box), []
    pieces = envelope.programs
    assert pieces == box.constant.shape[0]
    for more in (0, 10, 30):
        left = iter(range(more))
        bounds.append(envelope.search(0.0, lambda left=left: next(left, None) is not None))
    assert envelope.programs == pieces + 2 * 40, "one part is halved at a time"
    assert bounds[0] >= bounds[1] > bounds[2] >= box.modelled(rows).max()


def test_the_envelope_ends_where_enough_is_proved():
    envelope = Envelope(white_box(0))
    first = envelope.bound
    assert envelope.search(2 * first, lambda: True) == first
    assert not envelope.search(0.0, lambda: False) < first
