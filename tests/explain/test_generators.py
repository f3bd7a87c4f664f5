"""Generators: what they write is like what they saw, and realism tells copies and strangers from the real."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate import (
    GENERATORS,
    generator_card,
    load_generator,
    make_generator,
    read_story,
    realism,
    save_generator,
)
from dnnexplain.explain.generate.autoregressive import WIDE
from dnnexplain.explain.generate.files import generator_mark
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
    generator.steps = min(generator.steps, 150)  # of resampling 3, of networks fewer than they have usually
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


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("name", ["autoregressive", "diffusion", "adversarial"])
def test_a_generator_comes_back_from_its_file_and_keeps_to_values_that_were_seen(name, ordered, tmp_path):
    fitted = _tables(30, 0, 20)
    generator = _fitted(name, fitted, ordered=ordered)
    file = save_generator(tmp_path / "one.safetensors", generator, {"columns": ["a", "b", "c"], "fitted": "30 tables"})
    made, again = (one.sample(5, seed=3) for one in (generator, load_generator(file)))
    assert all(np.array_equal(one, two) for one, two in zip(made, again, strict=True))
    assert generator_mark(load_generator(file)) == generator_mark(generator)
    rows, seen = np.concatenate(made), np.concatenate(fitted)
    assert set(rows[:, 2]) <= {0.0, 1.0, 2.0, 3.0}
    assert (rows >= seen.min(axis=0) - 1e-6).all()
    assert (rows <= seen.max(axis=0) + 1e-6).all()
    card = generator_card(read_story(file), "one")
    assert "# one" in card
    assert "30 tables" in card


def test_a_wide_table_has_a_linear_model_that_comes_back_too(tmp_path):
    rng = np.random.default_rng(0)
    fitted = [rng.normal(size=(8, WIDE)) + rng.normal(size=(1, 1)) for _ in range(60)]
    generator = _fitted("autoregressive", fitted, ordered=True)
    made, again = (
        one.sample(60, seed=1)
        for one in (generator, load_generator(save_generator(tmp_path / "w.safetensors", generator)))
    )
    assert all(np.array_equal(one, two) for one, two in zip(made, again, strict=True))
    levels = np.array([table.mean() for table in made])
    assert 0.7 < levels.std() < 1.3
    within = np.array([table.std() for table in made])
    assert 0.9 < within.mean() < 1.1


def test_what_is_the_same_in_all_tables_or_all_through_one_stays_so():
    rng = np.random.default_rng(0)
    fitted = [np.column_stack([np.arange(12.0), np.full(12, rng.normal()), rng.normal(size=12)]) for _ in range(30)]
    made = _fitted("autoregressive", fitted, ordered=True).sample(10, seed=0)
    assert all(np.array_equal(table[:, 0], np.arange(12.0)) for table in made)
    assert all(np.ptp(table[:, 1]) == 0 for table in made)
    assert len({table[0, 1] for table in made}) > 3


def _shorter(file):
    file.write_bytes(file.read_bytes()[:-40])


def _no_number(file):
    from safetensors.numpy import load_file, save

    arrays = load_file(file)
    arrays["levels"][0] = np.nan
    file.write_bytes(save(arrays, metadata=_metadata(file)))


def _an_array_less(file):
    from safetensors.numpy import load_file, save

    arrays = load_file(file)
    del arrays["starts"]
    file.write_bytes(save(arrays, metadata=_metadata(file)))


def _endless(file):
    from safetensors.numpy import load_file, save

    arrays = load_file(file)
    arrays["lengths"][:] = 10**12
    file.write_bytes(save(arrays, metadata=_metadata(file)))


def _metadata(file):
    from safetensors import safe_open

    with safe_open(file, framework="np") as opened:
        return opened.metadata()


@pytest.mark.parametrize("damage", [_shorter, _no_number, _an_array_less, _endless])
def test_a_damaged_file_gets_one_sentence(damage, tmp_path):
    file = save_generator(tmp_path / "one.safetensors", _fitted("diffusion", _tables(5, 0, 6), ordered=True))
    damage(file)
    with pytest.raises(DnnExplainError, match="not a whole generator's file"):
        load_generator(file)


def test_other_files_and_generators_without_files_are_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello, I am no generator")
    with pytest.raises(DnnExplainError, match="not a whole generator's file"):
        load_generator(tmp_path / "text.safetensors")
    with pytest.raises(DnnExplainError, match="none"):
        load_generator(tmp_path / "none.safetensors")
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, tmp_path / "network.safetensors")
    with pytest.raises(DnnExplainError, match="holds no generator"):
        load_generator(tmp_path / "network.safetensors")
    with pytest.raises(DnnExplainError, match="a copy of them"):
        save_generator(tmp_path / "two.safetensors", make_generator("interpolating"))


def _fitted(name, tables, *, ordered):
    generator = make_generator(name)
    generator.steps = 40
    generator.fit(tables, ordered=ordered, seed=0)
    return generator


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
    with pytest.raises(DnnExplainError, match="setting of the interpolating generator 'components'"):
        make_generator("interpolating", components=3)
    with pytest.raises(DnnExplainError, match="at least one table"):
        make_generator("interpolating").fit([], ordered=True)
    with pytest.raises(DnnExplainError, match="all of the same columns"):
        make_generator("autoregressive").fit([np.zeros((3, 4)), np.zeros((3, 5))], ordered=True)
    with pytest.raises(DnnExplainError, match="up to 128 columns"):
        make_generator("diffusion").fit([np.zeros((3, 200))], ordered=True)
    with pytest.raises(DnnExplainError, match="at least 20"):
        realism(_tables(3, 0), _tables(3, 1), _tables(3, 2))


def test_of_a_series_so_many_components_are_kept_as_are_asked_for():
    for components, kept in ((1, 1), (2, 2)):
        generator = make_generator("autoregressive", components=components, steps=1)
        generator.fit(_tables(30, 0), ordered=True)
        assert generator.levels.axes.shape[0] == kept
