"""Generators: what they write is like what they saw, and realism tells copies and strangers from the real."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate import GENERATORS, make_generator, realism


def _tables(count, seed, length=40):
    """Series of two columns: the second follows the first, both from record to record; whole numbers in a third."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        level = np.cumsum(rng.normal(0, 0.3, length)) + rng.normal(0, 1)
        made.append(np.column_stack([level, level + rng.normal(0, 0.2, length), rng.integers(0, 4, length)]))
    return made


@pytest.mark.parametrize("name", tuple(GENERATORS))
def test_a_generator_is_nearer_to_what_it_saw_than_independent_columns_are(name):
    fitted, held_out = _tables(60, 0), _tables(60, 1)
    generator = make_generator(name)
    generator.fit(fitted, ordered=True, seed=0)
    made = generator.sample(60, seed=0)
    again = generator.sample(60, seed=0)
    assert all(np.array_equal(one, two) for one, two in zip(made, again, strict=True))
    rng = np.random.default_rng(2)
    shuffled = [np.column_stack([rng.permutation(column) for column in table.T]) for table in held_out]
    ours, theirs = (realism(one, held_out, fitted) for one in (made, shuffled))
    assert ours.auc < theirs.auc
    assert ours.marginal < 0.2
    assert ours.dependence < 0.15 < theirs.dependence


def test_realism_of_the_real_of_copies_and_of_strangers():
    fitted, held_out, fresh = _tables(60, 0), _tables(60, 1), _tables(60, 2)
    real = realism(fresh, held_out, fitted)
    assert real.real
    assert real.copied == 0.0
    copies = realism(fitted, held_out, fitted)
    assert copies.copied == 1.0
    assert copies.nearest == 0.0 < copies.nearest_real
    strangers = realism([table + 2.0 for table in fresh], held_out, fitted)
    assert not strangers.real
    assert strangers.marginal > 0.3


def test_what_cannot_be_fitted_or_measured_is_refused():
    with pytest.raises(DnnExplainError, match="autoregressive"):
        make_generator("oracle")
    with pytest.raises(DnnExplainError, match="at least one table"):
        make_generator("interpolating").fit([], ordered=True)
    with pytest.raises(DnnExplainError, match="columns"):
        make_generator("autoregressive").fit([np.zeros((3, 40))], ordered=True)
    with pytest.raises(DnnExplainError, match="at least 20"):
        realism(_tables(3, 0), _tables(3, 1), _tables(3, 2))
