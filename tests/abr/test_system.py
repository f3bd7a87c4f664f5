import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import (
    Acting,
    DecisionOracle,
    DnnExplainError,
    KnowsNetworks,
    Optimal,
    Replayable,
    State,
    WatchedOptimum,
    WorkloadReader,
    state_from_observation,
    state_from_values,
)
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import make_system
from dnnexplain.systems.abr import AdaptiveBitrate, Video
from dnnexplain.systems.abr.spec import SPEC
from dnnexplain.systems.abr.training import actor

SYSTEM = AdaptiveBitrate()
LOW = np.array([knob.low for knob in SYSTEM.knobs])
HIGH = np.array([knob.high for knob in SYSTEM.knobs])
NAMES = [knob.name for knob in SYSTEM.knobs]


@pytest.fixture(scope="module")
def met():
    """States that a rule meets on generated links."""
    return SYSTEM.visit(SYSTEM.rules()["rb"], SYSTEM.workloads("markov-3g", 12, 0))[0]


def drawn(rows, seed=0, system=SYSTEM):
    rng = np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    return rng.uniform(low, high, (rows, len(low)))


def test_it_has_the_abilities_that_it_claims():
    abilities = (Replayable, DecisionOracle, WorkloadReader, Optimal, WatchedOptimum, Acting, KnowsNetworks)
    assert all(isinstance(SYSTEM, ability) for ability in abilities)
    assert make_system("abr", **SYSTEM.parameters).parameters == SYSTEM.parameters


@pytest.mark.parametrize("options", [{}, {"free_times": True}, {"grouping": "sample"}])
def test_repaired_values_stay_and_come_back(options):
    system = AdaptiveBitrate(**options)
    values = system.repair(drawn(500, system=system))
    assert np.array_equal(system.repair(values), values)
    assert np.array_equal(system.decode(system.encode(values)), values)
    assert (values >= LOW - 1e-12).all()
    assert (values <= HIGH + 1e-12).all()


def test_states_that_are_met_are_valid_and_kept_to_the_bit(met):
    values = SYSTEM.decode(met)
    assert np.array_equal(SYSTEM.repair(values), values)
    assert np.array_equal(SYSTEM.encode(values, met), met)


def test_painting_alone_gives_back_all_but_the_earlier_buffers(met):
    painted = SYSTEM.encode(SYSTEM.decode(met))
    differ = np.abs(painted - met).max(axis=0) > 1e-6
    assert differ[1, :-1].all()
    differ[1, :-1] = False
    assert not differ.any()


def test_a_sample_is_a_chunk_of_the_video():
    values = SYSTEM.repair(drawn(300, 1))
    moved = values[:, 2:10] * values[:, 10:18] / 8
    downloaded = 48 - values[:, 24].astype(int)
    for row, sizes in enumerate(moved):
        for age in range(8):
            index = downloaded[row] - 1 - age
            if index < 0:
                assert sizes[7 - age] == 0
            else:
                offered = SYSTEM.video.sizes[index] / 1e6
                assert np.abs(offered / sizes[7 - age] - 1).min() < 1e-4
    newest = (
        SYSTEM.video.sizes[downloaded - 1, [SYSTEM.video.bitrates.tolist().index(rate) for rate in values[:, 0]]] / 1e6
    )
    assert np.allclose(moved[:, 7], newest, rtol=1e-4)


def test_a_download_time_follows_its_throughput():
    base = state_from_values(SYSTEM, {})
    faster = state_from_values(SYSTEM, {"throughput 1": 3.0}, base)
    time, before = (state.values[NAMES.index("download time 1")] for state in (faster, base))
    assert time == pytest.approx(before / 2, rel=1e-5)
    assert faster.values[NAMES.index("download time 2")] == base.values[NAMES.index("download time 2")]
    freed = AdaptiveBitrate(free_times=True)
    own = state_from_values(freed, {"throughput 1": 3.0}, state_from_values(freed, {}))
    assert own.values[NAMES.index("download time 1")] == pytest.approx(before, rel=1e-5)


def test_sizes_rise_with_the_bitrate():
    sizes = SYSTEM.repair(drawn(300, 2))[:, 18:24]
    assert (np.diff(sizes, axis=1) >= 0).all()


def test_a_long_video_s_states_are_valid_while_more_remain_than_can_be_said():
    rates = np.array([300.0, 1000.0, 3000.0])
    system = AdaptiveBitrate(Video("long", rates, rates * 500 * np.linspace(0.9, 1.1, 70)[:, None]))
    seen = system.visit(system.rules()["bb"], system.workloads("stable", 3, 0))[0]
    values = system.decode(seen)
    assert np.allclose(system.repair(values), values, rtol=1e-6)
    assert np.array_equal(system.encode(values, seen), seen)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-5, 500), min_size=25, max_size=25))
