"""The trust badge against closed forms, hand-made good and bad maps, and the policy's own decisions."""

import dataclasses

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import TrustBadge, attribute, trust
from dnnexplain.explain.attribution import methods
from dnnexplain.explain.attribution.captum_question import Raw
from dnnexplain.explain.attribution.maps import group_sums
from dnnexplain.explain.attribution.methods import Measure, Method
from dnnexplain.explain.decisions import real_changes
from dnnexplain.explain.decisions.decision import decide, observe
from dnnexplain.explain.decisions.real_changes import mixtures, neighbours, physical_reference, without
from dnnexplain.explain.faithfulness import evidence, tried_map
from dnnexplain.explain.faithfulness.badge import LIMITS, Level
from dnnexplain.explain.faithfulness.evidence import infidelity
from dnnexplain.explain.faithfulness.tried_cells import _balanced, halves
from dnnexplain.explain.faithfulness.tried_map import Case
from dnnexplain.numbers import probability
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import Convolutional, ManyObjects, mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

GATE = FakeChoice()
STATE = State(np.array([3.0, 2.0]))
LINEAR = TorchPolicy(linear_network(GATE), GATE)
NETWORK = TorchPolicy(mlp(GATE, seed=3, scale=2.0), GATE)


MANY = ManyObjects()
ROWS = State(np.array([3.0, 2.0, 1.0, 2.0, 3.0]))


def badge_of(policy, method, system=GATE, state=STATE, depth="light", **options):
    return trust(system, policy, attribute(system, policy, state, method=method, **options), depth=depth)


# --- a linear network is explained without fault ---


@pytest.mark.parametrize(
    "method", ["deeplift", "integrated-gradients", "input-x-gradient", "feature-ablation", "shapley"]
)
@pytest.mark.parametrize("depth", ["light", "full"])
def test_every_share_of_a_linear_network_is_faithful(method, depth):
    policy = TorchPolicy(linear_network(MANY), MANY)
    badge = badge_of(policy, method, MANY, ROWS, depth)
    assert badge.figure("completeness").value == pytest.approx(0.0, abs=1e-5)
    if method not in {"feature-ablation", "shapley"}:  # these spread a group's value evenly, so mixtures of rows only
        assert badge.figure("infidelity").value == pytest.approx(0.0, abs=1e-5)
    assert badge.figure("intervention").value == pytest.approx(1.0)
    assert badge.figure("agreement").value == pytest.approx(1.0)
    for one in badge.interventions:
        assert one.predicted == pytest.approx(one.actual, abs=1e-5)


def test_the_gradient_of_a_linear_network_is_the_same_everywhere():
    badge = badge_of(LINEAR, "saliency", depth="full")
    assert badge.figure("sensitivity").value == pytest.approx(0.0, abs=1e-6)
    assert badge.figure("infidelity").value == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(badge.figure("completeness").value)
    assert badge.figure("completeness").level == Level.GREY


# --- figures against their formulas ---


def test_infidelity_is_the_unexplained_part_of_real_changes():
    found = attribute(MANY, TorchPolicy(mlp(MANY), MANY), ROWS, method="integrated-gradients")
    policy = TorchPolicy(mlp(MANY), MANY)
    case = Case.of(MANY, policy, found, seed=5, full=False, target=None)
    values = mixtures(MANY, ROWS, np.zeros(5), 32, 5)
    seen, after = observe(MANY, [ROWS])[0], MANY.encode(values)
    back = (seen != after).astype(float)
    told = (back * found.map).sum(axis=(1, 2))
    i, j = found.decision.action, MANY.output.index(found.against_name)
    out, later = policy.outputs(seen[None])[0], policy.outputs(after)
    real = (out[i] - out[j]) - (later[:, i] - later[:, j])
    beta = (told @ real) / (told @ told)
    expected = ((beta * told - real) ** 2).mean() / (real**2).mean()
    assert infidelity(case).value == pytest.approx(expected, rel=1e-3)


def test_an_intervention_says_what_the_policy_really_does_then():
    badge = badge_of(NETWORK, "integrated-gradients")
    assert [one.name for one in badge.interventions] == ["left", "right"]
    before = decide(GATE, NETWORK, STATE)
    for position, one in enumerate(badge.interventions):
        values = np.array(STATE.values)
        values[position] = 0.0
        after = decide(GATE, NETWORK, State(values))
        assert one.gone
        assert one.probability_before == pytest.approx(before.probabilities[before.action])
        assert one.probability_after == pytest.approx(after.probabilities[before.action])
        assert one.action_after == after.action
        chosen, other = before.action, GATE.output.index(attribute(GATE, NETWORK, STATE).against_name)
        real = np.diff([d.outputs[chosen] - d.outputs[other] for d in (after, before)])[0]
        assert one.actual == pytest.approx(real, abs=1e-5)
    top = max(badge.interventions, key=lambda one: abs(one.predicted))
    said = f"Without {top.name} the probability of {GATE.output.names[before.action]} moves from {probability(top.probability_before)} to {probability(top.probability_after)}"
    assert badge.figure("intervention").sentence.startswith(said)


