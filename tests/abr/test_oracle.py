import itertools

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.systems.abr import AdaptiveBitrate, Params, Simulator, Trace, Video, make_qoe, read_traces
from dnnexplain.systems.abr.judge import repeated_link, session_of
from dnnexplain.systems.abr.oracle import action_loss, best_plan, decision_losses
from dnnexplain.systems.abr.oracle_kernels import future_gain
from dnnexplain.systems.abr.runner import play_actions
from dnnexplain.systems.abr.trace_families import FAMILIES, generate

RATES = np.array([300.0, 1200.0, 3000.0])


def short(chunks, seed=0, seconds=4.0):
    rng = np.random.default_rng(seed)
    return Video("short", RATES, RATES * 125 * seconds * rng.uniform(0.7, 1.3, (chunks, 1)), seconds)


def every_session(trace, video, params, qoe):
    """Totals of all plans, by trying each in the simulator."""
    plans = np.array([(params.first, *rest) for rest in itertools.product(range(len(RATES)), repeat=video.chunks - 1)])
    return plans, play_actions([trace] * len(plans), video, params, plans)[0].total(qoe)


def links(count, seed, mean):
    return [
        generate(name, 1, seed + i, mean=mean)[0]
        for i, name in zip(range(count), itertools.cycle(FAMILIES), strict=False)
    ]


@pytest.mark.parametrize("name", ["linear", "log", "hd"])
@pytest.mark.parametrize("params", [Params(), Params(buffer_limit=10.0, first=0), Params(request_ms=900.0)])
def test_the_interval_holds_the_best_of_all_sessions(name, params):
    for number, trace in enumerate(links(6, 3, 1.0)):
        video = short(7, number)
        qoe = make_qoe(name, RATES)
        plan = best_plan(trace, video, params, qoe)
        best = every_session(trace, video, params, qoe)[1].max()
        assert plan.lower <= best + 1e-9
        assert plan.upper >= best - 1e-9
        assert best - plan.lower <= 0.02 * abs(best) + 0.05
        assert plan.upper - best <= 0.05 * abs(best) + 0.2


def test_the_plan_is_a_session_with_its_total():
    trace, video, qoe = links(1, 0, 1.5)[0], short(30), make_qoe("linear", RATES)
    plan = best_plan(trace, video, Params(), qoe)
    assert play_actions([trace], video, Params(), plan.actions[None])[0].total(qoe)[0] == pytest.approx(plan.lower)


def test_no_rule_beats_the_bound():
    system = AdaptiveBitrate()
    made = links(4, 50, None)
    bounds = [system.bound(trace) for trace in made]
    for rule in system.rules().values():
        cost = system.run(rule, made).cost
        assert all(bound.lower <= value + 1e-9 for bound, value in zip(bounds, cost, strict=True)), rule.name
    optimum = system.run_optimum(made)
    assert np.allclose(optimum.cost, [bound.upper for bound in bounds])
    assert system.replay_optimum(made[0]).cost == pytest.approx(bounds[0].upper)


def test_a_link_that_is_fast_enough_for_everything_is_solved_exactly():
    trace = Trace("fast", np.arange(0.0, 100.0), np.full(100, 200.0))
    plan = best_plan(trace, short(20), Params(), make_qoe("linear", RATES))
    assert plan.lower == pytest.approx(19 * 3.0 - 1.8)
    assert plan.upper == pytest.approx(plan.lower)


def test_noise_has_no_optimum():
    with pytest.raises(DnnExplainError, match="noise"):
        best_plan(links(1, 0, 1.0)[0], short(5), Params(noise=0.1), make_qoe("linear", RATES))


def test_what_each_bitrate_leads_to_holds_the_best_continuation():
    trace, video, qoe = links(2, 9, 1.0)[1], short(7), make_qoe("linear", RATES)
    plans, _ = every_session(trace, video, Params(), qoe)
    rewards = play_actions([trace] * len(plans), video, Params(), plans)[0].rewards(qoe)
    simulator = Simulator([trace], video)
    for action in (2, 0):
        simulator.step(np.array([action]))
    reached, proved = decision_losses(simulator)
    for action in range(3):
        same = (plans[:, 1] == 2) & (plans[:, 2] == 0) & (plans[:, 3] == action)
        best = rewards[same, 3:].sum(axis=1).max()
        assert reached[action] <= best + 1e-9
        assert best - 1e-9 <= proved[action] <= best + 0.3
        assert best - reached[action] <= 0.3
        top, same_reached, same_proved = action_loss(simulator, action)
        assert (same_reached, same_proved) == (reached[action], proved[action])
        assert top == pytest.approx(reached.max())


def test_the_most_that_can_follow_is_never_less_than_what_can():
    """Against every continuation on a small grid of what a link carries."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        carried = np.concatenate([[0.0], np.cumsum(rng.uniform(0, 1, 60))])
        gains = np.sort(rng.uniform(0, 10, (1, 40)), axis=1)
        t, deadline, penalty = rng.uniform(0, 10), rng.uniform(5, 12), rng.uniform(0.5, 4)
        told = future_gain(t, deadline, 0, carried, 1.0, gains, 1.0, penalty)
        for extra in np.linspace(0, 30, 61):
            got = np.interp(deadline + extra, np.arange(61), carried) - np.interp(t, np.arange(61), carried)
            assert told >= gains[0, min(int(max(got, 0)), 39)] - penalty * extra - 1e-9


def test_judging_repeats_the_link_that_the_state_shows():
    system = AdaptiveBitrate()
    trace = links(1, 4, 1.5)[0]
    states, _ = system.visit(system.rules()["bb"], [trace])
    state = State(system.decode(states[20:21])[0], states[20])
    link = repeated_link(system.codec, state)
    session = session_of(system.codec, state, system.qoe)
    # Downloading again what was downloaded takes as long as it took.
    sizes = state.values[system.codec.throughput] * state.values[system.codec.download] / 8
    took = np.diff(np.concatenate([[0], link.seconds[1:]]))
    assert np.allclose(took * link.mbps[1:] * 0.95 / 8, sizes, rtol=1e-6)
    assert session.arrays.buffer[0] == pytest.approx(state.values[1] * 1000)
    judgement = system.judge(state)
    assert judgement.loss.min() == 0
    assert all(judgement.loss[action] == 0 for action in judgement.best)
    one = system.judge_action(state, 5)
    assert one.loss[5] == pytest.approx(judgement.loss[5], abs=0.5)
    assert np.isnan(one.loss[:5]).all()
    empty = system.judge(State(system.repair(np.where(np.arange(25) == 1, 0.0, state.values)[None])[0]))
    assert empty.loss[5] > 3  # with an empty buffer the highest bitrate stalls


def test_the_published_test_links_have_narrow_intervals(data):
    traces, _ = read_traces(data / "traces")
    system = AdaptiveBitrate()
    plans = [system.bound(trace).detail for trace in traces[::36]]
    assert max((plan.upper - plan.lower) / abs(plan.lower) for plan in plans) <= 0.02
