"""Trees as arrays: against scikit-learn, and every export against the tree itself."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import EXPORTS, Tree, export
from dnnexplain.explain.distillation.conditions import bounds, conditions, in_words, question
from dnnexplain.explain.distillation.export import tree_from_json
from dnnexplain.explain.distillation.tree import LEAF, grow, snapped

NAMES = ("job 1 length", "job 1 fits now", "backlog")
UNITS = {"job 1 length": "steps", "job 1 fits now": "", "backlog": "jobs"}
ACTIONS = ("job 1", "job 2", "wait")


def data(seed=0, count=600):
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.integers(1, 16, count), rng.integers(0, 2, count), rng.integers(0, 61, count)])
    actions = np.where(features[:, 1] == 0, 2, np.where(features[:, 0] < 6, 0, 1))
    noisy = rng.random(count) < 0.15
    return features.astype(float), np.where(noisy, rng.integers(0, 3, count), actions), rng.random(count) + 0.1


def tree(seed=0, leaves=25):
    return grow(*data(seed), count=3, leaves=leaves, seed=seed)


def rows(seed, count=200):
    """Features near and on the thresholds of any tree over whole numbers."""
    return np.random.default_rng(seed).integers(-1, 63, (count, 3)) / 2 + np.random.default_rng(seed).integers(0, 2)


def first_valid(one, features, valid):
    order = np.argsort(-one.scores[one.apply(features)], axis=1, kind="stable")
    return np.array([next(a for a in each if ok[a]) for each, ok in zip(order, valid, strict=True)])


def test_grown_tree_predicts_as_scikit_learn():
    from sklearn.tree import DecisionTreeClassifier

    X, y, w = data()
    reference = DecisionTreeClassifier(max_leaf_nodes=25, min_samples_leaf=5, random_state=0).fit(X, y, w)
    mine = tree()
    assert mine.leaves == reference.get_n_leaves()
    assert mine.depth == reference.get_depth()
    np.testing.assert_allclose(mine.scores[mine.apply(rows(3))], reference.predict_proba(rows(3)), atol=1e-12)


def test_pruning_path_is_scikit_learns():
    from sklearn.tree import DecisionTreeClassifier

    X, y, w = data(1)
    options = {"max_leaf_nodes": 25, "min_samples_leaf": 5, "random_state": 1}
    path = DecisionTreeClassifier(**options).cost_complexity_pruning_path(X, y, w)
    alphas = np.unique(path.ccp_alphas.round(12))
    expected = {
        DecisionTreeClassifier(**options, ccp_alpha=alpha + 1e-9).fit(X, y, w).get_n_leaves() for alpha in alphas
    }
    assert {one.leaves for one in tree(1).pruned()} == expected


def test_simplified_tree_has_the_same_first_choices_and_no_idle_question():
    full = tree()
    short = full.simplified()
    assert short.leaves < full.leaves
    np.testing.assert_array_equal(full.action[full.apply(rows(1))], short.action[short.apply(rows(1))])
    for node in np.flatnonzero(short.feature != LEAF):
        below = (short.left[node], short.right[node])
        if all(short.feature[child] == LEAF for child in below):
            assert short.action[below[0]] != short.action[below[1]]


@given(seed=st.integers(0, 50), row=st.integers(0, 199))
@settings(max_examples=25, deadline=None)
def test_conditions_hold_exactly_in_the_leaf(seed, row):
    one = tree(seed % 3)
    features = rows(seed)
    leaf = one.apply(features[row : row + 1])[0]
    assert one.path(features[row])[-1] == leaf
    inside = np.ones(len(features), dtype=bool)
    for feature, (low, high) in bounds(one, leaf).items():
        inside &= (features[:, feature] > low) & (features[:, feature] <= high)
    np.testing.assert_array_equal(inside, one.apply(features) == leaf)
    assert conditions(one, leaf, NAMES, UNITS)


def test_edited_threshold_and_action_decide_anew_and_leave_the_old_tree_alone():
    one = grow(np.array([[1.0], [9.0]] * 10), np.array([0, 2] * 10), np.ones(20), count=3, leaves=2)
    moved = one.with_threshold(0, 0.5)
    assert one.action[one.apply(np.array([[1.0]]))][0] == 0
    assert moved.action[moved.apply(np.array([[1.0]]))][0] == 2
    changed = one.with_action(int(one.left[0]), 1)
    assert changed.action[changed.apply(np.array([[1.0]]))][0] == 1
    assert changed.scores[one.left[0]].sum() == pytest.approx(1)
    with pytest.raises(DnnExplainError, match="it has a threshold"):
        one.with_action(0, 1)
    with pytest.raises(DnnExplainError, match="it has an action"):
        one.with_threshold(1, 3.0)


@pytest.mark.parametrize("seed", range(3))
def test_python_export_decides_as_the_tree(seed):
    one, features = tree(seed), rows(seed)
    valid = np.random.default_rng(seed).random((len(features), 3)) < 0.6
    valid[:, 2] |= ~valid.any(axis=1)
    space = {}
    exec(export(one, "python", NAMES, ACTIONS, UNITS), space)
    said = [space["decide"](row, ok) for row, ok in zip(features, valid, strict=True)]
    np.testing.assert_array_equal(said, first_valid(one, features, valid))
    assert space["decide"](features[0]) == first_valid(one, features[:1], np.ones((1, 3), bool))[0]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler here")
def test_c_export_decides_as_the_tree(tmp_path):
    import ctypes

    one, features = tree(), rows(5)
    valid = np.random.default_rng(5).random((len(features), 3)) < 0.6
    valid[:, 2] |= ~valid.any(axis=1)
    (tmp_path / "rules.c").write_text(export(one, "c", NAMES, ACTIONS, UNITS))
    strict = ["gcc", "-std=c99", "-Wall", "-Werror", "-pedantic", "-shared", "-fPIC", "-o", "rules.so", "rules.c"]
    subprocess.run(strict, cwd=tmp_path, check=True)
    decide = ctypes.CDLL(str(tmp_path / "rules.so")).decide
    said = []
    for row, ok in zip(features, valid, strict=True):
        said.append(decide((ctypes.c_double * 3)(*row), (ctypes.c_ubyte * 3)(*ok.astype(int))))
    np.testing.assert_array_equal(said, first_valid(one, features, valid))


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine here")
def test_javascript_export_decides_as_the_tree(tmp_path):
    one, features = tree(), rows(6)
    valid = np.random.default_rng(6).random((len(features), 3)) < 0.6
    valid[:, 2] |= ~valid.any(axis=1)
    (tmp_path / "rules.js").write_text(export(one, "javascript", NAMES, ACTIONS, UNITS))
    asked = json.dumps([[row.tolist(), ok.tolist()] for row, ok in zip(features, valid, strict=True)])
    code = f"const r = require('./rules.js'); console.log(JSON.stringify({asked}.map(([f, v]) => r.decide(f, v))))"
    done = subprocess.run(["node", "-e", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    np.testing.assert_array_equal(json.loads(done.stdout), first_valid(one, features, valid))


def test_json_export_comes_back_to_the_bit():
    one = tree()
    back = tree_from_json(export(one, "json", NAMES, ACTIONS, UNITS))
    for name in Tree.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(one, name))


def test_text_export_reads_as_words_and_follows_the_tree():
    one = tree(leaves=6).simplified()
    text = export(one, "text", NAMES, ACTIONS, UNITS)
    assert "if not job 1 fits now:" in text
    assert "job 1 length at most 5.5 steps" in text
    for row in rows(7, 40):
        assert _read_text(text, dict(zip(NAMES, row, strict=True))) == ACTIONS[one.action[one.apply(row[None])[0]]]


def _read_text(text, values):
    """A second reader: walks the indented lines by the words alone."""
    lines, at, depth = text.splitlines(), 0, 0
    while lines[at].lstrip().startswith("if "):
        asked = lines[at].strip()[3:-1]
        if asked.startswith("not "):
            yes = values[asked[4:]] <= 0.5
        else:
            name, _, limit = asked.partition(" at most ")
            yes = values[name] <= float(limit.split()[0])
        if not yes:
            at = next(i for i in range(at, len(lines)) if lines[i].startswith("  " * depth + "else"))
        at, depth = at + 1, depth + 1
    return lines[at].strip().partition("  (")[0]


def test_unknown_export_names_the_known_ones():
    with pytest.raises(DnnExplainError, match="javascript"):
        export(tree(), "javascrip", NAMES, ACTIONS)
    assert set(EXPORTS) == {"text", "python", "c", "javascript", "json"}


def test_whole_numbers_are_told_as_such_and_a_fact_as_the_fact():
    units, whole = {"queue": "jobs", "wait": "s", "full": "", "slot": ""}, {"queue", "slot"}
    assert question("queue", 0.5, "jobs", {}, whole) == ("queue at most 0 jobs", "at least 1 job")
    assert question("queue", 3.0, "jobs", {}, whole) == ("queue at most 3 jobs", "at least 4 jobs")
    assert question("wait", 0.5, "s", {}, whole) == ("wait at most 0.5 s", "above 0.5 s")
    assert question("full", 0.0, "", {}, whole) == ("not full", "full")
    for span, words in {
        (0.5, np.inf): "queue is at least 1 job", (-np.inf, 1.5): "queue is at most 1 job", (0.5, 1.5): "queue is 1 job",
        (-0.5, 0.5): "queue is 0 jobs", (1.5, 3.5): "queue is 2 or 3 jobs", (1.5, 6.0): "queue is 2 to 6 jobs",
    }.items():  # fmt: skip
        assert in_words({"queue": span}, units, {}, whole) == words
        allowed = [count for count in range(9) if span[0] < count <= span[1]]
        assert str(allowed[0]) in words or span[0] == -np.inf
        assert str(allowed[-1]) in words or span[1] == np.inf
    assert in_words({"wait": (0.5, 1.5)}, units, {}, whole) == "wait is above 0.5 and at most 1.5 s"
    assert in_words({"full": (0.0, np.inf)}, units, {}, whole) == "full"
    assert in_words({"full": (-np.inf, 0.0)}, units, {}, whole) == "not full"
    assert in_words({"slot": (0.0, np.inf)}, units, {}, whole) == "slot is at least 1"


def test_a_question_for_what_is_absent_says_so_and_not_its_number():
    """Work is 10 to 32 where there is a job and 301 where there is none: CART asks for 166.5."""
    work = np.array([[10.0], [20.0], [32.0], [301.0]] * 10)
    names, units, absent = (
        ("work of shortest job",),
        {"work of shortest job": "unit steps"},
        {"work of shortest job": 301.0},
    )
    learned = grow(work, np.tile([0, 0, 0, 1], 10), np.ones(40), count=2, leaves=2)
    assert learned.threshold[0] == 166.5
    tree = snapped(learned, work, names, absent)
    np.testing.assert_array_equal(tree.apply(work), learned.apply(work))
    assert tree.to_words(names, ("start", "wait"), units, absent).splitlines() == [
        "if there is a shortest job:",
        "  start  (75.0%)",
        "else (there is no shortest job):",
        "  wait  (25.0%)",
    ]
    assert [conditions(tree, leaf, names, units, absent) for leaf in (1, 2)] == [
        "there is a shortest job",
        "there is no shortest job",
    ]
    both = grow(work, np.tile([0, 1, 1, 1], 10), np.ones(40), count=2, leaves=2)
    assert snapped(both, work, names, absent).threshold[0] == 15
    assert conditions(both, 2, names, units, absent) == "work of shortest job is above 15 unit steps, or there is none"
    assert question("slot of shortest job", 0.5, "", {"slot of shortest job": 0.0}) == (
        "there is no shortest job",
        "there is a shortest job",
    )


def test_a_quantity_that_counts_things_does_not_name_them_twice():
    units, span = {"jobs that fit now": "jobs", "backlog": "jobs"}, (0.5, np.inf)
    told = [in_words({name: span}, units, whole=units) for name in units]
    assert told == ["the number of jobs that fit now is at least 1", "backlog is at least 1 job"]
