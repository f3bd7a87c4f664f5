import itertools
from dataclasses import replace

import numpy as np
import pytest

from dnnexplain.explain.distillation.changing import changed
from dnnexplain.explain.distillation.cutting import best_cut, cut_by_losses, reaches
from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.polishing import Race, polish
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.systems.abr import AdaptiveBitrate
from dnnexplain.systems.abr.traces import Trace

SYSTEM = AdaptiveBitrate()
EVEN = [Trace("even", np.arange(0.0, 40.0), np.full(40, rate)) for rate in (1.0, 3.0)]
NAMES = SYSTEM.features.names


def stump(threshold, low, high):
    """A tree that asks for one bitrate below a throughput and for another one above."""
    scores = np.zeros((3, len(SYSTEM.features.moves)))
    moves = SYSTEM.features.moves
    scores[0, moves.index(low)] = scores[1, moves.index(low)] = scores[2, moves.index(high)] = 1.0
    at = NAMES.index("throughput 1")
    return Tree(
        np.array([at, -1, -1]),
        np.array([threshold, 0, 0]),
        np.array([1, -1, -1]),
        np.array([2, -1, -1]),
        scores,
        np.ones(3),
    )


def seen(tree):
    return SYSTEM.features(SYSTEM.visit(TreePolicy(tree, SYSTEM.features, 6), EVEN)[0])


def test_a_tree_that_stalls_is_mended_and_its_cost_is_the_one_told():
    bad = stump(0.1, "750 kbps", "4,300 kbps")
    better, cost = polish(SYSTEM, bad, seen(bad), EVEN, trials=60, seed=0)
    again = SYSTEM.run(TreePolicy(better, SYSTEM.features, 6), EVEN).cost.mean()
    before = SYSTEM.run(TreePolicy(bad, SYSTEM.features, 6), EVEN).cost.mean()
    assert cost == pytest.approx(again)
    assert cost < before - 50
    assert better.leaves == bad.leaves


def test_no_trials_change_nothing():
    tree = stump(2.0, "750 kbps", "1,850 kbps")
    assert polish(SYSTEM, tree, seen(tree), EVEN, trials=0, seed=0)[0] is tree


def test_rows_that_reach_a_node_are_those_whose_path_holds_it():
    tree = stump(1.5, "750 kbps", "1,850 kbps")
    rows = seen(tree)
    for node in range(3):
        assert reaches(tree, rows, node).tolist() == [node in tree.path(row) for row in rows]


def test_a_leaf_may_be_cut_in_two_while_there_is_room():
    """One move for both links is worse than the best; the question that tells them apart has to be found.

    Of the moves that a tree of ten has: those after them suit both links by themselves.
    """
    whole = stump(0.1, "750 kbps", "750 kbps").simplified()
    whole = replace(whole, scores=whole.scores[:, :10])
    assert whole.leaves == 1
    rows = seen(whole)
    grown, cost = polish(SYSTEM, whole, rows, EVEN, trials=300, seed=0, leaves=3)
    same, before = polish(SYSTEM, whole, rows, EVEN, trials=300, seed=0)
    assert 2 <= grown.leaves <= 3
    assert same.leaves == 1
    assert cost < before - 5


def drawn_tree(rng, leaves=6):
    """A tree by cutting leaves at random."""
    tree, rows = stump(1.5, "750 kbps", "1,850 kbps"), rng.uniform(0, 4, (200, len(NAMES)))
    while tree.leaves < leaves:
        tree = changed(tree, rows, rng, room=True) or tree
    return tree, rows


def test_a_change_is_one_tree_of_at_most_one_leaf_more():
    rng = np.random.default_rng(0)
    tree, rows = drawn_tree(rng)
    for _ in range(200):
        trial = changed(tree, rows, rng, room=False)
        assert trial is None or trial.leaves <= tree.leaves
        trial = changed(tree, rows, rng, room=True)
        assert trial is None or trial.leaves <= tree.leaves + 1


def test_without_a_question_one_answer_holds_for_all():
    rng = np.random.default_rng(1)
    tree, rows = drawn_tree(rng, 8)
    for node in np.flatnonzero(tree.feature >= 0):
        for left in (True, False):
            asked = reaches(tree, rows, node)
            shorter = tree.without(int(node), left=left)
            assert shorter.leaves < tree.leaves
            below = (tree.left if left else tree.right)[node]
            said = np.array([tree.action[_end(tree, row, int(below))] for row in rows[asked]])
            now, before = shorter.action[shorter.apply(rows)], tree.action[tree.apply(rows)]
            assert np.array_equal(now[asked], said)
            assert np.array_equal(now[~asked], before[~asked])