def test_any_finite_numbers_can_be_repaired(numbers):
    values = SYSTEM.repair(np.array([numbers]))
    assert np.array_equal(SYSTEM.repair(values), values)


def test_json_round_trip_and_its_errors():
    state = State(SYSTEM.repair(drawn(1, 3))[0])
    again = SYSTEM.state_from_json(SYSTEM.state_to_json(state))
    assert np.allclose(again.values, state.values, rtol=1e-6)
    for data, message in (
        ({"bufer_s": 3}, "no field 'bufer_s'"),
        ({"throughput_mbps": [1, 2]}, "8 finite numbers"),
        ({"buffer_s": "full"}, "1 finite number"),
    ):
        with pytest.raises(DnnExplainError, match=message):
            SYSTEM.state_from_json(data)


def test_description_says_what_the_state_holds():
    sentence = SYSTEM.describe(state_from_values(SYSTEM, {"buffer": 7.5, "chunks remaining": 9}))
    assert "7.5 s" in sentence
    assert "9 remain" in sentence
    assert "1,200 kbps" in sentence


def test_groups_cover_every_cell_and_tell_the_leftovers_apart():
    groups, cells = SYSTEM.groups, SYSTEM.cell_group
    assert groups[cells[4, 7]] == groups[cells[4, 6]] == "earlier next sizes"
    assert groups[cells[5, 7]] == "chunks remaining"
    assert groups[cells[5, 6]] == groups[cells[0, 0]] == "earlier bitrates, buffers, counts"
    assert (cells[2] == groups.index("throughput")).all()
    assert len(AdaptiveBitrate(grouping="sample").groups) == 27


def test_baselines_are_observations():
    state = state_from_values(SYSTEM, {"throughput 3": 0.3})
    for name, picture in SYSTEM.baselines(state).items():
        assert picture.shape == (1, 6, 8), name
    steady = SYSTEM.decode(SYSTEM.baselines(state)["this state on a steady link"])[0, 2:10]
    assert np.ptp(steady) < 1e-6
    assert steady[0] == pytest.approx(8 / (7 / 1.5 + 1 / 0.3), rel=1e-4)


def test_the_expected_bitrate_is_a_mean():
    target = SYSTEM.targets(state_from_values(SYSTEM, {}))["expected bitrate"]
    logits = torch.log(torch.tensor([[0.5, 0, 0, 0, 0, 0.5]]) + 1e-30)
    assert target.scalar(logits, torch.zeros(1, 6, 8)).item() == pytest.approx(2300)


def test_features_are_what_they_are_called(met):
    features = SYSTEM.features
    quantities = dict(zip(features.names, features(met).T, strict=True))
    rates = met[:, 2].astype(float) * 8
    assert np.allclose(quantities["throughput 1"], rates[:, 7], rtol=1e-5)
    assert np.allclose(quantities["throughput 8"], rates[:, 0], rtol=1e-5)
    late = (rates[:, -5:] > 0).all(axis=1)
    assert np.allclose(quantities["throughput of the last 5"][late], 5 / (1 / rates[late, -5:]).sum(axis=1), rtol=1e-4)
    moves = dict(zip(features.moves, features.actions(met).T, strict=True))
    level = np.abs(met[:, 0, -1:] * 4300 - SYSTEM.video.bitrates).argmin(axis=1)
    assert np.array_equal(moves["keep the bitrate"], level)
    assert np.array_equal(moves["one bitrate higher"], np.minimum(level + 1, 5))
    below = SYSTEM.rules()["rb"].outputs(met).argmax(axis=1)
    same = moves["the highest bitrate below the throughput of the last 5"] == below
    assert same.mean() > 0.99  # a float32 picture may stand on the other side of a bitrate


def test_a_network_runs_as_its_decisions_say(links):
    policy = TorchPolicy(actor(SYSTEM.video, 16), SYSTEM)
    episodes = SYSTEM.run(policy, links)
    replay = SYSTEM.replay(policy, links[6])
    assert np.array_equal(replay.actions, episodes.detail.actions[6, 1:])
    told = policy.outputs(replay.observations.astype(np.float32)).argmax(axis=1)
    assert np.array_equal(told, replay.actions)
    assert replay.cost == pytest.approx(episodes.cost[6])
    assert np.array_equal(episodes.cost, -episodes.metrics["qoe"])
    assert (episodes.actions.sum(axis=1) == 47).all()
    assert np.array_equal(episodes.actions[6], np.bincount(replay.actions, minlength=6))
    states, link = SYSTEM.visit(policy, links)
    assert len(states) == 47 * len(links)
    assert np.allclose(states[link == 6], replay.observations, rtol=1e-6)


