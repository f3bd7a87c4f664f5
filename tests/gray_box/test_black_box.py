"""A worst case of a system of which only a box, a cost and an optimum are known; every further ability is asked for alone."""

import numpy as np
import pytest
import torch

from dnnexplain.contract import Adversary, Bound, DnnExplainError, SearchBox
from dnnexplain.explain.gray_box import Budget, worst_case
from dnnexplain.explain.gray_box.assemble import problem_with


class Hill:
    """``cost(x) = 1 + 3 exp(-|x - peak|^2)`` over an optimum of 1 to 1.25: no gradient, no policy, nothing else."""

    names = ("first, m", "second, m", "third, m")
    unit = "m"
    low, high = np.zeros(3), np.full(3, 4.0)
    blocks = (np.arange(3),)
    floor = 1e-9
    peak = np.array([3.0, 1.0, 2.5])

    def valid(self, x):
        return np.clip(x, self.low, self.high)

    def deployed(self, x):
        return 1.0 + 3.0 * np.exp(-((x - self.peak) ** 2).sum(axis=1))

    def bound(self, x):
        return Bound(1.0, 1.25, "feasible")


class Sloped(Hill):
    """The same with a policy that gradients pass through, and none of the other abilities."""

    seen, free = np.arange(3), np.arange(0)
    sampling_radius = 0.01

    def network(self, x):
        return x

    def links(self, x):
        return 1.0 + 3.0 * torch.exp(-((x - torch.from_numpy(self.peak)) ** 2).sum(dim=1, keepdim=True))

    def splits(self, seen):
        return seen

    def optimum(self, x):
        return np.full(len(x), 1.25), np.zeros_like(x)


@pytest.mark.parametrize("method", ["gray-box", "hill-climbing", "random", "envelope"])
def test_a_box_and_a_cost_are_enough(method):
    found = worst_case(problem_with(Hill(), "hill", "cost"), method, budget=Budget(600, rounds=80), seed=1)
    assert (found.lower, found.upper) == pytest.approx((found.cost / 1.25, found.cost))
    assert found.cost == pytest.approx(Hill().deployed(found.x[None])[0])
    if method == "gray-box":
        np.testing.assert_allclose(found.x, Hill.peak, atol=0.05)


def test_an_input_without_a_known_optimum_is_no_case():
    class Partly(Hill):
        def bound(self, x):
            return Bound(1.0, 1.25 if x[0] < 2.0 else np.inf, "feasible")

    found = worst_case(problem_with(Partly(), "hill", "cost"), budget=Budget(600, rounds=60), seed=1)
    assert 1.9 < found.x[0] < 2.0  # the side of the hill that can be judged, as near to its peak as that allows


def test_the_same_seed_finds_the_same_case():
    first, again = (
        worst_case(problem_with(Hill(), "hill", "cost"), budget=Budget(600, rounds=20), seed=4) for _ in range(2)
    )
    np.testing.assert_array_equal(first.x, again.x)


def test_what_asks_for_another_ability_says_which_is_missing():
    for method, missing in [
        ("witness", "witness"),
        ("exact-inner", "maximised exactly"),
        ("lagrangian", "second solution"),
    ]:
        with pytest.raises(DnnExplainError, match=missing):
            worst_case(problem_with(Hill(), "hill", "cost"), method, budget=Budget(600, rounds=5))


def test_a_gradient_is_used_without_any_other_ability():
    problem = problem_with(Sloped(), "hill", "cost")
    assert not problem.black_box
    assert problem.witness is problem.alternative is problem.inner is None
    found = worst_case(problem, budget=Budget(600, rounds=120), seed=1)
    np.testing.assert_allclose(found.x, Hill.peak, atol=0.05)


def test_what_is_no_box_is_refused_by_the_ability_that_it_lacks():
    with pytest.raises(DnnExplainError, match=r"object cannot give a box of inputs.*contract\.SearchBox"):
        problem_with(object(), "nothing", "cost")


def test_the_old_name_of_the_box_still_stands():
    assert Adversary is SearchBox
    assert isinstance(Hill(), Adversary)
