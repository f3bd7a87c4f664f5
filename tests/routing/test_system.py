import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import Box, DnnExplainError, EpisodeSystem, State, TargetKind, state_from_values
from dnnexplain.systems import make_system
from dnnexplain.systems.routing import RoutingSystem


@pytest.fixture(params=["abilene", "with_history", "ring"])
def system(request):
    return request.getfixturevalue(request.param)


def random_state(system, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, system.cap + 1, len(system.knobs)) * (rng.random(len(system.knobs)) < rng.random())
    return State(system.repair(values[None])[0])


def test_it_is_an_episode_system(system):
    assert isinstance(system, EpisodeSystem)
    assert isinstance(system.output, Box)
    assert len(system.output.names) == system.paths.count
    assert len({knob.name for knob in system.knobs}) == len(system.knobs)
    assert system.cell_group.shape == system.observation_shape
    assert set(system.cell_group.ravel()) == set(range(len(system.groups)))
    assert make_system("routing", topology="ring-4").parameters["topology"] == "ring-4"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("name", ["abilene", "with_history", "ring"])
def test_round_trips(request, name, seed):
    system = request.getfixturevalue(name)
    state = random_state(system, seed)
    np.testing.assert_array_equal(system.repair(state.values[None])[0], state.values)
    assert (state.values >= 0).all()
    assert (state.values <= system.cap).all()
    observation = system.encode(state.values[None])
    assert observation.dtype == np.float32
    assert observation.shape == (1, *system.observation_shape)
    np.testing.assert_array_equal(system.decode(observation)[0], state.values)
    text = json.dumps(system.state_to_json(state))
    assert system.state_from_json(json.loads(text)) == state
    assert system.describe(state).endswith(".")


def test_a_cap_that_float32_rounds_up_is_kept():
    system = RoutingSystem("abilene-12", k=1)
    top = system.repair(np.full((1, 132), 1e9))
    assert (top <= system.cap).all()
    assert (top > system.cap * (1 - 1e-6)).all()


def test_json_uses_the_words_of_the_domain(abilene, with_history):
    state = abilene.state_from_json({"demands": {"New York->Chicago": 1.5, "Denver -> Seattle": 2}})
    assert abilene.state_to_json(state) == {"demands": {"New York->Chicago": 1.5, "Denver->Seattle": 2.0}}
    assert abilene.describe(state) == (
        "This traffic matrix asks for 3.5 Gb/s among 2 pairs of nodes; most from Denver to Seattle, 2 Gb/s."
    )
    past = with_history.state_from_json({"history": [{}] * 11 + [{"New York->Chicago": 1.5}]})
    assert with_history.encode(past.values[None])[0, 11, 0] == 1.5
    named = state_from_values(with_history, {"demand New York -> Chicago, 1 matrix ago": 1.5}, past)
    assert named == past


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "exactly the field 'demands'"),
        ({"demands": {}, "x": 1}, "exactly the field"),
        ({"demands": {"New Yrok->Chicago": 1}}, "Did you mean"),
        ({"demands": {"New York->Chicago": -1}}, "expected 0 to 10 Gb/s"),
        ({"demands": {"New York->Chicago": 11}}, "expected 0 to 10 Gb/s"),
        ({"demands": {"New York->Chicago": "1"}}, "expected 0 to 10 Gb/s"),
        ({"demands": {"New York->Chicago": float("nan")}}, "not nan"),
        ({"demands": {"New York->Chicago": True}}, "not True"),
        ({"demands": [1.0]}, "must map pairs to Gb/s"),
    ],
)
def test_bad_json_is_told(abilene, data, words):
    with pytest.raises(DnnExplainError, match=words):
        abilene.state_from_json(data)


def test_bad_arrays_and_settings_are_told(abilene, with_history):
    with pytest.raises(DnnExplainError, match="12 traffic matrices"):
        with_history.state_from_json({"history": [{}]})
    with pytest.raises(DnnExplainError, match=r"must be \[B, 110\]"):
        abilene.encode(np.ones((1, 3)))
    with pytest.raises(DnnExplainError, match="must be finite and not negative"):
        abilene.encode(np.full((1, 110), -1.0))
    with pytest.raises(DnnExplainError, match="observations must be"):
        with_history.decode(np.ones((1, 110)))
    with pytest.raises(DnnExplainError, match="must be a finite number"):
        abilene.repair(np.full((1, 110), np.nan))
    with pytest.raises(DnnExplainError, match="Did you mean 'source'"):
        RoutingSystem("ring-4", grouping="sorce")
    with pytest.raises(DnnExplainError, match="history is a number"):
        RoutingSystem("ring-4", history=-1)
    short = abilene.workloads("gravity", 1, 0)
    with pytest.raises(DnnExplainError, match="sees 12 earlier matrices"):
        with_history.observe(short)


