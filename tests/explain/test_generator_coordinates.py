"""A generator in a system's coordinates: asked in records, and better where these are angles."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from dnnexplain.contract import DnnExplainError, written_columns
from dnnexplain.explain.generate import files, load_generator, make_generator, save_generator
from dnnexplain.explain.generate.coordinates import InCoordinates
from dnnexplain.registry import BUILT_IN, make_system, spec_of

WAVES = SimpleNamespace(
    to_coordinates=lambda records: np.column_stack(
        [10 ** (records[:, 0] / 20) * part(records[:, 1]) for part in (np.cos, np.sin)]
    ),
    from_coordinates=lambda table: np.column_stack(
        [20 * np.log10(np.hypot(table[:, 0], table[:, 1])), np.arctan2(table[:, 1], table[:, 0])]
    ),
)


def _fading(count, seed):
    """Series of a decibel and an angle: those of a first-order complex process, the angle now and then across pi."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(count, 60)) + 1j * rng.normal(size=(count, 60))
    for place in range(1, 60):
        white[:, place] = 0.9 * white[:, place - 1] + np.sqrt(1 - 0.81) * white[:, place]
    return list(np.stack([20 * np.log10(np.abs(white)), np.angle(white)], axis=-1))


def _turns(tables):
    """How far the angle turns from record to record, the short way."""
    return np.abs(np.angle(np.exp(1j * np.diff(np.stack(tables)[:, :, 1], axis=1)))).ravel()


def test_angles_are_written_as_they_turn():
    fitted, held_out = _fading(60, 0), _fading(60, 1)
    far = []
    for generator in (make_generator("autoregressive"), InCoordinates(make_generator("autoregressive"), WAVES)):
        getattr(generator, "inner", generator).steps = 150
        generator.fit(fitted, ordered=True, seed=0)
        made = generator.sample(60, seed=0)
        assert made[0].shape == (60, 2)
        far.append(ks_2samp(_turns(made), _turns(held_out)).statistic)
    assert far[1] < 0.1
    assert far[1] < 0.7 * far[0]


def _coordinated():
    worlds = [make_system(name, **dict(spec_of(name).compared)) for name in BUILT_IN]
    return next(world for world in worlds if hasattr(world, "to_coordinates"))


def test_its_file_is_read_for_the_system_and_not_for_records(tmp_path):
    world = _coordinated()
    family = spec_of(world.name).family().name
    tables = [world.to_records(item) for item in world.workloads(family, 6, 1)]
    generator = make_generator("autoregressive", world)
    assert isinstance(generator, InCoordinates)
    generator.inner.steps = 1
    generator.fit(tables, ordered=world.ordered)
    story = {"system": world.name, "columns": written_columns(world)}
    file = save_generator(tmp_path / "one.safetensors", generator, story)
    again = load_generator(file, world)
    for one, two in zip(generator.sample(2, seed=3), again.sample(2, seed=3), strict=True):
        assert one.shape == (len(tables[0]), len(world.record_knobs))
        np.testing.assert_array_equal(one, two)
    assert files.generator_mark(again) == files.generator_mark(generator)
    assert load_generator(file).sample(1)[0].shape[1] == len(world.coordinates)
    of_records = save_generator(
        tmp_path / "two.safetensors", generator, {**story, "columns": [knob.name for knob in world.record_knobs]}
    )
    with pytest.raises(DnnExplainError, match=f"columns.*{world.name} has {len(world.coordinates)} here"):
        load_generator(of_records, world)