# --- bad maps are found out ---


def test_a_map_of_the_input_alone_does_not_depend_on_what_was_learned(monkeypatch):
    def edges(problem):
        return Raw(problem.inputs - problem.references + 0.01 * torch.arange(35.0).reshape(5, 7))

    fake = Method("edges", "Edges", edges, Measure.SHARE, "An edge detector.", "Adebayo et al. 2018, section 5")
    monkeypatch.setattr(methods, "METHODS", {**methods.METHODS, "edges": fake})
    badge = badge_of(NETWORK, "edges")
    assert badge.figure("randomisation").value == pytest.approx(1.0)
    assert badge.figure("randomisation").level == Level.RED
    assert badge.overall == Level.RED
    assert badge_of(NETWORK, "saliency", depth="full").figure("randomisation").level == Level.GREEN


def with_map(attribution, values, system):
    positive, negative = group_sums(values, system)
    return dataclasses.replace(attribution, map=values, positive=positive, negative=negative)


def test_a_map_with_its_sign_reversed_is_red_although_its_scale_is_free():
    policy = TorchPolicy(mlp(MANY, seed=1), MANY)
    good = attribute(MANY, policy, ROWS, method="integrated-gradients")
    judged = trust(MANY, policy, with_map(good, -good.map, MANY))
    assert judged.figure("infidelity").value == 1.0
    assert judged.figure("intervention").value == -trust(MANY, policy, good).figure("intervention").value
    assert judged.overall == Level.RED


def test_a_shuffled_map_predicts_neither_changes_nor_interventions():
    policy = TorchPolicy(mlp(MANY, seed=1), MANY)
    good = attribute(MANY, policy, ROWS, method="integrated-gradients")
    rng = np.random.default_rng(0)
    fine = trust(MANY, policy, good)
    shuffled = [trust(MANY, policy, with_map(good, rng.permuted(good.map, axis=0), MANY)) for _ in range(8)]
    for name, sign in (("infidelity", 1), ("intervention", -1)):
        worse = np.mean([sign * badge.figure(name).value for badge in shuffled])
        assert worse > sign * fine.figure(name).value + 0.2, name


# --- cells ---


@pytest.mark.parametrize("method", ["saliency", "smoothgrad", "integrated-gradients", "deeplift", "input-x-gradient"])
def test_each_cell_of_a_linear_network_is_right(method):
    policy = TorchPolicy(linear_network(MANY), MANY)
    for depth in ("light", "full"):
        assert badge_of(policy, method, MANY, ROWS, depth).figure("cells").value == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients"])
def test_cells_that_are_shuffled_inside_their_groups_are_not_green_although_every_sum_is_kept(method):
    for seed in range(4):
        policy = TorchPolicy(mlp(MANY, seed=seed), MANY)
        good = attribute(MANY, policy, ROWS, method=method)
        moved = (
            observe(MANY, [ROWS])[0] != good.references.mean(axis=0) if method != "saliency" else MANY.cell_group >= 0
        )
        wrong = good.map.copy()
        for group in range(len(MANY.groups)):
            here = moved & (MANY.cell_group == group)
            wrong[here] = np.roll(wrong[here], 1)
        spoiled = with_map(good, wrong, MANY)
        np.testing.assert_allclose(spoiled.net, good.net, atol=1e-9)
        right, bad = (trust(MANY, policy, one).figure("cells") for one in (good, spoiled))
        if np.isfinite(right.value):
            assert right.value > 0.8
            assert bad.value < right.value - 0.2 or np.allclose(wrong, good.map)


def test_three_times_a_slope_agrees_three_fifths_and_a_reversed_one_not_at_all():
    good = attribute(MANY, TorchPolicy(mlp(MANY, seed=1), MANY), ROWS)
    policy = TorchPolicy(mlp(MANY, seed=1), MANY)
    for scale in (1.0, 3.0, -1.0):
        found = trust(MANY, policy, with_map(good, scale * good.map, MANY)).figure("cells").value
        assert found == pytest.approx(2 * scale / (1 + scale**2), abs=0.01)


