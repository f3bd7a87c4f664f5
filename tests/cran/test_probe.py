"""Neurons of a network that takes cosines and sines: searched, many of them from states that all have looked at."""

import numpy as np
import pytest
import torch

from dnnexplain.explain.networks.plain import plain_network
from dnnexplain.explain.probing import maximal
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.cran import CloudRan
from dnnexplain.systems.cran.networks import dense


@pytest.fixture(scope="module")
def pair():
    system = CloudRan(heads=2)
    return system, TorchPolicy(dense(system, (6,), seed=1, told="channels"), system)


def test_many_neurons_share_their_climbs_and_lose_little(pair, monkeypatch):
    full = maximal.maximise_all(*pair, restarts=4)
    monkeypatch.setattr(maximal, "_CLIMBS", 6)
    monkeypatch.setattr(maximal, "_POOL", 256)
    few = maximal.maximise_all(*pair, restarts=4)
    for one, other in zip(few, full, strict=True):
        assert "from 1 start" in one.words
        assert one.evaluated < other.evaluated
        assert one.activation >= 0.9 * other.activation
        seen = pair[0].encode(one.state.values[None])
        layers = pair[1].module[:3]
        assert float(layers(torch.as_tensor(seen))[0, one.neuron].detach()) == pytest.approx(one.activation, rel=1e-4)


def test_a_report_equals_the_plain_layers_that_it_says_it_is(pair):
    system, policy = pair
    layers = plain_network(system, policy).layers
    rows = system.encode(system.repair(np.random.default_rng(0).normal(size=(20, len(system.knobs))) * 40))
    told = rows.astype(np.float64) @ layers[0].weight.T + layers[0].bias
    plain, cosines, sines = layers[1].sizes["parts"]
    turned = np.deg2rad(told[:, plain:])
    told[:, plain:] = np.concatenate([np.cos(turned[:, :cosines]), np.sin(turned[:, cosines:])], axis=1)
    assert sines == cosines == 2
    np.testing.assert_allclose(told, policy.module[0](torch.as_tensor(rows)).numpy(), atol=2e-4)
