"""Which network of an agent is read: by its exact name, and what was left out is said."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, checkpoints, load_any
from dnnexplain.policies._by_names import fill_by_names
from dnnexplain.systems import GymSystem

WORLD = GymSystem("CartPole-v1")


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))


def file_of(tmp_path, parts, kind="pt"):
    weights = {f"{part}.{name}": item for part, net in parts.items() for name, item in net.state_dict().items()}
    path = tmp_path / f"agent.{kind}"
    if kind == "pt":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    return path


def same(policy, net):
    seen = torch.rand(5, 4)
    with torch.no_grad():
        return torch.allclose(torch.from_numpy(policy.outputs(seen.numpy())).float(), net(seen), atol=1e-5)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
@pytest.mark.parametrize("order", list(itertools.permutations(["actor", "target_actor", "critic"], 3)))
def test_the_actor_is_meant_beside_its_target_in_any_order(tmp_path, kind, order):
    parts = {"actor": network(1), "target_actor": network(2), "critic": network(3)}
    path = file_of(tmp_path, {name: parts[name] for name in order}, kind)
    policy = load_any(path, WORLD, module=network(9))
    assert same(policy, parts["actor"])
    assert "the weights under 'actor' were read, and 8 weights of other parts (" in policy.note
    assert "target_actor" in policy.note
    assert "critic" in policy.note


@pytest.mark.parametrize("others", [("ema", "pi"), ("a", "policy"), ("q", "actor_mean")])
def test_a_shorter_name_is_not_taken_for_the_actor(tmp_path, others):
    wrong, right = others
    parts = {wrong: network(1), right: network(2)}
    assert same(load_any(file_of(tmp_path, parts), WORLD, module=network(9)), parts[right])


def test_of_names_that_say_nothing_one_is_asked_for_and_can_be_chosen(tmp_path):
    parts = {"online": network(1), "target": network(2)}
    for kind in ("pt", "safetensors"):
        path = file_of(tmp_path, parts, kind)
        with pytest.raises(DnnExplainError, match=r"several networks.*online, target.*key='online'"):
            load_any(path, WORLD, module=network(9))
        for name, net in parts.items():
            assert same(load_any(path, WORLD, module=network(9), key=name), net)


@pytest.mark.parametrize("seed", range(4))
def test_a_file_is_read_in_one_order_whatever_its_reader_draws(tmp_path, monkeypatch, seed):
    path = file_of(tmp_path, {"online": network(1), "target": network(2), "ema": network(3)}, "safetensors")
    read = checkpoints.safetensors_torch.load

    def shuffled(data):
        items = list(read(data).items())
        random.Random(seed).shuffle(items)
        return dict(items)

    monkeypatch.setattr(checkpoints.safetensors_torch, "load", shuffled)
    with pytest.raises(DnnExplainError, match=r"\(ema, online, target\); say which: key='ema'"):
        load_any(path, WORLD, module=network(9))


def test_a_key_that_is_not_there_names_those_that_are(tmp_path):
    path = file_of(tmp_path, {"online": network(1), "target": network(2)}, "safetensors")
    with pytest.raises(DnnExplainError, match="'actor'; there are: online, target"):
        load_any(path, WORLD, module=network(9), key="actor")


def test_a_key_is_a_whole_part_of_a_name_in_files_of_keras_and_tensorflow_too():
    right, wrong = network(1), network(2)
    arrays = {}
    for part, net in (("actor_target", wrong), ("actor", right), ("actor2", wrong)):
        for place, layer in (("dense", net[0]), ("out", net[2])):
            arrays[f"{part}/{place}/kernel:0"] = layer.weight.detach().T
            arrays[f"{part}/{place}/bias:0"] = layer.bias.detach()
    filled, _ = fill_by_names(network(9), arrays, "the file", "actor")
    assert torch.equal(filled[0].weight, right[0].weight)
    assert torch.equal(filled[2].weight, right[2].weight)


@pytest.mark.parametrize("times", [2, 3])
def test_a_size_that_is_a_multiple_may_be_another_worlds(times):
    with pytest.raises(DnnExplainError) as refusal:
        TorchPolicy(nn.Linear(4 * times, 2), WORLD)
    words = str(refusal.value)
    assert f"takes {4 * times} numbers, CartPole-v1 shows 4 numbers; the network may belong to another world" in words
    assert f"or it sees {times} observations at a time" in words
    assert f"GymSystem(env, frames={times})" in words
