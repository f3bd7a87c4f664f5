from dataclasses import replace

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.rules import SETTINGS, RulePolicy, make_rules
from dnnexplain.systems.abr.runner import play_actions, run_policy
from dnnexplain.systems.abr.trace_files import read_traces
from dnnexplain.systems.abr.video import default_video
from tests.abr.twin import Player, robust_mpc

VIDEO = default_video()
LINEAR = make_qoe("linear", VIDEO.bitrates)


def rule(name, **settings):
    return RulePolicy(name, VIDEO, Params(), LINEAR, **settings)


def state(buffer=12.0, throughputs=(1.0,) * 8, last=750.0, remaining=20, index=28):
    """One observation from domain quantities; throughputs in MB/s."""
    picture = np.zeros((1, 6, 8))
    picture[0, 0, -1] = last / 4300
    picture[0, 1, -1] = buffer / 10
    picture[0, 2] = throughputs
    picture[0, 4, :6] = VIDEO.sizes[index] / 1e6
    picture[0, 5, -1] = remaining / 48
    return picture


@pytest.mark.parametrize(
    ("buffer", "level"), [(0.0, 0), (4.99, 0), (7.01, 1), (9.01, 2), (14.99, 4), (15.0, 5), (40.0, 5)]
)
def test_buffer_based_climbs_through_its_cushion(buffer, level):
    assert rule("bb").outputs(state(buffer))[0].argmax() == level


def test_rate_based_takes_the_harmonic_mean_of_the_last_five():
    seen = np.array([9.0, 9.0, 9.0, 0.2, 0.1, 0.3, 0.2, 0.4])
    estimate = 5 / (1 / seen[-5:]).sum() * 8000
    assert rule("rb").outputs(state(throughputs=seen))[0].argmax() == np.flatnonzero(VIDEO.bitrates <= estimate).max()
    early = np.array([0, 0, 0, 0, 0, 0, 0, 0.4])
    assert rule("rb").outputs(state(throughputs=early))[0].argmax() == 4  # 3.2 Mbit/s carries 2850


def test_bola_maximises_its_score():
    for buffer in np.linspace(0, 60, 41):
        utility = np.log(VIDEO.bitrates / 300)
        score = ((60 - 4) / (utility[-1] + 1.6) * (utility + 1.6) - buffer) / VIDEO.bitrates
        assert rule("bola").outputs(state(buffer))[0].argmax() == score.argmax()


def test_tuned_leaves_its_reserve():
    seen = np.full(8, 0.25)
    sizes = VIDEO.sizes[28] / 1e6
    for buffer in (5.0, 9.0, 20.0):
        fits = np.flatnonzero(sizes / (0.5 * 0.25) <= buffer - 3.0)
        wanted = fits.max() if len(fits) else 0
        assert rule("tuned", share=0.5, reserve=3.0).outputs(state(buffer, seen))[0].argmax() == wanted


def test_robust_mpc_decides_as_the_literal_loop(links):
    """On whole sessions; about 40 decisions of 7,776 plans each are compared."""
    sessions = run_policy(links[1:2], VIDEO, Params(), rule("robust-mpc-reset"))
    _, states = play_actions(links[1:2], VIDEO, Params(), sessions.actions)
    literal = robust_mpc(list(states[0][:12]), VIDEO.bitrates.tolist(), VIDEO.sizes.tolist())
    assert literal == sessions.actions[0, 1:13].tolist()
    assert len(set(literal)) > 1


def test_robust_mpc_plans_to_the_end_and_no_further(links):
    sessions = run_policy(links[6:7], VIDEO, Params(), rule("robust-mpc-reset"))
    _, states = play_actions(links[6:7], VIDEO, Params(), sessions.actions)
    tail = robust_mpc(list(states[0][36:47]), VIDEO.bitrates.tolist(), VIDEO.sizes.tolist())
    # The memory of a session that is joined late is short, so that only decisions with a full window are compared.
    assert tail[6:] == sessions.actions[0, 43:48].tolist()


def test_robust_mpc_as_published_keeps_its_errors_between_sessions(links):
    kept = run_policy(links, VIDEO, Params(), rule("robust-mpc"))
    fresh = run_policy(links, VIDEO, Params(), rule("robust-mpc-reset"))
    assert np.array_equal(kept.actions[0], fresh.actions[0])
    assert not np.array_equal(kept.actions, fresh.actions)


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - {"robust-mpc", "robust-mpc-reset"}))
def test_a_rule_in_a_session_is_the_rule_on_its_states(links, name):
    sessions = run_policy(links, VIDEO, Params(), rule(name))
    _, states = play_actions(links, VIDEO, Params(), sessions.actions)
    for chunk in range(1, 48):
        told = rule(name).outputs(states[:, chunk - 1]).argmax(axis=1)
        assert np.array_equal(told, sessions.actions[:, chunk])


