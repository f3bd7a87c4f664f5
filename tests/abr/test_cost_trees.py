"""What every bitrate costs in the states of a session, trees that learn it, and the shortest of trees that cost alike."""

import dataclasses

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Valued
from dnnexplain.explain import distil
from dnnexplain.explain.distillation import TreePolicy
from dnnexplain.explain.distillation.cost_trees import grow_by_cost
from dnnexplain.explain.distillation.decisions import decisions
from dnnexplain.explain.distillation.near_equal import EQUAL, cost_of, near_equal
from dnnexplain.explain.distillation.tree import LEAF
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.runner import play_actions, run_policy

SYSTEM = make_system("abr")
LINKS = SYSTEM.workloads("markov-3g", 6, 3)
BB, RB = SYSTEM.rules()["bb"], SYSTEM.rules()["rb"]


def test_costs_to_come_are_those_of_sessions_played_by_hand():
    """In a state of rb's session: another bitrate once, then bb to the end; by the simulator's replay of the actions."""
    assert isinstance(SYSTEM, Valued)
    states, link, costs = SYSTEM.visit_costs(RB, BB, LINKS)
    chunks = SYSTEM.video.chunks
    sessions = run_policy(LINKS, SYSTEM.video, SYSTEM.params, RB)
    assert len(states) == len(LINKS) * (chunks - 1)
    rng = np.random.default_rng(0)
    for row in rng.integers(len(states), size=6):
        place, chunk, action = int(link[row]), row // len(LINKS) + 1, int(rng.integers(6))
        actions = sessions.actions[place].copy()
        actions[chunk] = action
        for following in range(chunk + 1, chunks):
            _, seen = play_actions([LINKS[place]], SYSTEM.video, SYSTEM.params, actions[None])
            actions[following] = BB.outputs(seen[0, following - 1][None].astype(np.float32)).argmax()
        played, _ = play_actions([LINKS[place]], SYSTEM.video, SYSTEM.params, actions[None])
        assert costs[row, action] == pytest.approx(-played.rewards(SYSTEM.qoe)[0, chunk:].sum(), abs=1e-9)


def test_from_the_first_state_the_teacher_s_own_bitrate_costs_what_its_session_costs():
    states, _, costs = SYSTEM.visit_costs(BB, BB, LINKS)
    own = BB.outputs(states[: len(LINKS)]).argmax(axis=1)
    first = costs[: len(LINKS)][np.arange(len(LINKS)), own]
    np.testing.assert_allclose(first, SYSTEM.run(BB, LINKS).cost, atol=1e-9)


def test_a_tree_follows_the_losses_and_not_the_labels():
    known = decisions(SYSTEM, BB, BB, LINKS, "cost")
    assert known.losses.shape == known.moves.shape
    assert known.losses.min() == 0.0
    assert (known.losses.min(axis=1) == 0).all()
    at, worse = SYSTEM.features.names.index("buffer"), SYSTEM.features.moves.index("1,850 kbps")
    losses = np.ones_like(known.losses)
    losses[:, worse] = np.where(known.features[:, at] > np.median(known.features[:, at]), 0.0, 3.0)
    made = dataclasses.replace(known, losses=losses)
    tree = grow_by_cost(made, made.weight, [2], 0)[0]
    assert tree.leaves == 2
    assert tree.feature[0] == at
    assert tree.action[tree.right[0]] == worse
    assert tree.action[tree.left[0]] != worse


def test_a_rule_is_beaten_by_a_tree_that_learns_what_follows():
    """Labels of bb make a tree that stalls as bb does; what its bitrates cost makes one that does not."""
    found = distil(
        SYSTEM, BB, lambda count, seed: SYSTEM.workloads("markov-3g", count, seed), leaves=8, rounds=2, sets=16, unseen=30,
        seeds=2, weighting="cost", polish=20,
    )  # fmt: skip
    assert found.cost < found.teacher_cost - 2
    assert found.alike[0].leaves == found.leaves <= 8
    leaves = [tree.leaves for tree in found.alike]
    assert leaves == sorted(leaves)
    assert max(found.alike_cost) <= min(found.alike_cost) + EQUAL * abs(min(found.alike_cost)) + 1e-9


def test_an_idle_question_is_taken_out_and_costs_are_those_of_runs():
    known = decisions(SYSTEM, RB, RB, LINKS, "cost")
    tree = grow_by_cost(known, known.weight, [6], 0)[0]
    leaf = int(np.flatnonzero(tree.feature == LEAF)[-1])
    idle = dataclasses.replace(
        tree,
        feature=np.append(np.where(np.arange(len(tree.feature)) == leaf, 1, tree.feature), [LEAF, LEAF]),
        threshold=np.append(np.where(np.arange(len(tree.feature)) == leaf, 1e6, tree.threshold), [0, 0]),
        left=np.append(np.where(np.arange(len(tree.feature)) == leaf, len(tree.feature), tree.left), [LEAF, LEAF]),
        right=np.append(
            np.where(np.arange(len(tree.feature)) == leaf, len(tree.feature) + 1, tree.right), [LEAF, LEAF]
        ),
        scores=np.vstack([tree.scores, tree.scores[leaf], np.roll(tree.scores[leaf], 1)]),
        weight=np.append(tree.weight, [0.1, 0.0]),
    )
    cost = cost_of(SYSTEM, idle, LINKS, 0)
    found = near_equal(SYSTEM, [(idle, cost)], LINKS, 0, share=0.0)
    assert found[0][0].leaves < idle.leaves
    for one, told in found:
        assert told == SYSTEM.run(TreePolicy(one, SYSTEM.features, 6), LINKS).cost.mean()
        assert told <= cost


def test_trees_count_as_alike_by_the_cheapest_of_all_those_that_were_shortened_too():
    """Without one question this tree costs far less: with it, it is not as good as the same."""
    known = decisions(SYSTEM, RB, RB, LINKS, "cost")
    tree = grow_by_cost(known, known.weight, [4], 0)[0]
    last = max(np.flatnonzero(tree.feature != LEAF))
    worse = tree.with_action(int(tree.right[last]), SYSTEM.features.moves.index("4,300 kbps"))
    worse = worse.with_action(int(worse.left[last]), SYSTEM.features.moves.index("750 kbps"))
    cost = cost_of(SYSTEM, worse, LINKS, 0)
    found = near_equal(SYSTEM, [(worse, cost)], LINKS, 0)
    least = min(told for _, told in found)
    assert least < cost - EQUAL * abs(cost)
    assert all(told <= least + EQUAL * abs(least) for _, told in found)


def test_systems_that_cannot_branch_say_so():
    deeprm = make_system("deeprm")
    with pytest.raises(DnnExplainError, match="what every action costs"):
        distil(deeprm, deeprm.rules()["sjf"], lambda n, s: deeprm.workloads("deeprm", n, s), weighting="cost", sets=2)
