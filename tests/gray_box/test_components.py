"""Every kind of component pulls cotangents back as central differences say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box import Autodiff, Carry, Component, Envelope, Formula, Pipeline, Sampled, Surrogate
from tests.gray_box.ring import Solver, ring_problem

seeds = st.integers(0, 2**32 - 1)


def central(function, x, step=1e-6):
    """The Jacobian ``[B, m, n]`` by central differences."""
    columns = []
    for i in range(x.shape[1]):
        move = np.zeros(x.shape[1])
        move[i] = step
        columns.append((function(x + move) - function(x - move)) / (2 * step))
    return np.stack(columns, axis=2)


def assert_pullback(part, x, random, tolerance=1e-4):
    y, pull = part.linearise(x)
    np.testing.assert_allclose(y, part.output(x), rtol=1e-9, atol=1e-12)
    cotangent = random.normal(size=y.shape)
    wanted = np.einsum("bmn,bm->bn", central(part.output, x), cotangent)
    np.testing.assert_allclose(pull(cotangent), wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


def smooth(x):
    return torch.stack([torch.sin(x).sum(1), (x * x.roll(1, 1)).sum(1), torch.exp(-x[:, 0])], dim=1)


def smooth_numpy(x):
    return smooth(torch.from_numpy(np.ascontiguousarray(x))).numpy()


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_autodiff_agrees_with_central_differences(seed):
    random = np.random.default_rng(seed)
    assert_pullback(Autodiff(smooth), random.normal(size=(3, 5)), random)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_a_formula_agrees_with_central_differences(seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(4, 5))
    part = Formula(lambda x: x**2 @ matrix.T, lambda x, y, g: 2 * x * (g @ matrix))
    assert_pullback(part, random.normal(size=(3, 5)), random)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_what_a_part_carries_past_itself_keeps_its_gradient(seed):
    random = np.random.default_rng(seed)
    reads, keeps = random.permutation(6)[:4], random.permutation(6)[:3]  # they may overlap
    assert_pullback(Carry(Autodiff(smooth), reads, keeps), random.normal(size=(2, 6)), random)


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_the_envelope_gradient_of_an_optimum_is_its_duals(seed):
    random = np.random.default_rng(seed)
    part = Envelope(Solver())
    x = random.random((2, 12)) + 0.1
    _, pull = part.linearise(x)
    got = pull(np.ones((2, 1)))
    wider, narrower = (central(part.output, x, step)[:, 0] for step in (1e-4, 1e-5))
    away = np.abs(wider - narrower).max(axis=1) < 1e-7  # a kink within the step is no test of the slope
    np.testing.assert_allclose(got[away], narrower[away], rtol=1e-4, atol=1e-6)


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_sampling_every_coordinate_agrees_with_autodiff(seed):
    random = np.random.default_rng(seed)
    assert_pullback(Sampled(smooth_numpy, samples=5, radius=1e-5), random.normal(size=(3, 5)), random)


def test_random_directions_are_unbiased():
    random = np.random.default_rng(3)
    x, cotangent = random.normal(size=(1, 20)), random.normal(size=(1, 3))
    wanted = Autodiff(smooth).linearise(x)[1](cotangent)
    part = Sampled(smooth_numpy, samples=10, radius=1e-4, seed=1)
    draws = np.concatenate([part.linearise(x)[1](cotangent) for _ in range(800)])
    error = np.abs(draws.mean(axis=0) - wanted[0])
    assert (error < 5 * draws.std(axis=0) / np.sqrt(len(draws)) + 1e-6).all()


def test_sampling_asks_the_black_box_in_one_batch_and_inside_its_bounds():
    asked = []

    def black_box(x):
        asked.append(x)
        return x.sum(axis=1)

    part = Sampled(black_box, samples=4, radius=0.5, low=0.0, high=1.0)
    _, pull = part.linearise(np.array([[0.0, 1.0, 0.5], [1.0, 1.0, 0.0]]))
    np.testing.assert_allclose(pull(np.ones((2, 1))), 1.0)
    assert len(asked) == 2
    assert asked[1].min() >= 0
    assert asked[1].max() <= 1


def test_equal_seeds_sample_equally():
    x = np.linspace(0, 1, 40).reshape(2, 20)
    first, second, other = (
        Sampled(smooth_numpy, samples=6, seed=s).linearise(x)[1](np.ones((2, 3))) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_linear_surrogate_recovers_a_linear_function():
    random = np.random.default_rng(0)
    matrix = random.normal(size=(3, 6))
    part = Surrogate(lambda x: x @ matrix.T, kind="linear", probes=20)
    y, pull = part.linearise(random.normal(size=(2, 6)))
    np.testing.assert_allclose(pull(np.ones_like(y)), np.broadcast_to(matrix.sum(axis=0), (2, 6)), rtol=1e-3)


def test_a_fitted_network_learns_the_slope_during_the_search():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (4, 3))
    part = Surrogate(smooth_numpy, kind="network", probes=30, radius=0.3, steps=40, hidden=32, seed=0)
    wanted = Autodiff(smooth).linearise(x)[1](np.ones((4, 3)))

    def angle():
        got = part.linearise(x)[1](np.ones((4, 3)))
        return (got * wanted).sum() / np.linalg.norm(got) / np.linalg.norm(wanted)

    for _ in range(8):
        angle()
    assert angle() > 0.95


def test_a_surrogate_answers_with_the_black_box_itself():
    part = Surrogate(smooth_numpy, kind="network", probes=4, steps=1)
    x = np.ones((2, 3))
    np.testing.assert_array_equal(part.linearise(x)[0], smooth_numpy(x))


@pytest.mark.parametrize("history", [False, True])
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_the_gradient_of_a_pipeline_agrees_with_central_differences_away_from_ties(history, seed):
    random = np.random.default_rng(seed)
    pipeline = ring_problem(history=history).pipeline
    x = random.random((3, 24 if history else 12))
    wider, narrower = (central(lambda at: pipeline.value(at)[:, None], x, step)[:, 0] for step in (1e-5, 1e-6))
    away = np.abs(wider - narrower).max(axis=1) < 1e-7
    np.testing.assert_allclose(pipeline.gradient(x)[away], narrower[away], rtol=1e-4, atol=1e-6)


def test_one_piece_can_be_climbed_alone():
    pipeline = Pipeline([Formula(lambda x: np.stack([x[:, 0], 2 * x[:, 1]], 1), lambda x, y, g: g * [1.0, 2.0])])
    cost, pieces, gradient = pipeline.value_and_gradient(np.array([[1.0, 3.0]]), np.array([0]))
    assert cost[0] == 6
    np.testing.assert_array_equal(pieces, [[1, 6]])
    np.testing.assert_array_equal(gradient, [[1, 0]])


def test_a_sampled_twin_has_the_same_value_and_nearly_the_same_gradient():
    pipeline = ring_problem(1).pipeline
    twin = pipeline.sampled("network", samples=12, radius=1e-6)
    x = np.random.default_rng(0).random((4, 12))
    assert isinstance(twin.components[0], Carry)
    assert isinstance(twin.components[0].part, Sampled)
    np.testing.assert_array_equal(twin.value(x), pipeline.value(x))
    np.testing.assert_allclose(twin.gradient(x), pipeline.gradient(x), rtol=1e-4, atol=1e-6)


def test_all_kinds_are_components():
    parts = [Autodiff(smooth), Formula(smooth_numpy, None), Sampled(smooth_numpy), Surrogate(smooth_numpy)]
    assert all(isinstance(part, Component) for part in parts)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Pipeline([]), "at least one component"),
        (lambda: ring_problem().pipeline.sampled("netwrok"), "Did you mean 'network'"),
        (lambda: Sampled(smooth_numpy, samples=0), "at least 1 sample"),
        (lambda: Sampled(smooth_numpy, radius=0.0), "radius"),
        (lambda: Surrogate(smooth_numpy, kind="forest"), "kind of surrogate"),
        (lambda: Formula(lambda x: x[:1], None, "links").output(np.ones((2, 2))), "'links' was given 2 rows"),
        (
            lambda: Formula(np.log, None, "delay").output(np.zeros((2, 2))),
            "'delay' returned a number that is not finite",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_mistakes_are_told_in_words(make, words):
    with pytest.raises(DnnExplainError, match=words):
        make()
