"""Rules out of policies that set numbers or switches: what is known in closed form is found, and every figure is a plain count."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import dnnexplain as dx
import dnnexplain.explain.distillation
from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import OutputPolicy, OutputRules, distil
from dnnexplain.explain.distillation.outputs.trees import grow_numbers, grow_switches
from dnnexplain.explain.distillation.tree import LEAF
from tests.systems.fakes import Act, Lamps, Valve

SMALL = {"sets": 60, "unseen": 40, "seeds": 2, "rounds": 1, "seed": 3}


def distilled(system, teacher, **options):
    return distil(system, teacher, lambda count, seed: system.workloads("passing", count, seed), **(SMALL | options))


@pytest.fixture(scope="module")
def rate():
    """A rate that is the demand itself: nothing but the demand may be asked for."""
    system = Valve()
    return system, distilled(system, Act("follows demand", system, lambda values: values[:, :1]), leaves=20)


@pytest.fixture(scope="module")
def lamps():
    system = Lamps()
    return system, distilled(system, system.rules()["knows"], leaves=4)


def fresh(system):
    """The states of the figures' kind, drawn anew."""
    return system.encode(np.concatenate(system.workloads("passing", 50, 99)))


def test_a_linear_rule_of_one_knob_is_recovered(rate):
    system, found = rate
    (tree,) = found.trees.trees
    assert {found.features[asked] for asked in tree.feature if asked != LEAF} == {"demand"}
    assert found.leaves <= 20
    assert found.fidelity > 0.99  # twenty steps of a twentieth: none is further off than the tolerance
    assert found.error == pytest.approx(1 / 80, rel=0.35)  # a step of 1/20, uniform within: a quarter of its width
    seen = fresh(system)
    set_to = OutputPolicy(found.trees, system.features).outputs(seen)[:, 0]
    assert np.abs(set_to - system.decode(seen)[:, 0]).max() < 0.1
    order = np.argsort(system.decode(seen)[:, 0])
    assert (np.diff(set_to[order]) >= 0).all()


def test_switches_by_thresholds_are_recovered(lamps):
    _, found = lamps
    assert found.trees.leaves_of_each == (2, 2, 2)
    for place, tree in enumerate(found.trees.trees):
        assert found.features[tree.feature[0]] == f"need {place + 1}"
        assert 4 < tree.threshold[0] < 5
    assert found.fidelity == 1
    assert found.agreement == 1
    assert found.relative == pytest.approx(0)
    assert found.text().startswith("lamp 1:\n  if need 1 at most 4.5 people:\n    off")


@pytest.mark.parametrize("made", ["rate", "lamps"])
def test_the_figures_are_plain_counts(made, request):
    system, found = request.getfixturevalue(made)
    again = np.random.default_rng(0)
    policy = OutputPolicy(found.trees, system.features)
    seen = system.encode(system.low + system.span * again.random((500, len(system.knobs))))
    features = system.features(seen)
    slow = np.array([[tree.scores[tree.path(row)[-1]] for tree in found.trees.trees] for row in features])
    expected = slow[:, 0] if made == "rate" else slow[:, :, 1] > slow[:, :, 0]
    assert system.output.same(system.output.decide(policy.outputs(seen)), expected).all()
    assert found.cost == pytest.approx(found.teacher_cost + found.relative)
    assert len(found.fidelity_each) == len(system.output.names)
    assert found.fidelity <= found.fidelity_each.min() + 1e-12
    assert np.isnan(found.error) == (made == "lamps")


def test_trees_are_scikit_learns():
    rng = np.random.default_rng(1)
    features, weights = rng.random((400, 3)), rng.integers(0, 3, 400).astype(float)
    numbers = np.column_stack([features[:, 0] ** 2, features[:, 1] - features[:, 2]])
    kept = weights > 0
    learned = {"max_leaf_nodes": 9, "min_samples_leaf": 5, "random_state": 0}
    theirs = DecisionTreeRegressor(**learned).fit(features[kept], numbers[kept], weights[kept])
    ours = grow_numbers(features, numbers, weights, leaves=9)
    np.testing.assert_allclose(ours.outputs(features), theirs.predict(features))
    on = numbers > 0.3
    ours = grow_switches(features, on, np.repeat(weights[:, None], 2, axis=1), leaves=9)
    for switch in range(2):
        theirs = DecisionTreeClassifier(**learned).fit(features[kept], on[kept, switch], weights[kept])
        np.testing.assert_array_equal(ours.outputs(features)[:, switch] > 0, theirs.predict(features))


def test_a_policy_that_never_moves_is_one_rule():
    for system in (Valve(), Lamps()):
        found = distilled(system, system.rules()["steady"], leaves=6)
        assert set(found.trees.leaves_of_each) == {1}
        assert found.fidelity == 1
        assert "(100.0%)" in found.text()


