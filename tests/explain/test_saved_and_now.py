"""A saved result beside the present one: what changed, and what cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Shift, state_from_values
from dnnexplain.explain import account, compare_with_saved, decide, threshold_map
from dnnexplain.explain.adversarial import attack
from dnnexplain.explain.decisions.record import DecisionRecord, record
from dnnexplain.explain.probing.thresholds import curves
from dnnexplain.explain.saved_results import COMPARABLE, MOST, SavedAndNow
from dnnexplain.explain.transfer.grid import transfer
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system


@pytest.fixture(scope="module")
def deeprm():
    return make_system("deeprm")


def network(system, seed, name):
    import torch

    module = mlp(system)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.1)
    return TorchPolicy(module, system, name=name)


@pytest.fixture(scope="module")
def one(deeprm):
    return network(deeprm, 1, "one")


@pytest.fixture(scope="module")
def other(deeprm):
    return network(deeprm, 2, "other")


@pytest.fixture(scope="module")
def states(deeprm):
    sizes = [{"job 1": (5, 2, 8), "job 2": (3, 7, 4)}, {"job 1": (9, 2, 8), "job 2": (1, 7, 4), "job 3": (4, 4, 4)}]
    kinds = ("length", "cpu", "memory")
    return [
        state_from_values(deeprm, {f"{job} {kind}": size for job, row in rows.items() for kind, size in zip(kinds, row, strict=True)})
        for rows in sizes
    ]  # fmt: skip


def decided(system, policy, state):
    return record(system, policy, decide(system, policy, state))


def again(result):
    return type(result).from_json(result.to_json())


def test_decisions_then_and_now(deeprm, one, states):
    then, now = (decided(deeprm, one, state) for state in states)
    assert again(then) == then
    found = compare_with_saved(again(then), now)
    assert found.labels == tuple(deeprm.output.names)
    np.testing.assert_array_equal(found.before, then.probabilities)
    np.testing.assert_array_equal(found.after, now.probabilities)
    assert found.differs == ("the state was another one",)
    assert then.action in found.words
    assert now.action in found.words
    assert again(found) == found
    same = compare_with_saved(then, then)
    assert same.sentence().startswith("The same question as then. The decision is")
    assert "to the last digit" in same.words


def test_accounts_add_up_on_both_sides_over_networks_too(deeprm, one, other, states):
    names = deeprm.output.names[:2]
    accounts = [account(deeprm, policy, states[0], pro=names[0], contra=names[1]) for policy in (one, other)]
    found = compare_with_saved(*accounts)
    assert len(found.labels) <= MOST
    assert "the network was one" in found.differs
    for values, full in ((found.before, accounts[0]), (found.after, accounts[1])):
        parts = dict(zip((*full.groups, "biases"), [*full.by_group, full.constant], strict=True))
        assert sum(parts.values()) == pytest.approx(full.contrast, abs=1e-6)
        np.testing.assert_array_equal(values, [parts[label] for label in found.labels])
    moved = {label: abs(a - b) for label, a, b in zip(found.labels, found.before, found.after, strict=True)}
    assert max(moved, key=moved.get).lower() in found.words.lower()
    assert "switched" not in found.words  # neurons of another network are other neurons
    same = compare_with_saved(accounts[0], accounts[0])
    assert "No neuron was switched" in same.words
    assert "Nothing moved" in same.words
    turned = account(deeprm, one, states[0], pro=names[1], contra=names[0])
    seen = compare_with_saved(turned, accounts[0])  # the same difference from the other side
    np.testing.assert_allclose(seen.before, seen.after, atol=1e-9)
    foreign = account(deeprm, one, states[0], pro=names[1], contra=deeprm.output.names[-1])
    with pytest.raises(DnnExplainError, match="choose the same two outputs"):
        compare_with_saved(foreign, accounts[0])


def test_curves_of_one_network_and_not_of_two(deeprm, one, other, states):
    knobs = ["job 1 length", "job 2 length"]
    then, now = (curves(deeprm, one, knobs, state=state) for state in states)
    found = compare_with_saved(then, now)
    peaks = np.max([values.max(axis=1) for values in then.activation], axis=0)
    shown = [int(label.split()[1]) for label in found.labels]
    np.testing.assert_array_equal(found.before, peaks[shown])
    with pytest.raises(DnnExplainError, match="neurons are not those"):
        compare_with_saved(curves(deeprm, other, knobs, state=states[0]), now)
    with pytest.raises(DnnExplainError, match="other swept knobs"):
        compare_with_saved(curves(deeprm, one, knobs[:1], state=states[0]), now)


def test_maps_of_thresholds_count_by_object(deeprm, one, other):
    then, now = (threshold_map(deeprm, policy, "length") for policy in (one, other))
    found = compare_with_saved(then, now)
    assert found.labels == tuple(now.knobs)
    np.testing.assert_array_equal(found.before, then.shows.sum(axis=0))
    np.testing.assert_array_equal(found.after, now.shows.sum(axis=0))
    assert f" 0 of {now.shows.size} cells have another threshold" in compare_with_saved(now, now).words
    with pytest.raises(DnnExplainError, match="choose cpu above"):
        compare_with_saved(threshold_map(deeprm, one, "cpu"), now)


def test_grids_by_the_cells_in_common(deeprm, one, other):
    rows = [Shift("deeprm", "deeprm")]
    columns = [Shift(f"rate {rate}", "", {"rate": rate, "steps": 8}, rate) for rate in (0.3, 0.8)]
    then = transfer(deeprm, {"one": one}, rows, columns, rules=["sjf"], sets=2, seed=1, jobs=1)
    now = transfer(deeprm, {"other": other}, rows, columns[1:], rules=["sjf"], sets=3, seed=2, jobs=1)
    found = compare_with_saved(then, now)
    assert found.labels == ("deeprm, rate 0.8",)
    assert found.before[0] == pytest.approx(100 * then.relative[0, 1, 0])
    assert found.after[0] == pytest.approx(100 * now.relative[0, 0, 0])
    assert "2 workloads per cell, now 3" in found.differs
    assert "the seed was 1, now 2" in found.differs
    elsewhere = transfer(deeprm, {"one": one}, rows, columns[:1], rules=["sjf"], sets=2, seed=1, jobs=1)
    with pytest.raises(DnnExplainError, match="no cell that was run in this one too"):
        compare_with_saved(elsewhere, now)


def test_smallest_changes_say_what_was_proved(deeprm, one, states):
    then, now = (attack(deeprm, one, state, objects=1, seconds=20) for state in states)
    found = compare_with_saved(then, now)
    for value, one_side in ((found.before[0], then), (found.after[0], now)):
        assert np.isnan(value) if one_side.distance is None else value == one_side.distance
    assert compare_with_saved(then, then).words.startswith("Then as now: ")


def test_what_cannot_be_compared_says_why(deeprm, one, states):
    decision = decided(deeprm, one, states[0])
    found = compare_with_saved(decision, decision)
    with pytest.raises(DnnExplainError, match=r"DecisionRecord.*choose a file that was saved in this panel"):
        compare_with_saved(decision, threshold_map(deeprm, one, "length"))
    with pytest.raises(DnnExplainError, match="has no comparison"):
        compare_with_saved(found, found)
    foreign = DecisionRecord.from_json(decision.to_json().replace('"deeprm"', '"elevator"'))
    with pytest.raises(DnnExplainError, match="about elevator"):
        compare_with_saved(foreign, decision)
    assert SavedAndNow not in COMPARABLE
