"""Several kinds of workloads in one command: repeated, with commas, weighed."""

import pytest

from dnnexplain.cli.mixtures import Part, mixture, shared_out
from dnnexplain.contract import DnnExplainError


def test_repeated_options_and_commas_are_the_same():
    assert mixture(["a", "b=2"]) == mixture(["a,b=2"]) == [Part("a"), Part("b", 2.0)]
    assert mixture([]) == [Part("")]
    assert mixture(["a=.5, b=1.5"]) == [Part("a", 0.5), Part("b", 1.5)]


def test_a_file_with_such_a_name_is_itself(tmp_path):
    odd = tmp_path / "cell=4,b.csv"
    odd.touch()
    assert mixture([str(odd)]) == [Part(str(odd))]


@pytest.mark.parametrize(
    ("given", "said"), [(["a,"], "empty kind"), (["", "a"], "empty kind"), (["a=0"], "leave it out")]
)
def test_mixtures_of_nothing_are_refused(given, said):
    with pytest.raises(DnnExplainError, match=said):
        mixture(given)


@pytest.mark.parametrize(
    ("count", "weights", "shares"),
    [(10, [1, 1], [5, 5]), (7, [1, 2], [2, 5]), (3, [1, 1, 1, 1], [0, 1, 1, 1]), (1, [1, 9], [0, 1])],
)
def test_shares_add_up_to_the_count(count, weights, shares):
    found = shared_out(count, weights)
    assert sum(found) == count
    assert sorted(found) == sorted(shares)
