"""Networks that a system recognises in files which say nothing of their architecture."""

import numpy as np
import torch

from dnnexplain.policies import load_any
from tests.fakes import FakeChoice, linear_network


class Knowing(FakeChoice):
    """Knows files that begin with ``famous``, and state dicts with a weight called ``0.wisdom``."""

    def known_network(self, path, weights):
        if weights is None:
            return (linear_network(self), "as published") if path.name.startswith("famous") else None
        if "0.wisdom" not in weights:
            return None
        return linear_network(self, weights["0.wisdom"]), "from a list"


def test_a_file_that_the_system_knows_needs_no_architecture(tmp_path):
    policy = load_any(tmp_path / "famous.ckpt", Knowing())  # no such file: it may be the beginning of several
    assert "as published" in policy.note
    assert np.allclose(policy.module(torch.zeros(1, *Knowing().observation_shape)).detach(), 0)


def test_a_list_of_state_dicts_is_read_and_offered_to_the_system(tmp_path):
    system = Knowing()
    wisdom = torch.randn(len(system.output.names), int(np.prod(system.observation_shape)))
    torch.save([{"wisdom": wisdom}, {"folly": wisdom}], tmp_path / "both.pth")
    policy = load_any(tmp_path / "both.pth", system)
    assert "from a list" in policy.note
    observations = np.random.default_rng(0).random((5, *system.observation_shape)).astype(np.float32)
    assert np.allclose(policy.outputs(observations), observations.reshape(5, -1) @ wisdom.numpy().T, atol=1e-5)


def test_other_files_are_read_as_before(tmp_path):
    system = Knowing()
    torch.save(linear_network(system).state_dict(), tmp_path / "plain.pt")
    assert "from a list" not in load_any(tmp_path / "plain.pt", system).note
