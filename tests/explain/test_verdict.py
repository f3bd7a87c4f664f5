"""How a network stands against the rules, where that is kept, and whether one decision is optimal."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Judgement, State, state_from_values
from dnnexplain.explain.verdict import find_standing, judged, keep_standing, optimality, stand
from dnnexplain.explain.verdict.kept import SUFFIX, cache_folder
from dnnexplain.explain.verdict.report import report_html
from dnnexplain.explain.verdict.standing import Standing
from dnnexplain.intervals import compared_interval
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, fair_rules, make_system, spec_of
from dnnexplain.rule_names import rule_label
from tests.systems.fakes import FAKES


def made(name):
    return FAKES[name]() if name in FAKES else make_system(name, **spec_of(name).board)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_figures_are_those_of_running_everybody_on_the_same_workloads():
    system = made("deeprm")
    policy, spec = named_policy(system, "untrained"), spec_of(system)
    found = stand(system, policy, sets=12, seed=5)
    workloads = system.workloads(spec.family().name, 12, 5)
    cost = system.run(policy, workloads, seed=5).cost
    rules = {name: system.run(rule, workloads, seed=5).cost for name, rule in fair_rules(system).items()}
    best = min(rules, key=lambda name: rules[name].mean())
    one = found.ordinary
    assert (one.rule, one.sets) == (best, 12)
    np.testing.assert_allclose(
        (one.gap, one.low, one.high), compared_interval(cost, rules[best], ratio=spec.ratio).three
    )
    assert one.lost == np.mean(cost > rules[best])
    assert one.worst == np.argmax(cost - rules[best])
    gaps = [shift.gap for shift in found.shifts]
    assert gaps == sorted(gaps, reverse=True)
    assert {shift.label for shift in found.shifts} == {row.label for row in spec.grid().rows}
    assert Standing.from_json(found.to_json()) == found


@pytest.mark.parametrize("name", [*BUILT_IN, *FAKES])
def test_every_system_has_a_standing_or_says_why_not(name):
    system = made(name)
    policy = named_policy(system, "untrained")
    if not (spec_of(system).families and fair_rules(system)):
        with pytest.raises(DnnExplainError, match="nothing to stand against"):
            stand(system, policy, sets=2)
        return
    found = stand(system, policy, sets=2)
    assert rule_label(found.ordinary.rule) in found.sentence()
    page = report_html(found, None, system, state_from_values(system, {}))
    assert "was not judged" in page
    assert found.question.policy in page


def test_a_standing_is_found_again_for_these_weights_in_this_system_only():
    system = made("deeprm")
    policy = named_policy(system, "untrained")
    assert find_standing(system, policy) is None
    found = stand(system, policy, sets=2)
    path = keep_standing(found)
    assert path is not None
    assert path.parent == cache_folder()
    assert find_standing(system, policy) == found
    assert find_standing(system, policy) is find_standing(system, policy)  # read once
    assert find_standing(make_system("deeprm", backlog=30), policy) is None
    assert find_standing(system, SimpleNamespace(name=policy.name, checkpoint="other", outputs=policy.outputs)) is None
    path.write_text(path.read_text()[:100])
    assert find_standing(system, policy) is None


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_ships_beside_the_weights_is_what_this_version_finds(name):
    system = made(name)
    spec = spec_of(system)
    shipped = sorted(spec.weights.glob(f"*{SUFFIX}"))
    assert shipped
    policy = named_policy(system, spec.roles[0].name)
    known = find_standing(system, policy)
    assert known is not None
    one = known.shifts[-1] if known.shifts else known.ordinary
    workloads = system.workloads(one.family, one.sets, known.question.seed, **one.parameters)
    np.testing.assert_allclose(system.run(policy, workloads, seed=known.question.seed).cost.mean(), one.cost, rtol=1e-4)


class Judge:
    """Knows what two actions cost, and that the second is better by 3."""

    def __init__(self, exact):
        self.system = made("deeprm")
        self.exact = exact

    def __getattr__(self, name):
        return getattr(self.system, name)

    def judge(self, state, *, seconds=10.0):
        del state, seconds
        loss = np.full(len(self.system.output.names), np.nan)
        loss[:2] = 3.0, 0.0
        return Judgement((1,), loss, self.exact, "steps")


def picks(action, count):
    outputs = np.eye(count)[action] * 9
    return SimpleNamespace(name="fixed", masked=False, outputs=lambda seen: np.tile(outputs, (len(seen), 1)))


def test_a_decision_is_told_by_what_it_loses():
    judge = Judge(exact=True)
    count = len(judge.output.names)
    state = state_from_values(judge.system, {})
    assert judged(judge.system)
    worse = optimality(judge, picks(0, count), state)
    assert (worse.loss, worse.optimal, worse.proved) == (3.0, False, True)
    assert (
        worse.sentence() == f"Best is {judge.output.names[1]}; the decision costs 3 steps more than the best (proved)."
    )
    assert replace(worse, loss=0.000469).sentence().endswith("costs under 0.001 steps more than the best (proved).")
    best = optimality(Judge(exact=False), picks(1, count), state)
    assert best.optimal
    assert "not proved" in best.sentence()
    assert optimality(judge, picks(3, count), state) is None


def test_a_system_without_an_oracle_judges_nothing():
    system = SimpleNamespace(output=made("routing").output)
    assert not judged(system)
    assert isinstance(State(np.zeros(1)), State)
