"""The rules panel: rules light up, are changed and run, taken back, shown by their states, kept and exported."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dnnexplain import sampling
from dnnexplain.contract import DnnExplainError, State
from dnnexplain.counts import counted, unit_of
from dnnexplain.explain.distillation import Rulebook, TreePolicy
from dnnexplain.explain.distillation.export import tree_from_json
from dnnexplain.explain.distillation.tree import LEAF
from dnnexplain.policies import TorchPolicy
from dnnexplain.results import same
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.training.teachers import read_teacher
from dnnexplain_widgets import RulesPanel, Session
from dnnexplain_widgets.panels.rules import view as figures
from dnnexplain_widgets.panels.rules.work import EDITED
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, linear_network
from tests.jobs import until_no_job_is_left

WORLD = DeepRM(slots=2)
SMALL = {"sets": 4, "unseen": 6, "rounds": 1, "seeds": 2}


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})
    settle(panel)


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})
    settle(panel)


def settle(panel):
    until_no_job_is_left()
    assert panel.jobs.current is None


def make_panel(policy=None, **options):
    panel = RulesPanel(
        WORLD, policy or WORLD.rules()["packer"], settings=SMALL, compare_sets=6, bound_seconds=0, **options
    )
    panel.set_answers(**{"leaves": 8, "knob steps": 20, "knob rate": 0.6})
    return panel


@pytest.fixture(scope="module")
def learned():
    panel = make_panel()
    press(panel, "distil")
    assert panel.error == ""
    return panel.result


@pytest.fixture
def panel(learned):
    panel = make_panel()
    panel.load(learned)
    settle(panel)
    assert panel.error == ""
    return panel


def leaves_of(panel):
    return [line["leaf"] for line in panel.figure["rules"]["lines"] if "leaf" in line]


def ask_of(panel):
    """The first line that compares with a number."""
    return next(line for line in panel.figure["rules"]["lines"] if "threshold" in line)


def test_before_there_are_rules_only_the_way_to_them_is_offered():
    panel = make_panel()
    assert panel.figure == {}
    assert "export" not in {control["name"] for control in panel.controls}
    press(panel, "undo")
    assert panel.error == "Distil first; there are no rules yet."
    assert panel.result is None


def test_distilled_rules_have_a_sentence_a_badge_and_costs(learned):
    panel = make_panel()
    press(panel, "distil")
    found = panel.result.distillation
    assert found == learned.distillation
    assert panel.sentence == found.words
    assert panel.badge["figures"][0]["value"].startswith(f"{100 * found.fidelity:.1f}%")
    table = panel.figure["cells"]
    assert [row["label"] for row in table["rows"]] == ["packer", f"{found.tree.leaves} rules", "Hold"]
    assert panel.busy == {}


def test_every_leaf_is_told_once_and_holds_its_share_of_the_states(panel):
    told = leaves_of(panel)
    tree = panel.result.tree
    assert sorted(leaf["node"] for leaf in told) == np.flatnonzero(tree.feature == LEAF).tolist()
    assert sum(leaf["count"] for leaf in told) == len(panel.desk.ground.observations)


def test_lines_read_from_top_to_bottom_decide_as_the_tree(panel):
    """A second reader: the first line whose condition holds, deeper lines first."""
    tree = panel.result.tree
    speech, lines = panel.desk.speech(), panel.figure["rules"]["lines"]

    def read(features, at=0, depth=0):
        while True:
            line = lines[at]
            if "node" not in line:
                return line["leaf"]["node"]
            value = features[tree.feature[line["node"]]]
            if "threshold" in line:
                holds = (
                    value > line["threshold"]
                    if line["text"].endswith(("above", "at least"))
                    else value <= line["threshold"]
                )
            else:
                holds = (value > 0.5) != line["text"].startswith("not ")
            if holds:
                if "leaf" in line:
                    return line["leaf"]["node"]
                return read(features, at + 1, depth + 1)
            at = next(i for i in range(at + 1, len(lines)) if lines[i]["depth"] == depth)

    for features in panel.desk.ground.known.features[::7]:
        assert read(features) == figures.passed(speech, features)["path"][-1]


def test_the_path_of_the_state_is_lit_at_each_step(panel):
    for at in (0, 5, 40):
        panel.session.state = State(
            WORLD.decode(panel.desk.ground.observations[at : at + 1])[0], panel.desk.ground.observations[at]
        )
        path = panel.lit["path"]
        assert path == panel.result.tree.path(panel.desk.ground.known.features[at])
        assert set(panel.lit["now"]) == {str(node) for node in path[:-1]}


def test_rules_that_decide_otherwise_in_the_present_state_say_so(panel):
    ground, tree, names = panel.desk.ground, panel.result.tree, WORLD.output.names
    at = int(np.flatnonzero(ground.known.free)[0])  # more than one action is allowed
    seen, action = ground.observations[at : at + 1], int(ground.known.action[at])
    panel.session.state = State(WORLD.decode(seen)[0], seen[0])
    assert panel.lit["otherwise"] == (ground.decide(tree)[at] != action)
    leaf, met = tree.path(ground.known.features[at])[-1], set()
    for move in range(len(panel.result.distillation.actions)):
        panel.desk.edits.edit(tree.with_action(leaf, move))
        panel._draw()
        does = int(ground.decide(panel.result.tree)[at])
        otherwise = f"the network decides otherwise: {names[action]}; the rules: {names[does]}."
        same = f"the rules and the network do the same: {names[action]}."
        assert panel.lit["otherwise"] == (does != action)
        assert panel.lit["said"] == f"In the present state {same if does == action else otherwise}"
        met.add(does == action)
    assert met == {True, False}


def test_what_is_not_there_is_said_so(panel):
    for name, value in WORLD.features.absent.items():
        at = WORLD.features.names.index(name)
        empty = WORLD.features(np.zeros((1, *WORLD.observation_shape), dtype=np.float32))[0]
        assert empty[at] == value
    tree = panel.desk.speech().tree  # made to ask about what may be absent
    node, feature = int(np.flatnonzero(tree.feature != LEAF)[0]), tree.feature.copy()
    feature[node] = WORLD.features.names.index(next(iter(WORLD.features.absent)))
    panel.desk.edits.edit(replace(tree, feature=feature))
    speech = panel.desk.speech()
    name, unit, _ = speech.quantity(node)
    assert name in WORLD.features.absent
    assert speech.value_words(node, WORLD.features.absent[name]) == "none"
    assert speech.value_words(node, 1.0) == f"1 {unit_of('1', unit)}".rstrip()
    assert speech.value_words(node, 2.0) == f"2 {unit}".rstrip()


def test_lighting_a_path_fits_in_a_step_of_a_drag(panel):
    import time

    panel._light()
    began = time.thread_time()
    for _ in range(20):
        panel._light()
    assert (time.thread_time() - began) / 20 < 0.02


def test_a_changed_action_is_run_at_once_and_can_be_taken_back(panel):
    before, figure = panel.result.tree, panel.figure
    leaf = max(leaves_of(panel), key=lambda leaf: leaf["count"])
    wait = panel.desk.finding.actions.index("wait")
    other = next(index for index in range(len(panel.desk.finding.actions)) if index not in (leaf["action"], wait))
    answer(panel, action=[leaf["node"], other, 1])
    assert panel.error == ""
    changed = panel.result.tree
    assert changed.action[leaf["node"]] == other
    cost = WORLD.run(TreePolicy(changed, WORLD.features, 3), panel.desk.ground.workloads, seed=1).cost.mean()
    row = next(row for row in panel.figure["cells"]["rows"] if row["label"] == EDITED)
    assert row["cells"][0]["text"] == f"{cost:.3g}"
    assert panel.sentence.startswith(f"Mean slowdown {cost:.3g}")
    assert next(one for one in leaves_of(panel) if one["node"] == leaf["node"])["changed"]
    press(panel, "undo")
    assert panel.result.tree is before
    assert panel.figure["rules"] == figure["rules"]
    press(panel, "redo")
    assert panel.result.tree is changed


def test_a_changed_threshold_moves_states_between_rules(panel):
    line = ask_of(panel)
    low = float(panel.desk.ground.known.features[:, panel.result.tree.feature[line["node"]]].min())
    answer(panel, threshold=[line["node"], low - 1, 1])
    assert ask_of(panel)["threshold"] == low - 1
    assert ask_of(panel)["changed"]
    assert panel.result.changed == (line["node"],)
    said = panel.desk.ground.decide(panel.result.tree)
    same = 100 * np.mean(said == panel.desk.ground.known.action)
    assert f"{same:.1f}% of the states" in panel.sentence


def test_a_threshold_that_is_no_number_is_refused_and_nothing_is_lost(panel):
    before = panel.result.tree
    answer(panel, threshold=[ask_of(panel)["node"], float("nan"), 1])
    assert "finite number" in panel.error
    assert panel.result.tree is before


def test_the_slider_goes_along_the_sizes_and_keeps_changes(panel):
    leaf = leaves_of(panel)[0]
    other = (leaf["action"] + 1) % len(panel.desk.finding.actions)
    answer(panel, action=[leaf["node"], other, 1])
    changed = panel.result.tree
    answer(panel, size=0)
    assert panel.result.tree is panel.desk.finding.path_trees[0]
    assert panel.figure["sizes"]["at"] == 0
    assert counted(panel.result.tree.leaves, "rule") in [row["label"] for row in panel.figure["cells"]["rows"]]
    press(panel, "undo")
    assert panel.result.tree is changed
    curves = panel.figure["sizes"]["charts"]
    np.testing.assert_allclose(curves[0]["lines"][0], 100 * panel.desk.finding.path_fidelity[panel.desk.finding.chosen])


def test_a_rule_opens_its_states_one_after_the_other(panel):
    leaf = max(leaves_of(panel), key=lambda leaf: leaf["count"])
    answer(panel, leaf=[leaf["node"], 1])
    states = panel.desk.states(leaf["node"])
    assert len(states) == leaf["count"] > 1
    np.testing.assert_array_equal(panel.session.state.background, panel.desk.ground.observations[states[0]])
    assert panel.lit["path"][-1] == leaf["node"]
    assert f"State 1 of {len(states):,}" in panel.sentence
    press(panel, "previous")
    np.testing.assert_array_equal(panel.session.state.background, panel.desk.ground.observations[states[-1]])
    press(panel, "next")
    np.testing.assert_array_equal(panel.session.state.background, panel.desk.ground.observations[states[0]])


def test_states_can_be_those_where_the_network_differs(learned):
    drawn = TorchPolicy(mlp(WORLD, seed=3, scale=3.0), WORLD, name="drawn")
    panel = make_panel(drawn)
    panel.load(learned)
    settle(panel)
    leaf = max(leaves_of(panel), key=lambda leaf: len(_differ(panel, leaf["node"])))
    answer(panel, leaf=[leaf["node"], 1])
    answer(panel, which="differ")
    states = _differ(panel, leaf["node"])
    assert 0 < len(states) < leaf["count"]
    assert f"State 1 of {len(states)} " in panel.sentence
    valid = WORLD.valid_actions(panel.session.state.background[None])
    policy = TreePolicy(panel.result.tree, WORLD.features, 3)
    said = sampling.choose(policy.outputs(panel.session.state.background[None]), valid)
    assert said != sampling.choose(drawn.outputs(panel.session.state.background[None]), valid)


def _differ(panel, leaf):
    known = panel.desk.ground.known
    tree = panel.result.tree
    return np.flatnonzero((tree.apply(known.features) == leaf) & (panel.desk.ground.decide(tree) != known.action))


def test_where_the_network_is_not_a_rule_is_a_tree_of_its_own(panel):
    answer(panel, view="sjf")
    assert panel.error == ""
    apart = panel.desk.apart["sjf"]
    assert panel.sentence == apart.words
    assert not panel.figure["rules"]["editable"]
    assert "sizes" not in panel.figure
    assert panel.lit["path"] == apart.tree.path(WORLD.features(panel.session.live.observation[None])[0])
    marked = [leaf for leaf in leaves_of(panel) if leaf["mark"]]
    assert all(leaf["text"] == "the network is not SJF" for leaf in marked)
    answer(panel, view="rules")
    assert panel.figure["rules"]["editable"]
    assert panel.sentence == panel.desk.finding.words


def test_the_optimum_is_bounded_once_and_drawn(learned):
    panel = RulesPanel(WORLD, WORLD.rules()["packer"], settings=SMALL, compare_sets=3, bound_seconds=5)
    panel.set_answers(**{"leaves": 8, "knob steps": 10, "knob rate": 0.5})
    panel.load(learned)
    settle(panel)
    bounds = [WORLD.bound(work, seconds=5) for work in panel.desk.ground.workloads]
    assert panel.result.comparison.optimum == pytest.approx(
        (np.mean([b.lower for b in bounds]), np.mean([b.upper for b in bounds]))
    )
    assert panel.figure["cells"]["rows"][-1]["label"] == "Optimum, all work known"
    assert (panel.result.comparison.cost >= panel.result.comparison.lower - 1e-9).all()


@pytest.mark.parametrize("kind", ["text", "python", "c", "javascript", "json"])
def test_exports_are_those_of_the_rules_as_they_stand(panel, kind):
    leaf = leaves_of(panel)[0]
    answer(panel, action=[leaf["node"], 0, 1])
    answer(panel, format=kind)
    press(panel, "export")
    assert panel.download["text"] == panel.export(kind)
    if kind == "json":
        np.testing.assert_array_equal(tree_from_json(panel.download["text"]).scores, panel.result.tree.scores)
        assert json.loads(panel.download["text"])["actions"] == list(panel.desk.finding.actions)


def test_edited_rules_are_a_teacher(panel, tmp_path):
    leaf = max(leaves_of(panel), key=lambda leaf: leaf["count"])
    answer(panel, action=[leaf["node"], panel.desk.finding.actions.index("wait"), 1])
    (tmp_path / "rules.json").write_text(panel.export("json"))
    told, rules = read_teacher([str(tmp_path / "rules.json")], WORLD)
    assert len(told) == 1
    (rule,) = rules.values()
    np.testing.assert_array_equal(rule.policy.tree.scores, panel.result.tree.scores)


def test_saved_rules_come_back_with_their_changes(panel, tmp_path):
    leaf = leaves_of(panel)[0]
    answer(panel, action=[leaf["node"], 1, 1])
    panel.save(tmp_path / "rules.json")
    book = Rulebook.load(tmp_path / "rules.json")
    assert book == panel.result
    again = make_panel()
    content = (tmp_path / "rules.json").read_bytes()
    again.set_state({"upload": {"name": "saved", "file": "rules.json", "content": memoryview(content)}})
    settle(again)
    assert again.error == ""
    assert same(again.result.tree, book.tree)
    assert again.result.changed == book.changed
    press(again, "undo")
    assert same(again.result.tree, book.base)


def test_a_file_that_holds_no_rules_is_refused_and_the_rules_stay(panel):
    before = panel.result.tree
    panel.set_state({"upload": {"name": "saved", "file": "a.json", "content": memoryview(b"{}")}})
    settle(panel)
    assert panel.error
    assert panel.result.tree is before


def test_rules_of_another_cluster_are_refused(learned):
    other = DeepRM(slots=3)
    panel = RulesPanel(other, other.rules()["sjf"], settings=SMALL, compare_sets=2, bound_seconds=0)
    panel.load(learned)
    settle(panel)
    assert "other quantities" in panel.error


def test_another_network_has_no_rules_yet(panel):
    panel.session.policy = WORLD.rules()["sjf"]
    assert panel.result is None
    assert panel.figure == {}


def test_a_system_without_features_is_refused_in_words():
    gate = FakeChoice()
    with pytest.raises(DnnExplainError, match="told as rules"):
        RulesPanel(gate, TorchPolicy(linear_network(gate), gate))


def test_panels_of_one_session_share_the_opened_state(learned):
    session = Session(WORLD, WORLD.rules()["packer"])
    panel = RulesPanel(session=session, settings=SMALL, compare_sets=4, bound_seconds=0)
    panel.load(learned)
    settle(panel)
    answer(panel, leaf=[leaves_of(panel)[0]["node"], 1])
    assert session.state == panel.session.state
    assert len(session.history.past) == 1


def test_the_panel_as_python_computes_the_same_rules(learned):
    panel = make_panel()
    press(panel, "distil")
    lines = panel.code_lines()
    space = {"system": WORLD, "policy": WORLD.rules()["packer"]}
    exec("\n".join(line for line in lines if not line.startswith("print")), space)
    assert space["found"] == learned.distillation