@pytest.mark.parametrize("made", ["rate", "lamps"])
def test_exported_rules_decide_alike(made, request, tmp_path):
    system, found = request.getfixturevalue(made)
    features = np.asarray(system.features(fresh(system)), float)[:60]
    expected = system.output.decide(found.trees.outputs(features))
    space = {}
    exec(found.export("python"), space)
    np.testing.assert_array_equal([space["decide"](row) for row in features], expected)
    told = json.loads(found.export("json"))
    assert told["outputs"] == list(system.output.names)
    for nodes, tree in zip(told["trees"], found.trees.trees, strict=True):
        assert nodes["threshold"] == tree.threshold.tolist()
        assert nodes["numbers" if made == "rate" else "scores"] == tree.scores.tolist()
    if shutil.which("node"):
        asked = f"console.log(JSON.stringify({json.dumps(features.tolist())}.map(decide)))"
        answer = subprocess.run(["node", "-e", found.export("javascript") + asked], capture_output=True, check=True)
        np.testing.assert_array_equal(json.loads(answer.stdout), expected)
    if shutil.which("cc"):
        np.testing.assert_array_equal(run_c(found, features, made, tmp_path), expected)


def run_c(found, features, made, folder):
    kind, form = ("double", "%.17g ") if made == "rate" else ("int", "%d ")
    rows = ",".join("{" + ",".join(map(repr, map(float, row))) + "}" for row in features)
    body = (
        f"#include <stdio.h>\n{found.export('c')}\nstatic const double ROWS[][FEATURES] = {{{rows}}};\n"
        f"int main(void) {{ {kind} out[OUTPUTS]; for (int i = 0; i < {len(features)}; i++) {{ decide(ROWS[i], out);\n"
        f'for (int j = 0; j < OUTPUTS; j++) {{ printf("{form}", out[j]); }}\nputs(""); }} }}'
    )
    (folder / "rules.c").write_text(body)
    subprocess.run(["cc", "-Wall", "-Werror", "-o", folder / "rules", folder / "rules.c"], check=True)
    printed = subprocess.run([folder / "rules"], capture_output=True, check=True, text=True).stdout
    return [[float(value) for value in line.split()] for line in printed.splitlines()]


def test_a_result_survives_the_trip_to_a_file(lamps, rate, tmp_path):
    for _, found in (lamps, rate):
        assert OutputRules.load(found.save(tmp_path / "rules.json")) == found
        rows = found.table()
        assert len(rows) == sum(len(tree.feature) for tree in found.trees.trees)
        assert found.sentence() == found.words
        assert found.plot("svg")


def test_the_command_prints_and_writes_the_rules(tmp_path, capsys):
    rules, kept = tmp_path / "rules.py", tmp_path / "kept.json"
    line = ["distill", "tests.systems.fakes:Valve", "--policy", "knows", "--sets", "6", "--unseen", "8", "--seeds", "1"]
    line += ["--rounds", "1", "--leaves", "5"]
    assert main([*line, "--json", "--export", str(rules), "--out", str(kept)]) == 0
    told, found = json.loads(capsys.readouterr().out), OutputRules.load(kept)
    assert told["policy"] == "knows"
    assert told["leaves"] <= 5
    assert told["fidelity"] == found.fidelity
    assert told["mean_absolute_error"] == found.error > 0
    assert told["cost"]["mean"] == pytest.approx(told["relative"]["mean"] + told["teacher_cost"]["mean"])
    assert told["slowdown"] == told["cost"]
    assert "def decide(features):" in rules.read_text()
    assert main(line) == 0
    shown = capsys.readouterr().out
    assert "if demand at most" in shown
    assert "to within 0.05 l/s" in shown


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--polish", "3"), "--polish works on a choice among actions"),
        (("--compare", "steady"), "--compare works on a choice among actions"),
        (("--weighting", "gap"), "no probabilities to weigh decisions by"),
        (("--leaves", "1"), "leaves must be at least 2, not 1"),
    ],
)
def test_what_numbers_do_not_have_is_said(extra, words, capsys):
    assert main(["distill", "tests.systems.fakes:Valve", "--policy", "knows", "--sets", "2", *extra]) == 2
    assert words in capsys.readouterr().err


def test_what_only_a_choice_has_is_refused_and_the_old_name_is_the_one_function():
    system = Valve()
    with pytest.raises(DnnExplainError, match=r"polish works on a choice among actions .* sets numbers: leave it out"):
        distilled(system, system.rules()["knows"], polish=3)
    with pytest.raises(DnnExplainError, match="seeds must be at least 1, not 0"):
        distilled(system, system.rules()["knows"], seeds=0)
    for package in (dnnexplain.explain, dnnexplain.explain.distillation):
        with pytest.warns(DeprecationWarning, match="distil_outputs is now dnnexplain.explain.distillation.distil"):
            assert package.distil_outputs is distil


def test_a_switch_with_nothing_to_learn_from_counts_alike():
    """Where a network is never sure of a switch, all of its decisions weigh 0: they are then learned alike."""
    features = np.arange(40.0)[:, None]
    found = grow_switches(features, features > 19, np.zeros((40, 1)), leaves=4)
    assert found.trees[0].threshold[0] == 19.5


def test_the_short_call_takes_every_space():
    found = dx.distill(Lamps(), "knows", leaves=3, rounds=1, sets=20, unseen=6, seeds=1)
    assert isinstance(found, OutputRules)
    assert "3 switches as knows does, all alike, in 100% of the states it meets (every switch always)" in found.words