@pytest.mark.parametrize(("grouping", "count"), [("pair", 110), ("source", 11), ("destination", 11), ("age", 12)])
def test_groups_partition_the_cells(grouping, count):
    system = RoutingSystem("abilene", history=12, grouping=grouping)
    assert len(system.groups) == len(set(system.groups)) == count
    assert (np.bincount(system.cell_group.ravel()) == 1320 // count).all()


def test_baselines_are_physical(system):
    state = random_state(system, 1)
    for name, rows in system.baselines(state).items():
        assert rows.dtype == np.float32, name
        assert rows.shape[1:] == system.observation_shape
        assert len(rows) >= 1
        assert (rows >= 0).all()
        assert (rows <= system.cap * (1 + 1e-6)).all()
    pair = system.paths.pair_names[0]
    without = system.baselines(state)[f"no demand {pair}"][0]
    here = system.encode(state.values[None])[0]
    assert (without[..., 0] == 0).all()
    np.testing.assert_array_equal(without[..., 1:], here[..., 1:])


def test_no_rule_beats_the_oracle_and_the_optimum_reaches_it(system):
    for family in ("gravity", "bursts", "uniform"):
        workloads = system.workloads(family, 8, 3)
        bounds = [system.bound(workload) for workload in workloads]
        assert all(bound.status == "optimal" for bound in bounds)
        for name, rule in system.rules().items():
            episodes = system.run(rule, workloads)
            assert (episodes.cost >= [bound.lower * (1 - 1e-9) for bound in bounds]).all(), name
            assert (episodes.metrics["MLU over optimum"] >= 1 - 1e-9).all()
            if name == "optimum":
                np.testing.assert_allclose(episodes.metrics["MLU over optimum"], 1.0, rtol=1e-9)


def test_rules_have_their_names_and_split_validly(system):
    rules = system.rules()
    last = "last-optimum" if system.history else "optimum"
    assert list(rules) == ["shortest-path", "ecmp", "even", last, "oblivious", "hedged"]
    rows = system.observe(system.workloads("gravity", 3, 0))
    for name, rule in rules.items():
        assert rule.name == name
        splits = rule.outputs(rows)
        assert splits.shape == (3, system.paths.count)
        np.testing.assert_allclose(splits @ system.paths.pair_incidence.T.toarray(), 1.0)
        assert rule.outputs(rows[:0]).shape == (0, system.paths.count)
    ecmp = rules["ecmp"].outputs(rows)[0]
    used = ecmp > 0
    assert (
        system.paths.hops[used] == system.paths.hops[system.paths.first_path][system.paths.pair_of_path][used]
    ).all()


def test_last_optimum_uses_the_newest_matrix(with_history):
    case = with_history.workloads("gravity", 1, 0)
    splits = with_history.rules()["last-optimum"].outputs(with_history.observe(case))
    newest = case[0].history[-1]
    np.testing.assert_allclose(with_history.mlu(splits[0], newest), with_history.oracle.solve(newest).upper, rtol=1e-9)


def test_what_a_rule_costs_does_not_depend_on_what_was_solved_before(with_history):
    cases = with_history.workloads("gravity", 6, 0)
    for name, rule in with_history.rules().items():
        first = with_history.run(rule, cases).cost
        with_history.run(rule, with_history.workloads("gravity", 4, 5))
        backwards = with_history.run(rule, cases[::-1]).cost[::-1]
        assert np.array_equal(first, backwards), name


def test_a_policy_with_invalid_splits_is_told(abilene):
    class Bad:
        name = "bad"

        def outputs(self, observations):
            return np.ones((len(observations), 440))

    with pytest.raises(DnnExplainError, match="bad gave New York -> Chicago split ratios that sum to 4"):
        abilene.run(Bad(), abilene.workloads("gravity", 2, 0))


def test_nothing_to_route_has_ratio_one(abilene):
    case = abilene.workloads("gravity", 1, 0)[0]
    empty = type(case)(np.zeros(110), case.history)
    episodes = abilene.run(abilene.rules()["even"], [empty])
    assert episodes.cost[0] == 0
    assert episodes.metrics["MLU over optimum"][0] == 1


def test_targets_say_what_they_name(abilene):
    state = random_state(abilene, 2)
    targets = abilene.targets(state)
    assert len(targets) == 2 + 28 + 440 == len(list(targets))
    observation = torch.as_tensor(abilene.encode(state.values[None])).requires_grad_()
    splits = abilene.rules()["even"].outputs(observation.detach().numpy())
    outputs = torch.as_tensor(splits, dtype=torch.float32)
    used = abilene.utilisation(splits[0], state.values)

    def value(name):
        target = targets[name]
        assert target.name == name
        assert target.kind is TargetKind.VALUE
        return target.scalar(outputs, observation)

    busiest = value("utilisation of the busiest link")
    assert busiest.item() == pytest.approx(used.max(), rel=1e-5)
    link = abilene.topology.link_names[5]
    assert value(f"utilisation of {link}").item() == pytest.approx(used[5], rel=1e-5)
    assert value("split of New York -> Chicago over path 2").item() == pytest.approx(0.25)
    ratio = value("busiest link over optimum")
    assert ratio.item() == pytest.approx(used.max() / abilene.oracle.solve(state.values).upper, rel=1e-5)
    (gradient,) = torch.autograd.grad(ratio.sum(), observation)
    # The ratio does not change when all demands are scaled (Euler): demands . gradient = 0.
    assert abs((gradient * observation).sum().item()) < 1e-4
    with pytest.raises(KeyError, match="Did you mean"):
        targets["utilisation of the busiest lnk"]


def test_history_targets_speak_of_the_newest_matrix(with_history):
    state = random_state(with_history, 2)
    targets = with_history.targets(state)
    name = "utilisation of the busiest link if the newest matrix came again"
    assert name in list(targets)
    observation = torch.as_tensor(with_history.encode(state.values[None]))
    splits = with_history.rules()["even"].outputs(observation.numpy())
    value = targets[name].scalar(torch.as_tensor(splits, dtype=torch.float32), observation).item()
    assert value == pytest.approx(with_history.mlu(splits[0], state.values.reshape(12, 110)[-1]), rel=1e-5)


def test_systems_and_rules_can_be_sent_to_workers(system):
    twin, rules = pickle.loads(pickle.dumps((system, system.rules())))
    case = system.workloads("gravity", 2, 0)
    np.testing.assert_array_equal(
        twin.run(rules["oblivious"], case).cost, system.run(system.rules()["oblivious"], case).cost
    )


def test_a_matrix_is_played_by_splits_and_by_a_policy_alike(ring, tmp_path):
    case = ring.workloads("gravity", 1, 3)[0]
    rule = ring.rules()["ecmp"]
    whole = ring.play(case, None, rule)
    assert whole.summary["cost"] == pytest.approx(float(ring.run(rule, [case]).cost[0]))
    assert whole.arrays["utilisation"].max() == pytest.approx(whole.summary["cost"])
    again = ring.play(case, json.loads(json.dumps(whole.arrays["actions"].tolist())))
    assert again.summary == pytest.approx(whole.summary)
    for wrong in ([], [0.5], [[0.5]], [["x"] * ring.paths.count], [[1.0] * ring.paths.count] * 2):
        with pytest.raises(DnnExplainError, match="one action, a list of"):
            ring.play(case, wrong)
    with pytest.raises(DnnExplainError, match="sum to"):
        ring.play(case, [[0.3] * ring.paths.count])
    with pytest.raises(DnnExplainError, match="needs split ratios, or a policy"):
        ring.play(case, None)


def test_every_target_is_found_by_the_name_that_it_is_listed_under(ring):
    targets = ring.targets(state_from_values(ring, {}))
    names = list(targets)
    assert len(names) == len(targets) == len(set(names))
    assert [targets[name].name for name in names] == names
    paths = [targets[name].index for name in names if name.startswith("split of ")]
    assert paths == list(range(ring.paths.count))
    first = ring.paths.pair_names[0]
    for wrong in (f"split of {first}", *(f"split of {first} over path {n}" for n in ("0", "01", "99", "²"))):
        assert wrong not in targets


def test_many_workloads_are_routed_in_blocks_with_the_same_figures(ring, monkeypatch):
    cases = ring.workloads("gravity", 7, 0)
    rule = ring.rules()["ecmp"]
    whole, best = ring.run(rule, cases), ring.run_optimum(cases)
    monkeypatch.setattr("dnnexplain.systems.routing.runs.BLOCK_NUMBERS", 3 * ring.paths.count)
    for one, parts in ((whole, ring.run(rule, cases)), (best, ring.run_optimum(cases))):
        np.testing.assert_allclose(parts.cost, one.cost)
        assert parts.policy == one.policy
        for name in one.metrics:
            np.testing.assert_allclose(parts.metrics[name], one.metrics[name], rtol=1e-9)
        assert parts.detail["utilisation"].shape == one.detail["utilisation"].shape
        assert "splits" not in parts.detail
        assert one.detail["splits"].shape == (7, ring.paths.count)
    np.testing.assert_allclose(ring.run(rule, cases).detail["utilisation"], whole.detail["utilisation"])


def test_values_are_settled_to_what_single_precision_sees(ring):
    width = len(ring.knobs)
    given = np.resize([-1.0, -1e-60, 0.1, ring.cap, 2 * ring.cap, 1e300], (1, width))
    found = ring.repair(given)
    assert (found == found.astype(np.float32)).all()
    assert found.min() == 0
    assert not np.signbit(found).any()
    assert found.max() <= ring.cap
    np.testing.assert_allclose(found, np.clip(given, 0, ring.cap), rtol=1e-7)