def test_drawn_actions_are_each_link_s_own(links):
    policy = TorchPolicy(actor(SYSTEM.video, 16), SYSTEM)
    together = SYSTEM.run(policy, links, seed=3, sample=True)
    alone = SYSTEM.run(policy, links[4:5], seed=3, sample=True)
    assert np.array_equal(together.detail.actions[4], alone.detail.actions[0])
    assert not np.array_equal(together.detail.actions, SYSTEM.run(policy, links, seed=4, sample=True).detail.actions)


def test_playing_actions_gives_the_arrays_of_a_session(links):
    actions = np.random.default_rng(0).integers(0, 6, 48)
    played = SYSTEM.play(links[1], actions.tolist())
    arrays = played.arrays
    assert arrays["observations"].shape == (48, 6, 8)
    assert set(arrays) >= {"delay_ms", "buffer_s", "rebuffer_s", "reward_linear", "reward_log", "reward_hd"}
    rates = SYSTEM.video.bitrates[actions]
    linear = rates / 1000 - 4.3 * arrays["rebuffer_s"] - np.abs(np.diff(rates, prepend=750)) / 1000
    assert np.allclose(arrays["reward_linear"], linear, atol=1e-12)
    quality = np.array([1, 2, 3, 12, 15, 20])[actions]
    worth = quality - 8 * arrays["rebuffer_s"] - np.abs(np.diff(quality, prepend=2))
    assert np.allclose(arrays["reward_hd"], worth)
    assert played.summary["qoe"] == pytest.approx(linear[1:].sum())
    for wrong, message in (
        ([1] * 47, "48 chunks"), ([1] * 47 + [6], "0 .* to 5"), ([0.5] * 48, "whole numbers"), (["high"] * 48, "whole"),
        (None, "actions, a bitrate's index"),
    ):  # fmt: skip
        with pytest.raises(DnnExplainError, match=message):
            SYSTEM.play(links[1], wrong)


def test_a_rule_whose_figure_depends_on_other_links_is_not_the_best_rule():
    assert "robust-mpc" in SPEC.apart
    assert "robust-mpc-reset" not in SPEC.apart


def test_a_policy_s_session_has_its_probabilities_in_each_observation(links):
    policy = TorchPolicy(actor(SYSTEM.video, 16), SYSTEM)
    arrays = SYSTEM.play(links[1], None, policy).arrays
    told = SYSTEM.output.probabilities(policy.outputs(arrays["observations"].astype(np.float32)))
    assert np.allclose(arrays["probabilities"], told)
    assert np.array_equal(arrays["probabilities"][:-1].argmax(axis=1), arrays["actions"][1:])
    again = SYSTEM.play(links[1], arrays["actions"].tolist()).arrays
    assert all(np.array_equal(again[name], arrays[name]) for name in again)


def test_a_replay_s_bars_follow_the_session(links):
    replay = SYSTEM.replay(SYSTEM.rules()["rb"], links[2])
    assert len(replay.objects) == 48
    assert (replay.start[1:] >= replay.finish[:-1] - 1e-9).all()
    assert np.array_equal(replay.chosen, np.arange(1, 48))
    stalled = replay.bar_track == 2
    lengths = replay.bars[stalled, 1] - replay.bars[stalled, 0]
    assert lengths.sum() == pytest.approx(replay.metrics["rebuffering"])
    assert (
        SYSTEM.play(links[2], [1, *replay.actions]).arrays["rebuffer_s"][0] > 0
    )  # the wait for the first chunk is no bar
    assert replay.bar_object[stalled].min(initial=1) >= 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdaptiveBitrate(qoe="best"), "QoE"),
        (lambda: AdaptiveBitrate(grouping="row"), "grouping"),
        (lambda: AdaptiveBitrate(remaining_row=3), "remaining_row"),
        (lambda: AdaptiveBitrate(bufer_limit=3), "parameter of abr"),
        (lambda: AdaptiveBitrate("nowhere"), "no video"),
        (lambda: SYSTEM.workloads("stable", 2, 0, rate=1), "parameter of stable"),
        (lambda: SYSTEM.repair(np.full((1, 25), np.nan)), "finite"),
        (lambda: SYSTEM.encode(np.zeros((1, 24))), "25"),
        (lambda: SYSTEM.decode(np.zeros((1, 6, 9))), "6, 8"),
    ],
)
def test_errors_teach(make, message):
    with pytest.raises(DnnExplainError, match=message):
        make()


def test_an_observation_taken_from_a_session_is_its_state(met):
    state = state_from_observation(SYSTEM, met[40])
    assert np.array_equal(SYSTEM.encode(state.values[None], state.background)[0], met[40])


def test_presets_are_valid_states():
    from dnnexplain.systems.abr.presets import presets

    first, others = presets(SYSTEM, None)
    assert len(others) >= 6
    for name, state in {"first": first, **others}.items():
        assert np.array_equal(SYSTEM.repair(state.values[None])[0], state.values), name
    assert others["The link collapses"].values[NAMES.index("throughput 1")] == pytest.approx(0.3, rel=1e-6)
