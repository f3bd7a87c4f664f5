"""Every language that rules are exported in is run beside the tree, and its head says so, or that it was not run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import certificate, export, export_outputs, running
from dnnexplain.explain.distillation.certificate import certify_export, checked_export, probing_rows
from dnnexplain.explain.distillation.export import tree_from_json
from dnnexplain.explain.distillation.outputs.trees import grow_numbers, grow_switches
from dnnexplain.explain.distillation.running import RUNNERS, lacking_tool, run_export
from dnnexplain.explain.distillation.tree import grow

NAMES, OUTPUTS = ("load", "queue", "rate"), ("left", "right")
FEATURES = np.round(np.random.default_rng(3).normal(size=(300, 3)), 2)


def choice():
    moves = (FEATURES[:, 0] > 0.1) + (FEATURES[:, 1] * FEATURES[:, 2] > 0.2).astype(np.int64)
    tree = grow(FEATURES, moves, np.ones(300), count=3, leaves=9, seed=0)
    tree.scores[np.flatnonzero(tree.feature < 0)[0]] = 0.25  # a tie is the first action's
    return tree


def written(made, kind):
    if made == "choice":
        tree = choice()
        return tree, export(tree, kind, NAMES, ("one", "two", "three"), {"load": "GB"})
    if made == "numbers":
        trees = grow_numbers(
            FEATURES, np.column_stack([FEATURES[:, 0] / 3, FEATURES[:, 1] ** 2]), np.ones(300), leaves=8
        )
    else:
        on = np.column_stack([FEATURES[:, 0] > 0.3, FEATURES[:, 1] + FEATURES[:, 2] > 0])
        trees = grow_switches(FEATURES, on, np.ones((300, 2)), leaves=7)
    return trees, export_outputs(trees, kind, NAMES, OUTPUTS, unit="Gb/s" if made == "numbers" else "")


@pytest.mark.parametrize("kind", RUNNERS)
@pytest.mark.parametrize("made", ["choice", "numbers", "switches"])
def test_every_language_gives_the_trees_answers_and_says_so(made, kind):
    if lacking_tool(kind):
        pytest.skip(lacking_tool(kind))
    trees, text = written(made, kind)
    found = checked_export(text, kind, trees)
    assert found.certificate is not None
    assert found.certificate.holds
    assert "the same answer on each of 2,000 rows" in found.comparison
    assert found.comparison in (json.loads(found.text)["checked"] if kind == "json" else found.text)
    assert certify_export(found.text, kind, trees).holds  # with its head it still runs
    wrong = (
        text.replace("<=", "<")
        if kind != "json"
        else text.replace(repr(nodes_of(text)[0]), repr(nodes_of(text)[0] + 1))
    )
    spoiled = checked_export(wrong, kind, trees)
    assert not spoiled.certificate.holds
    assert "does not decide as its tree" in spoiled.text


def nodes_of(text):
    told = json.loads(text)
    return (told["nodes"] if "nodes" in told else told["trees"][0])["threshold"]


def test_all_languages_agree_where_few_actions_are_valid():
    tree, rows = choice(), probing_rows(choice(), seed=7)[:300]
    valid = np.random.default_rng(2).random((300, 3)) < 0.4
    valid[:, 1] |= ~valid.any(axis=1)
    expected = np.where(valid, tree.scores[tree.apply(rows)], -np.inf).argmax(axis=1)
    assert len(set(expected)) == 3
    for kind in RUNNERS:
        if not lacking_tool(kind):
            np.testing.assert_array_equal(run_export(kind, written("choice", kind)[1], rows, valid), expected)


def test_what_could_not_be_run_says_so_in_its_head(monkeypatch):
    tree, text = written("choice", "c")
    monkeypatch.setattr(running.shutil, "which", lambda _: None)
    found = checked_export(text, "c", tree)
    assert found.certificate is None
    assert "* Not run beside its tree: this machine has no C compiler (cc).\n" in found.text
    assert checked_export("as words", "text", tree) == certificate.CheckedExport("as words", None, "")
    assert checked_export("program", "a system's own", tree).comparison.startswith("Not run beside its tree")
    with pytest.raises(DnnExplainError, match="takes a JavaScript engine"):
        run_export("javascript", "", FEATURES)


def test_a_json_export_is_still_a_tree_with_its_head():
    tree, text = written("choice", "json")
    back = tree_from_json(checked_export(text, "json", tree).text)
    np.testing.assert_array_equal(back.threshold, tree.threshold)