def test_halves_are_balanced_in_every_group_and_leave_alone_what_did_not_move():
    policy = TorchPolicy(mlp(MANY, seed=1), MANY)
    found = attribute(MANY, policy, ROWS, method="integrated-gradients")
    case = Case.of(MANY, policy, found, seed=3, full=False, target=None)
    moved = case.observation != found.references.mean(axis=0)
    signs = _balanced(MANY.cell_group.ravel(), moved.ravel(), 20, 3)
    assert not signs[:, ~moved.ravel()].any()
    for group in range(len(MANY.groups)):
        assert not signs[:, MANY.cell_group.ravel() == group].sum(axis=1).any()
    told, real = halves(case, 20)
    np.testing.assert_allclose(told, signs @ found.map.ravel())
    middle = (case.observation + found.references.mean(axis=0)) / 2
    way = (case.observation - found.references.mean(axis=0)) / 2
    ends = [
        policy.outputs((middle + side * signs.reshape(20, *way.shape) * way).astype(np.float32)) for side in (1, -1)
    ]
    i, j = found.decision.action, MANY.output.index(found.against_name)
    expected = [(end[:, i] - end[:, j]) for end in ends]
    np.testing.assert_allclose(real, expected[0] - expected[1], atol=1e-4)


def test_a_map_of_groups_says_nothing_of_cells():
    figure = badge_of(NETWORK, "feature-ablation").figure("cells")
    assert figure.level == Level.GREY
    assert "knob groups" in figure.sentence


def test_figures_about_the_method_are_told_and_have_no_vote():
    found = attribute(MANY, TorchPolicy(mlp(MANY, seed=1), MANY), ROWS)
    policy = TorchPolicy(mlp(MANY, seed=1), MANY)
    badges = [trust(MANY, policy, with_map(found, values, MANY)) for values in (found.map, -found.map)]
    assert {figure.name for figure in badges[0].figures if not figure.votes} == {"sensitivity", "randomisation"}
    assert badges[0].figure("sensitivity").value == badges[1].figure("sensitivity").value  # it sees no map
    judged = [figure for figure in badges[0].figures if figure.judges in {"cells", "groups", "the sum", "the method"}]
    assert len(judged) == len(badges[0].figures)


def test_the_overall_colour_is_that_of_the_worst_figure_and_says_why():
    for method in ("saliency", "input-x-gradient", "feature-ablation", "integrated-gradients"):
        badge = badge_of(NETWORK, method)
        order = [Level.GREEN, Level.AMBER, Level.RED]
        levels = [figure.level for figure in badge.figures if figure.votes and figure.level != Level.GREY]
        assert badge.overall == max(levels, key=lambda level: order.index(Level(level)))
        worst = [figure for figure in badge.figures if figure.votes and figure.level == badge.overall]
        assert badge.overall == Level.GREEN or all(figure.sentence in badge.reason for figure in worst)
        assert badge.sentence().startswith(badge.overall.capitalize())
        assert [row["figure"] for row in badge.table()] == list(LIMITS)


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("completeness", 0.01, "green"),
        ("completeness", 0.03, "amber"),
        ("completeness", 0.2, "red"),
        ("intervention", 0.8, "green"),
        ("intervention", 0.6, "amber"),
        ("intervention", -1.0, "red"),
        ("agreement", float("nan"), "grey"),
    ],
)
def test_a_figures_colour_follows_its_stated_limits(name, value, level):
    assert LIMITS[name].level(value) == level


def test_a_method_that_does_not_promise_to_add_up_is_amber_at_worst():
    values = {}
    for seed in range(12):
        policy = TorchPolicy(mlp(GATE, seed=seed, scale=3.0), GATE)
        figure = badge_of(policy, "feature-ablation").figure("completeness")
        values[figure.value] = figure.level
        assert "does not promise to add up" in figure.sentence or np.isnan(figure.value)
    assert max(values) > 0.05
    assert values[max(values)] == Level.AMBER


# --- valid states ---


def test_perturbed_states_are_valid_and_one_step_or_one_object_away():
    near = neighbours(GATE, STATE, 100, 0)
    assert len(near) == 4
    assert np.array_equal(GATE.repair(near), near)
    assert (np.abs(near - STATE.values).sum(axis=1) == 1).all()
    assert (neighbours(GATE, State(np.zeros(2)), 9, 0) >= 0).all()
    names, rows = without(GATE, STATE, np.zeros(2))
    assert (names, rows.tolist()) == (["left", "right"], [[0.0, 2.0], [3.0, 0.0]])
    mixed = mixtures(GATE, STATE, np.zeros(2), 50, 0)
    assert {tuple(row) for row in mixed} == {(0.0, 2.0), (3.0, 0.0), (0.0, 0.0)}


