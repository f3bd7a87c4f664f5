"""Where rules agree, so must the network: the sets are those in which they do, and verdicts are the network's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import load_reference
from dnnexplain.contract.rules_agree import decisions_of
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.registry import make_system, spec_of

RULES = {
    "abr": ("bb", "rb", "mpc"),
    "cellular": ("threshold", "proportional", "headroom"),
    "cran": ("nearest", "greedy", "hysteresis"),
}


def claim(name: str, system: Any) -> Any:
    source = next(one for one in spec_of(name).properties if one.name == "agrees-with-rules")
    return load_reference(source.make)(system, **source.parameters)


class Follower:
    """Decides as a rule does, or the other way round."""

    name, masked = "follower", False

    def __init__(self, rule: Any, sign: float = 1.0) -> None:
        self.rule, self.sign = rule, sign

    def outputs(self, seen: Any) -> Any:
        return self.sign * np.asarray(self.rule.outputs(seen), dtype=float)


@pytest.mark.parametrize("name", RULES)
def test_sets_hold_states_in_which_the_rules_agree_and_a_network_that_follows_them_is_not_refuted(name: str) -> None:
    system: Any = make_system(name)
    found = claim(name, system)
    few = type(found)(found.name, found.text, found.cases[-2:])
    for case in few.cases:
        rows = draw(system, case.states, 20, np.random.default_rng(0))
        first, *others = decisions_of(system, RULES[name], rows)
        assert len(rows) == 20
        assert all(np.allclose(first, other) for other in others)
        everything = replace(case.states, only=None)
        rows = draw(system, everything, 200, np.random.default_rng(0))
        inside = case.states.holds(system, rows)
        assert 0 < inside.sum() < len(rows)
        agreed = decisions_of(system, RULES[name], rows[~inside])
        said = decisions_of(system, RULES[name][:1], draw(system, case.states, 1, np.random.default_rng(1)))[0]
        assert not any(all(np.allclose(one[at], said[0]) for one in agreed) for at in range(len(agreed[0])))
    budget = ProofBudget(samples=256, rounds=1, parts=0, program=False)
    rule = system.rules()[RULES[name][0]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dnnexplain.explain.proofs.prover._unknown", lambda _: "a rule is no network")
        assert prove(system, Follower(rule), few, budget=budget).verdict == "open"
        against = prove(system, Follower(rule, -1.0), few, budget=budget)
    assert against.verdict == "fails"
    assert against.witness is not None
    agreed = decisions_of(system, RULES[name], against.witness[None])
    assert all(np.allclose(agreed[0], one) for one in agreed)