def _end(tree, row, node):
    while tree.feature[node] >= 0:
        node = int(tree.left[node] if row[tree.feature[node]] <= tree.threshold[node] else tree.right[node])
    return node


def test_what_only_fits_the_links_it_was_tuned_by_is_undone():
    """Tuned on a fast link alone, a tree asks for too much; a slow link that is held out keeps it as it was."""
    slow, fast = EVEN
    careful = stump(2.0, "300 kbps", "750 kbps")
    rows = seen(careful)
    tuned, cost = polish(SYSTEM, careful, rows, [fast], trials=40, seed=0)
    kept, held = polish(SYSTEM, careful, rows, [fast], trials=40, seed=0, held=[slow])

    def run(tree, link):
        return SYSTEM.run(TreePolicy(tree, SYSTEM.features, 6), [link]).cost[0]

    assert cost == pytest.approx(run(tuned, fast))
    assert held == pytest.approx(run(kept, slow))
    assert held <= min(run(careful, slow), run(tuned, slow))
    assert cost < run(kept, fast) + 1e-9


def test_a_trial_that_is_clearly_worse_is_given_up_early():
    """It is run on the first eighth of the links alone."""
    links = [Trace(f"even {n}", np.arange(0.0, 40.0), np.full(40, 1.0 + n / 200)) for n in range(400)]
    good, bad = stump(0.1, "750 kbps", "750 kbps"), stump(0.1, "4,300 kbps", "4,300 kbps")
    played = []

    class Counting:
        features, output = SYSTEM.features, SYSTEM.output

        def run(self, policy, workloads, *, seed=0):
            played.append(len(workloads))
            return SYSTEM.run(policy, workloads, seed=seed)

    race = Race(Counting(), good, links, 0, np.random.default_rng(0))
    assert played == [16, 32, 112, 240]
    assert not race.won(bad)
    assert played[4:] == [16, 32]
    assert race.tree is good


def lost_at(threshold, values, losses):
    below = values <= threshold
    return losses[below].sum(axis=0).min() + losses[~below].sum(axis=0).min()


def test_the_best_cut_is_the_one_that_trying_all_finds():
    rng = np.random.default_rng(3)
    for _ in range(20):
        values, losses = np.round(rng.uniform(0, 3, 60), 1), rng.exponential(1.0, (60, 4))
        losses[values > 1.5, 0] += 1.0
        losses[values <= 1.5, 1] += 1.0
        threshold, low, high = best_cut(values, losses)
        every = [(one + two) / 2 for one, two in itertools.pairwise(np.unique(values))]
        fitting = [at for at in every if 10 <= (values <= at).sum() <= 50]
        assert lost_at(threshold, values, losses) == pytest.approx(min(lost_at(at, values, losses) for at in fitting))
        below = values <= threshold
        assert low == losses[below].sum(axis=0).argmin()
        assert high == losses[~below].sum(axis=0).argmin()
    assert best_cut(np.ones(60), losses) is None
    assert best_cut(values, np.tile([0.0, 1.0], (60, 1))) is None


def test_known_losses_propose_the_question_that_tells_two_moves_apart():
    """One move is right below a throughput of 2, another one above: the cut that is drawn for this quantity says so."""
    rng = np.random.default_rng(4)
    rows, at = rng.uniform(0, 4, (2_000, len(NAMES))), NAMES.index("throughput 1")
    losses = np.ones((2_000, len(SYSTEM.features.moves)))
    losses[rows[:, at] <= 2.0, 4], losses[rows[:, at] > 2.0, 7] = 0.0, 0.0
    whole = stump(0.1, "300 kbps", "300 kbps").simplified()
    trials = [cut_by_losses(whole, rows, losses, rng, room=True) for _ in range(200)]
    found = [trial for trial in trials if trial is not None and trial.feature[0] == at]
    assert found
    for trial in found:
        assert trial.threshold[0] == pytest.approx(2.0, abs=0.02)
        assert trial.action[trial.apply(rows)].tolist() == np.where(rows[:, at] <= trial.threshold[0], 4, 7).tolist()
    assert all(cut_by_losses(whole, rows, losses, rng, room=False) is None for _ in range(5))
