"""The sparse first layer equals torch's dense one, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnnexplain.policies.networks import convnet, mlp
from dnnexplain.policies.sparse import ByteNetwork, first_linear
from dnnexplain.systems.deeprm import DeepRM


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 9),
    cells=st.integers(1, 70),
    units=st.integers(1, 21),
    seed=st.integers(0, 99),
    fill=st.floats(0, 1),
)
def test_equals_the_dense_layer_and_its_gradient(rows: int, cells: int, units: int, seed: int, fill: float) -> None:
    rng = np.random.default_rng(seed)
    pictures = np.where(rng.random((rows, cells)) < fill, rng.integers(1, 41, (rows, cells)), 0).astype(np.uint8)
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(cells, units), nn.ReLU(), nn.Linear(units, 3))
    weights = torch.randn(rows, 3)
    found = []
    for forward in (ByteNetwork(network, 1 / 40), lambda p: network(torch.from_numpy(p).float() / 40)):
        network.zero_grad()
        outputs = forward(pictures)
        (outputs * weights).sum().backward()
        found.append([outputs.detach(), *(parameter.grad.clone() for parameter in network.parameters())])
    for fast, dense in zip(*found, strict=True):
        torch.testing.assert_close(fast, dense, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_the_result(threads: int) -> None:
    before = torch.get_num_threads()
    system = DeepRM()
    network = mlp(system)
    pictures = np.random.default_rng(0).choice([0, 0, 0, 40], (2000, 20, 124)).astype(np.uint8)
    torch.set_num_threads(threads)
    try:
        torch.testing.assert_close(
            ByteNetwork(network, 1 / 40)(pictures), network(torch.from_numpy(pictures) / 40), rtol=1e-4, atol=1e-5
        )
    finally:
        torch.set_num_threads(before)


def test_other_networks_go_through_torch() -> None:
    system = DeepRM()
    network = convnet(system)
    assert first_linear(network) is None
    pictures = np.random.default_rng(0).choice([0, 40], (3, 20, 124)).astype(np.uint8)
    torch.testing.assert_close(ByteNetwork(network, 1 / 40)(pictures), network(torch.from_numpy(pictures) / 40))
