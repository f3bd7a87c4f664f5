"""Generators: what they write is like what they saw, and realism tells copies and strangers from the real."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate import GENERATORS, load_generator, make_generator, realism
from dnnexplain.explain.generate.normal_scale import NormalScale


def _tables(count, seed, length=40):
    """Series of two columns: the second follows the first, both from record to record; whole numbers in a third."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        level = np.cumsum(rng.normal(0, 0.3, length)) + rng.normal(0, 1)
        made.append(np.column_stack([level, level + rng.normal(0, 0.2, length), rng.integers(0, 4, length)]))
    return made


@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "adversarial"])
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


def test_an_adversarial_generator_learns_how_columns_hang_together():
    fitted, held_out = _tables(60, 0), _tables(60, 1)
    found = []
    for steps in (1, 300):
        generator = make_generator("adversarial")
        generator.steps = steps
        generator.fit(fitted, ordered=False, seed=0)
        found.append(realism(generator.sample(60, seed=0), held_out, fitted))
    assert found[1].record_auc < found[0].record_auc - 0.1
    assert found[1].dependence < found[0].dependence


@pytest.mark.parametrize("name", ["diffusion", "adversarial"])
def test_a_network_generator_comes_back_from_its_file_and_keeps_to_values_that_were_seen(name, tmp_path):
    fitted = _tables(40, 0)
    generator = make_generator(name)
    generator.steps = 60
    generator.fit(fitted, ordered=False, seed=0)
    generator.save(tmp_path / "one.safetensors")
    made, again = (one.sample(5, seed=3) for one in (generator, load_generator(tmp_path / "one.safetensors")))
    assert all(np.array_equal(one, two) for one, two in zip(made, again, strict=True))
    rows, seen = np.concatenate(made), np.concatenate(fitted)
    assert set(rows[:, 2]) <= {0.0, 1.0, 2.0, 3.0}
    assert (rows >= seen.min(axis=0)).all()
    assert (rows <= seen.max(axis=0)).all()
    with pytest.raises(DnnExplainError, match="cannot be read"):
        load_generator(tmp_path / "none.safetensors")


def test_the_normal_scale_goes_there_and_back():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.exponential(2.0, 5000), rng.integers(0, 5, 5000), np.full(5000, 7.0)])
    scale = NormalScale(rows)
    there = scale.there(rows, rng)
    assert np.abs(there[:, :2].mean(axis=0)).max() < 0.05
    assert np.abs(there[:, :2].std(axis=0) - 1).max() < 0.05
    back = scale.back(there)
    usual = rows[:, 0] < np.quantile(rows[:, 0], 0.98)
    np.testing.assert_allclose(back[usual, 0], rows[usual, 0], rtol=0.1, atol=0.05)
    assert back[:, 0].max() <= rows[:, 0].max()
    assert (back[:, 1] == rows[:, 1]).mean() > 0.98
    assert (back[:, 2] == 7.0).all()


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