def test_robust_mpc_on_a_single_state_is_near_its_session(links):
    sessions = run_policy(links, VIDEO, Params(), rule("robust-mpc-reset"))
    _, states = play_actions(links, VIDEO, Params(), sessions.actions)
    told = np.stack([rule("robust-mpc").outputs(states[:, n - 1]).argmax(axis=1) for n in range(1, 48)], axis=1)
    assert np.array_equal(told[:, :4], sessions.actions[:, 1:5])  # the state still shows the whole memory
    assert (told == sessions.actions[:, 1:]).mean() > 0.9


def test_watching_a_rule_changes_nothing(links):
    seen = []
    watched = run_policy(links, VIDEO, Params(), rule("rb"), watch=lambda s, a, o: seen.append((s.observe(), a, o)))
    assert np.array_equal(watched.actions, run_policy(links, VIDEO, Params(), rule("rb")).actions)
    assert len(seen) == 47
    assert all(np.array_equal(rule("rb").outputs(states), outputs) for states, _, outputs in seen)


def test_noise_is_each_links_own(links):
    noisy = Params(noise=0.1)
    together = run_policy(links, VIDEO, noisy, rule("bb"), seed=4)
    alone = run_policy(links[3:4], VIDEO, noisy, rule("bb"), seed=4)
    assert np.array_equal(together.delay_ms[3], alone.delay_ms[0])
    assert not np.array_equal(together.delay_ms, run_policy(links, VIDEO, noisy, rule("bb"), seed=5).delay_ms)


def test_figures_are_sums_over_the_chunks_after_the_first(links):
    sessions = run_policy(links, VIDEO, Params(), rule("rb"))
    player = Player(links[6].seconds, links[6].mbps, VIDEO.sizes)
    told = [player.download(level) for level in sessions.actions[6]]
    figures = sessions.figures(LINEAR)
    assert figures["qoe"][6] == pytest.approx(sum(one["reward"] for one in told[1:]))
    assert figures["rebuffering"][6] == pytest.approx(sum(one["stall"] for one in told[1:]))
    rates = VIDEO.bitrates[sessions.actions[6]]
    assert figures["bitrate"][6] == pytest.approx(rates[1:].mean())
    assert figures["changes"][6] == pytest.approx(np.abs(np.diff(rates)).sum() / 1000)
    assert np.array_equal(sessions.counts[6], np.bincount(sessions.actions[6, 1:], minlength=6))
    # Frozen: more than a tenth of 47 chunks of 4 s each.
    still = replace(
        sessions, stall_s=np.concatenate([np.full((2, 1), 99.0), np.full((2, 47), [[0.39], [0.41]])], axis=1)
    )
    assert still.frozen.tolist() == [0.0, 1.0]
    # Equation 6, from its parts.
    assert np.allclose(
        figures["qoe"], 47 * figures["bitrate"] / 1000 - 4.3 * figures["rebuffering"] - figures["changes"]
    )


@pytest.mark.parametrize(
    ("name", "total", "stall"),
    [
        ("fixed", 13.61, 0.01),
        ("bb", 30.04, 1.63),
        ("rb", 35.02, 1.13),
        ("mpc", 7.24, 10.1),
        ("robust-mpc", 41.19, 1.49),
    ],
)
def test_totals_on_the_published_test_links(data, name, total, stall):
    traces, _ = read_traces(data / "traces")
    sessions = run_policy(traces, VIDEO, Params(), rule(name))
    assert len(traces) == 142
    assert sessions.total(LINEAR).mean() == pytest.approx(total, abs=0.05)
    assert sessions.rebuffering.mean() == pytest.approx(stall, abs=0.02)


def test_unknown_rules_and_numbers_are_refused():
    with pytest.raises(DnnExplainError, match="no rule"):
        rule("panda")
    with pytest.raises(DnnExplainError, match="reservoir"):
        rule("bb", reserve=3.0)
    with pytest.raises(DnnExplainError, match=r"reads states"):
        rule("bb").outputs(np.zeros((2, 5, 8)))
    assert set(make_rules(VIDEO, Params(), LINEAR)) == set(SETTINGS)