def test_objects_put_back_in_blocks_are_those_put_back_at_once(monkeypatch):
    policy = TorchPolicy(mlp(MANY, seed=3), MANY)
    at_once = badge_of(policy, "saliency", MANY, ROWS).interventions
    monkeypatch.setattr(tried_map, "_AT_ONCE", 1)
    in_blocks = badge_of(policy, "saliency", MANY, ROWS).interventions
    assert [one.name for one in in_blocks] == [one.name for one in at_once]
    for one, other in zip(in_blocks, at_once, strict=True):
        assert (one.gone, one.action_after) == (other.gone, other.action_after)
        assert (one.predicted, one.actual, one.probability_after) == pytest.approx(
            (other.predicted, other.actual, other.probability_after), abs=1e-5
        )


def test_of_many_objects_a_light_badge_draws_some_and_leaves_out_what_asks_once_for_each(monkeypatch):
    for module in (real_changes, evidence):
        monkeypatch.setattr(module, "MOST_OBJECTS", 4)
    monkeypatch.setattr(tried_map, "FEW_OBJECTS", 3)
    policy = TorchPolicy(linear_network(MANY), MANY)
    light = badge_of(policy, "input-x-gradient", MANY, ROWS)
    assert len(light.interventions) == 3
    assert "Over 3 objects drawn from 5" in light.figure("intervention").sentence
    assert "Feature ablation would ask once for each of" in light.figure("agreement").sentence
    full = badge_of(policy, "input-x-gradient", MANY, ROWS, "full")
    assert len(full.interventions) == 5  # of what tried_map still calls few enough
    assert "(Integrated gradients" in full.figure("agreement").sentence
    assert "Feature ablation 1" in full.figure("agreement").sentence


def test_a_mean_of_states_is_no_state_so_the_systems_first_baseline_stands_in():
    mean = MANY.baselines(ROWS)["mean"]
    name, values = physical_reference(MANY, ROWS, "mean", mean)
    assert (name, values.tolist()) == ("empty", [0.0] * 5)
    name, values = physical_reference(GATE, STATE, "given observations", GATE.encode(np.array([[1.0, 1.0]])))
    assert (name, values.tolist()) == ("given observations", [1.0, 1.0])


def test_the_badge_of_a_vector_output_speaks_of_its_target():
    system = FakeSystem()
    policy = TorchPolicy(mlp(system), system)
    found = attribute(system, policy, State(np.array([0.5, 4.0])), method="integrated-gradients", target="steer")
    badge = trust(system, policy, found)
    assert {one.name for one in badge.interventions} == {"angle", "speed"}
    assert "steer falls by" in badge.figure("intervention").sentence
    assert np.isnan(badge.interventions[0].probability_before)


def test_a_state_equal_to_its_baseline_has_a_grey_badge():
    found = attribute(GATE, NETWORK, State(np.zeros(2)), method="integrated-gradients")
    badge = trust(GATE, NETWORK, found)
    assert badge.figure("intervention").level == Level.GREY
    assert badge.figure("infidelity").level == Level.GREY
    assert badge.figure("completeness").level == Level.GREY
    assert badge.figure("sensitivity").level == Level.GREY
    assert (badge.overall, badge.reason) == (Level.GREY, "nothing could be measured here.")


@pytest.mark.parametrize("depth", ["light", "full"])
def test_a_badge_is_repeatable_and_survives_a_file(depth, tmp_path):
    policy = TorchPolicy(Convolutional(GATE), GATE)
    for method in ("grad-cam", "smoothgrad", "gradient-shap", "shapley", "deeplift"):
        found = attribute(GATE, policy, STATE, method=method, seed=2)
        one, other = (trust(GATE, policy, found, seed=3, depth=depth) for _ in range(2))
        assert one == other
        assert TrustBadge.load(one.save(tmp_path / "badge.json")) == one


def test_a_map_of_another_network_or_of_a_neuron_is_refused():
    found = attribute(GATE, NETWORK, STATE)
    with pytest.raises(DnnExplainError, match="another network"):
        trust(GATE, LINEAR, found)
    with pytest.raises(DnnExplainError, match="map of a neuron"):
        trust(GATE, NETWORK, attribute(GATE, NETWORK, STATE, method="neuron-gradient", neuron=("2", 0)))
    with pytest.raises(DnnExplainError, match="no depth 'deep'"):
        trust(GATE, NETWORK, found, depth="deep")
