"""The shipped routers' worst cases at equal CPU time: what the gray-box search must find, and how far ahead it must be."""

import warnings

import pytest

from dnnexplain.explain.gray_box import BLACK_BOX, worst_case
from tests.gray_box.routers import load_routing_policy, routing_problem

SECONDS = 1.5
"""Of processor time for each search: far less than the targets allow (10 and 30)."""


@pytest.fixture(scope="module", autouse=True)
def imported():
    """The package cma takes a second to import, which would be a search's time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cma  # noqa: F401


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "topology", "least", "over_random", "over_best"),
    [
        ("dote-current", "abilene", 3.45, 2.4, 1.0),
        ("dote-history", "abilene", 5.5, 3.5, 1.4),
        ("dote-current", "abilene-12", 1.0, 2.4, 1.0),
        ("dote-history", "abilene-12", 1.0, 3.5, 1.4),
    ],
)
def test_the_search_finds_the_published_gap_and_no_black_box_is_better(policy, topology, least, over_random, over_best):
    problem = routing_problem(*load_routing_policy(policy, topology))
    ours = worst_case(problem, budget=SECONDS, seed=1)
    others = {name: worst_case(problem, name, budget=SECONDS, seed=1).ratio for name in BLACK_BOX}
    assert ours.ratio >= least
    assert ours.ratio >= over_random * others["random"]
    assert ours.ratio >= over_best * max(others.values())
    assert (ours.upper - ours.lower) / ours.lower <= 1e-9
