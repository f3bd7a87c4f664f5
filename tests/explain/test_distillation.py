"""Distillation end to end on a small DeepRM: a rule comes out as itself, figures are what they say."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from dnnexplain import sampling
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import Distillation, TreePolicy, disagree, distil
from dnnexplain.explain.distillation.decisions import decisions, importance
from dnnexplain.explain.distillation.figures import best_sentence, macro_f1
from dnnexplain.systems import make_system


@pytest.fixture(scope="module")
def system():
    return make_system("deeprm", slots=3)


@pytest.fixture(scope="module")
def draw(system):
    return lambda count, seed: system.workloads("deeprm", count, seed, rate=0.6, steps=20)


@pytest.fixture(scope="module")
def found(system, draw):
    return distil(system, system.rules()["sjf"], draw, leaves=8, rounds=1, sets=8, unseen=12, seeds=2, seed=3)


def test_shortest_job_first_is_told_in_a_few_rules(found):
    assert found.leaves <= 8
    assert found.fidelity > 0.99
    assert abs(found.relative) < 0.01
    assert "start the shortest job that fits now" in found.text()


def test_figures_are_those_of_the_tree_on_unseen_workloads(system, draw, found):
    again = distil(system, system.rules()["sjf"], draw, leaves=8, rounds=1, sets=8, unseen=12, seeds=2, seed=3)
    assert found == again
    assert np.isnan(found.fidelity_low) or found.fidelity_low <= found.fidelity <= found.fidelity_high
    assert found.cost_low <= found.cost <= found.cost_high
    assert found.relative == pytest.approx(found.cost / found.teacher_cost - 1)
    assert (found.path_leaves <= found.sizes).all()
    other = distil(system, system.rules()["sjf"], draw, leaves=8, rounds=1, sets=8, unseen=12, seeds=2, seed=4)
    assert other.teacher_cost != found.teacher_cost


def test_result_is_saved_without_loss(found, tmp_path):
    found.save(tmp_path / "rules.json")
    assert Distillation.load(tmp_path / "rules.json") == found
    assert len(found.table()) == len(found.tree.feature)


def test_the_best_sentence_is_the_rule_itself_and_stands_beside_the_tree(system, draw, found):
    assert found.single == "start the shortest job that fits now, else wait"
    assert found.single_fidelity == found.single_free == 1.0
    assert f'where "{found.single}" alone says 100%' in found.words
    known = decisions(system, system.rules()["tetris"], system.rules()["tetris"], draw(6, 3), "none")
    told = best_sentence(known, known)
    each = []
    for move in range(len(system.features.moves)):
        scores = np.zeros(known.moves.shape)
        scores[:, move] = 1.0
        each.append((known.follow(scores) == known.action).mean())
    assert told["single_fidelity"] == max(each)
    assert told["single"] == int(np.argmax(each))


def test_path_gives_smaller_trees(found):
    assert found.at_most(2).leaves <= 2
    assert found.at_most(1).leaves <= 2
    assert found.at_most(8).leaves >= found.at_most(3).leaves


def test_tree_policy_runs_like_any_policy_and_is_masked(system, draw, found):
    policy = TreePolicy(found.tree, system.features, 4)
    observations, _ = system.visit(policy, draw(3, 9))
    valid = system.valid_actions(observations)
    action = sampling.choose(policy.outputs(observations), valid)
    assert valid[np.arange(len(valid)), action].all()
    assert system.run(policy, draw(3, 9)).metrics["starved"].sum() == 0


def test_visit_gives_the_states_of_a_run_in_order(system, draw):
    workloads = draw(3, 5)
    policy = system.rules()["tetris"]
    observations, episode = system.visit(policy, workloads)
    for one, workload in enumerate(workloads):
        np.testing.assert_allclose(observations[episode == one], system.replay(policy, workload).observations)


def test_importance_is_the_gap_of_log_probabilities_and_nothing_where_there_is_no_choice():
    outputs = np.array([[3.0, 1.0, 0.0], [3.0, 1.0, 0.0], [50.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    valid = np.array([[True, True, False], [False, True, False], [True, True, True], [True, True, True]])
    np.testing.assert_allclose(importance(outputs, valid), [2.0, 0.0, 10.0, 0.0])
    np.testing.assert_allclose(importance(outputs, valid, "none"), [1, 0, 1, 1])
    chance = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(importance(outputs, valid, "margin")[:2], [2 * chance - 1, 0])
    with pytest.raises(DnnExplainError, match="margin"):
        importance(outputs, valid, "margins")


def test_every_decision_is_told_by_a_move_that_is_it(system, draw):
    known = decisions(system, system.rules()["packer"], system.rules()["sjf"], draw(3, 2))
    np.testing.assert_array_equal(known.moves[np.arange(len(known.move)), known.move], known.action)
    scores = np.eye(known.moves.shape[1])[known.move]
    valid = known.valid[np.arange(len(known.action)), known.action]
    np.testing.assert_array_equal(known.follow(scores)[valid], known.action[valid])


def test_macro_f1_is_scikit_learns():
    rng = np.random.default_rng(0)
    true, said = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    assert macro_f1(true, said) == pytest.approx(f1_score(true, said, average="macro"))


def test_a_rule_does_not_differ_from_itself_and_two_rules_do_where_it_is_said(system, draw):
    rules = system.rules()
    workloads = draw(12, 7)
    same = disagree(system, rules["sjf"], rules["sjf"], workloads)
    assert same.same == same.same_free == 1
    assert same.tree.leaves == 1
    apart = disagree(system, rules["packer"], rules["sjf"], workloads)
    assert apart.same < 1
    assert 1 - np.trace(apart.table_of_actions) / apart.table_of_actions.sum() == pytest.approx(1 - apart.same)
    assert apart.recall > 0.3
    assert apart.precision > 1.5 * (1 - apart.same_free)
    assert "differs mostly where" in apart.words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaves": 1}, "leaves must be at least 2"),
        ({"seeds": 0}, "seeds"),
        ({"weighting": "gaps"}, "Did you mean 'gap'"),
    ],
)
def test_wrong_settings_are_refused_in_words(system, draw, change, message):
    with pytest.raises(DnnExplainError, match=message):
        distil(system, system.rules()["sjf"], draw, **{"sets": 2, "unseen": 2, **change})


def test_a_system_without_features_is_refused(draw):
    with pytest.raises(DnnExplainError, match="cannot be told as rules"):
        distil(object(), None, draw)
