"""A router told as rules, pair by pair: learned, lit, changed and run as a whole router."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.distillation import Parted, Parts, TreePolicy
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.networks import dote
from dnnexplain_widgets import PartRulesPanel, Session
from dnnexplain_widgets.sections import SECTIONS
from tests.fakes import FakeSystem, linear_network
from tests.jobs import until_no_job_is_left

CASES = RoutingSystem("ring-4", 2, 2, routed=True)
SMALL = {"sets": 6, "unseen": 4, "seeds": 1}


def router(history, seed=3):
    small = RoutingSystem("ring-4", 2, history)
    return CASES.seen_by(TorchPolicy(dote(small, hidden=(16,), seed=seed), small, name=f"drawn-{history}"))


@pytest.fixture
def start():
    return State(CASES.repair(np.random.default_rng(4).random((1, len(CASES.knobs))) * 0.2 * CASES.cap)[0])


def finished(panel):
    until_no_job_is_left()
    assert panel.error == ""
    return panel


@pytest.fixture
def panel(start):
    panel = PartRulesPanel(session=Session(CASES, router(0), start), settings=SMALL, compare_sets=3, bound_seconds=1)
    panel.set_answers(leaves=6)
    panel.distil()
    return finished(panel)


def test_a_routing_page_has_the_rules_part_by_part():
    entries = next(section.entries for section in SECTIONS if section.key == "knowledge")
    assert [entry.name for entry in entries if entry.fits(CASES)] == ["PartRulesPanel", "GuardPanel"]
    assert isinstance(CASES, Parted)


@pytest.mark.parametrize("history", [0, 2])
def test_a_part_is_what_the_router_sees_of_a_pair(start, history):
    policy = router(history)
    asked = CASES.in_parts(policy)
    assert isinstance(asked, Parts)
    whole = policy.outputs(CASES.encode(start.values[None]))[0]
    for part, name in enumerate(CASES.part_names):
        seen = asked.observe(start, part)
        paths = asked.world.path_of[part]
        outputs = asked.teacher.outputs(seen)[0]
        assert int(outputs.argmax()) == int(np.where(paths >= 0, whole[np.maximum(paths, 0)], -1).argmax()), name
        beside = State(np.zeros(len(CASES.knobs)))
        back, state = asked.whole(State(seen[0].astype(float)), beside)
        assert back == part
        kept = np.zeros((3, len(CASES.part_names)), dtype=bool)
        kept[policy.rows] = True
        np.testing.assert_allclose(state.values, np.where(kept.ravel(), start.values, 0.0), rtol=1e-6)


def test_a_rule_is_asked_with_all_that_there_is(start):
    asked = CASES.in_parts(CASES.rules()["shortest-path"])
    assert asked.teacher.outputs(asked.observe(start, 3))[0].argmax() == 0


def test_the_path_of_the_chosen_pair_is_lit(panel):
    tree = panel.desk.edits.now.tree
    for part in (0, 7):
        panel.set_state({"answers": {**panel.answers, "part": CASES.part_names[part]}})
        world = panel.by_part.world
        seen = panel.by_part.observe(panel.session.state, part)
        assert panel.lit["path"] == tree.path(world.features(seen)[0])
        policy = TreePolicy(tree, world.features, world.most)
        leaf = panel.lit["path"][-1]
        move = int(tree.action[leaf])
        assert policy.outputs(seen)[0].argmax() == world.features.actions(seen)[0, move]
    panel.session.state = State(np.zeros(len(CASES.knobs)))
    seen = panel.by_part.observe(panel.session.state, 7)
    assert panel.lit["path"] == tree.path(panel.by_part.world.features(seen)[0])


def test_a_changed_rule_is_run_beside_network_and_optimum(panel):
    lines = panel.figure["rules"]["lines"]
    leaf = next(line["leaf"] for line in lines if "leaf" in line)
    other = (leaf["action"] + 1) % len(panel.desk.finding.actions)
    panel.edit_action(leaf["node"], other)
    finished(panel)
    labels = [row["label"] for row in panel.figure["cells"]["rows"]]
    assert "rules with your changes" in labels
    assert labels[-1] == "Optimum, all work known"
    assert panel.sentence.startswith("Maximum link utilisation")


def test_a_state_of_a_rule_opens_as_traffic_and_chooses_its_pair(panel):
    leaf = next(line["leaf"] for line in panel.figure["rules"]["lines"] if line.get("leaf", {}).get("count"))
    before = panel.session.state.values.reshape(3, -1)
    panel.open_state(leaf["node"])
    after = panel.session.state.values.reshape(3, -1)
    np.testing.assert_array_equal(after[:2], before[:2])  # this router does not see them
    assert panel.lit["path"][-1] == leaf["node"]


def test_another_router_has_rules_of_its_own(panel):
    panel.session.policy = router(2)
    assert panel.desk is None
    assert panel.figure == {}
    panel.distil()
    finished(panel)
    assert panel.result.distillation.question.policy == "drawn-2"


def test_its_python_gives_the_same_rules(panel):
    names = {"system": CASES, "policy": panel.session.policy, "state": panel.session.state, "print": lambda *_: None}
    exec("\n".join(panel.code_lines()), names)
    assert names["found"].text() == panel.desk.finding.text()


def test_a_system_without_parts_says_so():
    system = FakeSystem()
    policy = TorchPolicy(linear_network(system), system)
    with pytest.raises(DnnExplainError, match="does not decide on parts"):
        PartRulesPanel(system, policy)


@pytest.mark.parametrize("part", [0, 7])
def test_what_network_and_rules_do_with_the_chosen_part_is_said(panel, part):
    panel.set_state({"answers": {**panel.answers, "part": CASES.part_names[part]}})
    asked = panel.by_part
    seen, names = asked.observe(panel.session.state, part), asked.world.output.names
    network = names[int(asked.teacher.outputs(seen)[0].argmax())]
    tree = TreePolicy(panel.desk.edits.now.tree, asked.world.features, asked.world.most)
    rules = names[int(tree.outputs(seen)[0].argmax())]
    told = f"the network decides otherwise: {network}; the rules: {rules}."
    if network == rules:
        told = f"the rules and the network do the same: {network}."
    assert panel.lit["said"] == f"In the present state, {CASES.part_names[part]}, {told}"
    assert panel.lit["otherwise"] == (network != rules)


def test_a_router_keeps_its_name_of_the_menu_in_parts():
    policy = router(0)
    policy.name = "DOTE, as the menu has it"
    assert CASES.in_parts(policy).teacher.name == "DOTE, as the menu has it"
    assert CASES.in_parts(policy).teacher.copy().name == "DOTE, as the menu has it"
