"""Ready properties of bitrate controllers: refuted with a valid witness where they are false."""

from __future__ import annotations

import torch
from torch import nn

from dnnexplain.contract import load_reference
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import TorchPolicy
from dnnexplain.registry import make_system, spec_of


def test_a_controller_that_always_asks_for_the_lowest_bitrate_is_refuted_by_one_property_alone() -> None:
    system = make_system("abr")
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 6))
    with torch.no_grad():
        module[1].weight.zero_()
        module[1].bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    policy = TorchPolicy(module, system)
    verdicts = {}
    for one in spec_of("abr").properties:
        found = prove(system, policy, load_reference(one.make)(system), budget=ProofBudget(samples=64, rounds=1))
        verdicts[one.name] = found.verdict
        assert found.claim.name == one.name
        if found.witness is not None:
            assert policy.outputs(system.encode(found.witness[None])).argmax() == 0
    assert verdicts["never-lowest-with-full-buffer"] == "fails"
    assert verdicts["monotone-throughput"] != "fails"
    assert verdicts["monotone-buffer"] != "fails"
