"""Violations along lines: valid pairs, judged by the network, found where single draws find none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dnnexplain.contract import Case, Change, Property
from dnnexplain.contract.properties import monotone_choice
from dnnexplain.explain.proofs import prover
from dnnexplain.explain.proofs.models import pairs_hold
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import named_property
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.policies import TorchPolicy, named_policy
from dnnexplain.registry import make_system, spec_of
from tests.explain.test_proofs import PROGRAM, jobs_only, networks, small

ALONG = replace(PROGRAM, samples=4, rounds=4, program=False, parts=0)
"""Nothing but draws and lines."""


def test_what_ends_a_line_is_a_violation_and_most_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    system = small()
    states = jobs_only(system).where(system, **{"job 1 length": (1, 2)})
    claims = []
    for seed in range(6):
        torch.manual_seed(seed)
        policy = TorchPolicy(networks(system)["plain"], system, masked=False)
        with torch.no_grad():
            policy.module[-1].bias += 0.3 * torch.randn(3)
        cases = tuple(
            monotone_choice(states, Change("job 1 length", 1.0, 2.0), 3, [0, 1, 2], ("{action} over {other}", ""))
        )
        claims.append((policy, Property("m", "monotone", cases)))
    by_lines = [prove(system, policy, claim, budget=ALONG) for policy, claim in claims]
    for (policy, _), found in zip(claims, by_lines, strict=True):
        if found.failed is not None:
            assert found.witness is not None
            case = next(case for case in found.claim.cases if case.name == found.failed.name)
            pair = found.witness.reshape(1, -1)
            assert pairs_hold(system, case, pair)[0]
            both = np.hstack([policy.outputs(system.encode(one)) for one in found.witness[:, None]])
            assert case.margin(both)[0] == pytest.approx(found.failed.best, abs=1e-6)
            assert case.margin(both)[0] > 0
    monkeypatch.setattr(prover, "along_lines", lambda _task, _cases, known, _rng: list(known))
    alone = [prove(system, policy, claim, budget=ALONG) for policy, claim in claims]
    fails = [sum(found.verdict == "fails" for found in some) for some in (by_lines, alone)]
    assert fails[0] > fails[1]


def test_a_faster_newest_download_lowers_the_bitrate_of_the_network_that_ships() -> None:
    """Open before lines were gone along: 2,048 drawn pairs and climbs by gradient do not find it."""
    system: Any = make_system("abr", free_times=True)
    policy = named_policy(system, "default")
    claim = named_property(spec_of("abr"), system, policy, "monotone-throughput", None, 3.0)
    found = prove(system, policy, claim, budget=ProofBudget(parts=0, program=False))
    assert found.verdict == "fails"
    assert found.witness is not None
    slow, fast = found.witness
    place = [knob.name for knob in system.knobs].index("throughput 1")
    assert (np.flatnonzero(slow != fast) == [place]).all()
    assert fast[place] > slow[place]
    np.testing.assert_allclose(system.repair(found.witness), found.witness)
    first, second = policy.outputs(system.encode(found.witness)).argmax(axis=1)
    assert second < first


def test_rows_about_both_states_at_once_are_left_to_other_searches() -> None:
    system = small()
    policy = TorchPolicy(networks(system)["plain"], system, masked=False)
    row = np.array([[1.0, 0.0, 0.0, -1.0, 0.0, 0.0]])
    case = Case("rises", jobs_only(system), row, np.full(1, -100.0), Change("job 1 length", 1.0, 2.0))
    assert prove(system, policy, Property("r", "rises", (case,)), budget=ALONG).verdict == "open"
