"""Torch's threads are those of the whole process: what changes them for its own work gives them back."""

from __future__ import annotations

import pytest
import torch

from dnnexplain import training
from dnnexplain.registry import BUILT_IN, make_system
from dnnexplain.threads import torch_threads


@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_are_as_before_whatever_happens(count):
    before = torch.get_num_threads()
    with torch_threads(count):
        assert torch.get_num_threads() == count
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), torch_threads(count):
        raise KeyError
    assert torch.get_num_threads() == before


def test_a_training_uses_the_threads_that_are_asked_for_and_gives_them_back(tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr(training, "_trained", lambda *_: used.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    training.train(make_system(next(iter(BUILT_IN))), out=tmp_path / "net.safetensors", threads=before + 1)
    assert (used, torch.get_num_threads()) == ([before + 1], before)
