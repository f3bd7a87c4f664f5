"""Checkpoints of TensorFlow with a module given: layers are told by names, or by shapes and order, or asked for."""

import numpy as np
import pytest
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_any
from dnnexplain.systems import GymSystem
from tests.abr.test_networks import write_checkpoint

WORLD = GymSystem("CartPole-v1")


def tensors(*stems, sizes=(4, 5, 2), rng=None, kinds=("kernel", "bias")):
    rng = rng or np.random.default_rng(2)
    found = {}
    for stem, inputs, outputs in zip(stems, sizes, sizes[1:], strict=False):
        found[f"{stem}/{kinds[0]}"] = rng.normal(size=(inputs, outputs)).astype(np.float32)
        found[f"{stem}/{kinds[1]}"] = rng.normal(size=outputs).astype(np.float32)
    return found


def expected(held, states, first, last, kinds=("kernel", "bias")):
    hidden = np.maximum(states @ held[f"{first}/{kinds[0]}"] + held[f"{first}/{kinds[1]}"], 0)
    return hidden @ held[f"{last}/{kinds[0]}"] + held[f"{last}/{kinds[1]}"]


def stack():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.late, self.early = nn.Linear(5, 5), nn.Linear(4, 5)  # not in running order
        self.more, self.out = nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, seen):
        return self.out(self.more(self.late(self.early(seen).relu()).relu()).relu())


def test_shapes_tell_layers_and_it_is_said(tmp_path):
    held = tensors("actor/fc1", "actor/fc2", kinds=("W", "b"))
    beside = {"actor/fc1/W/Adam": np.zeros((4, 5), np.float32), "beta1_power": np.zeros(1, np.float32)}
    path = write_checkpoint(tmp_path, {**held, **beside})
    policy = load_any(path, WORLD, module=stack())
    states = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    np.testing.assert_allclose(
        policy.outputs(states), expected(held, states, "actor/fc1", "actor/fc2", ("W", "b")), rtol=1e-4, atol=1e-5
    )
    assert "told by their shapes" in policy.assumed[0]
    assert load_any(f"{path}.index", WORLD, module=stack()).checkpoint == policy.checkpoint


def test_names_tell_layers_of_one_shape_apart(tmp_path):
    held = tensors("net/early", "net/late", "net/more", "net/out", sizes=(4, 5, 5, 5, 2))
    policy = load_any(write_checkpoint(tmp_path, held), WORLD, module=Named())
    states = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    hidden = states
    for stem in ("net/early", "net/late", "net/more"):
        hidden = np.maximum(hidden @ held[f"{stem}/kernel"] + held[f"{stem}/bias"], 0)
    np.testing.assert_allclose(
        policy.outputs(states), hidden @ held["net/out/kernel"] + held["net/out/bias"], rtol=1e-4, atol=1e-5
    )
    assert policy.assumed == ()


def test_an_actor_beside_a_critic_is_asked_for(tmp_path):
    held = tensors("actor/a", "actor/b") | tensors("critic/a", "critic/b", rng=np.random.default_rng(9))
    path = write_checkpoint(tmp_path, held)
    with pytest.raises(DnnExplainError, match=r"fits 2 layers of the file.*key='actor'"):
        load_any(path, WORLD, module=stack())
    states = np.ones((2, 4), np.float32)
    policy = load_any(path, WORLD, module=stack(), key="actor")
    np.testing.assert_allclose(
        policy.outputs(states), expected(held, states, "actor/a", "actor/b"), rtol=1e-4, atol=1e-5
    )


def test_without_a_module_it_is_asked_for(tmp_path):
    path = write_checkpoint(tmp_path, tensors("a", "b"))
    with pytest.raises(DnnExplainError, match=r"keeps weights without an architecture \(a/bias \[5\].*module=\.\.\."):
        load_any(path, WORLD)


def test_what_keras_saves_of_objects_is_read_without_their_description(tmp_path):
    held = tensors("layer_with_weights-0", "layer_with_weights-1")
    of_objects = {f"{name}/.ATTRIBUTES/VARIABLE_VALUE": value for name, value in held.items()}
    path = write_checkpoint(tmp_path, {**of_objects, "_CHECKPOINTABLE_OBJECT_GRAPH": b"\n\x04text"})
    states = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    wanted = expected(held, states, "layer_with_weights-0", "layer_with_weights-1")
    np.testing.assert_allclose(load_any(path, WORLD, module=stack()).outputs(states), wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(DnnExplainError, match=r"without an architecture \(layer_with_weights-0/bias \[5\]"):
        load_any(path, WORLD)


def test_a_checkpoint_is_found_by_each_of_its_files_and_by_its_folder(tmp_path):
    held = tensors("a", "b")
    path = write_checkpoint(tmp_path, held, "model.ckpt-7")
    (tmp_path / "model.ckpt-7.meta").write_bytes(b"a graph")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-7"\n')
    expected_hash = load_any(path, WORLD, module=stack()).checkpoint
    for name in ("model.ckpt-7.meta", "model.ckpt-7.index", "checkpoint", ""):
        assert load_any(tmp_path / name, WORLD, module=stack()).checkpoint == expected_hash
    saved = tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    write_checkpoint(saved / "variables", held, "variables")
    (saved / "saved_model.pb").write_bytes(b"\x08\x01\x12")
    for place in (saved, saved / "saved_model.pb"):
        assert load_any(place, WORLD, module=stack()).checkpoint == expected_hash
    (tmp_path / "checkpoint").write_text("nothing")
    with pytest.raises(DnnExplainError, match="names no checkpoint"):
        load_any(tmp_path, WORLD, module=stack())


def test_the_first_format_is_refused_with_what_to_write(tmp_path):
    (tmp_path / "old.ckpt").write_bytes(b"\0" * 200 + (0xDB4775248B80FB57).to_bytes(8, "little"))
    with pytest.raises(DnnExplainError, match=r"TensorFlow's first format, one file.*write_version=2"):
        load_any(tmp_path / "old.ckpt", WORLD, module=stack())
