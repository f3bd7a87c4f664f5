import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.decisions.consequences import consequences
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.abr import AdaptiveBitrate
from dnnexplain.systems.abr.futures import RECENT, entered
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.training import actor

SYSTEM = AdaptiveBitrate()
POLICY = TorchPolicy(actor(SYSTEM.video, 16), SYSTEM)


def state_after(link, chunks, actions):
    """The state of a session that was played, and its arrays."""
    arrays = SYSTEM.play(link, actions).arrays
    seen = arrays["observations"][chunks - 1 : chunks].astype(np.float32)
    return State(SYSTEM.decode(seen)[0], seen[0]), arrays


def test_on_an_even_link_what_follows_is_the_rest_of_the_session():
    even = Trace("even", np.arange(0.0, 40.0), np.full(40, 1.7))
    for start in (1, 3):
        actions = [1, *[start] * 47]
        state, arrays = state_after(even, 20, actions)
        policy = SYSTEM.rules()["rb"]
        said = SYSTEM.continued(state, policy, start, [even], seed=0)
        rest = SYSTEM.play(even, [*actions[:21], *_rule_after(even, actions, policy)]).arrays
        assert said.metrics["qoe"][0] == pytest.approx(rest["reward_linear"][20:].sum(), abs=0.05)
        assert said.metrics["rebuffering"][0] == pytest.approx(rest["rebuffer_s"][20:].sum(), abs=0.02)
        assert said.actions.sum() == 28
        assert arrays["observations"].shape[0] == 48


def _rule_after(link, actions, policy):
    """What a rule decides, one chunk at a time, after 21 given chunks."""
    chosen = list(actions[:21])
    while len(chosen) < 48:
        seen = SYSTEM.play(link, chosen + [0] * (48 - len(chosen))).arrays["observations"][len(chosen) - 1]
        chosen.append(int(policy.outputs(seen[None].astype(np.float32))[0].argmax()))
    return chosen[21:]


def test_a_link_goes_on_from_the_throughput_that_the_state_shows(links):
    for number, link in enumerate(links):
        moved, at = entered(link, 2.5, np.random.default_rng(number))
        since = max(moved.seconds[at - 1] - RECENT, moved.seconds[0])
        spans = np.clip(
            np.minimum(moved.seconds[1:], moved.seconds[at - 1]) - np.maximum(moved.seconds[:-1], since), 0, None
        )
        level = spans @ moved.mbps[1:] / spans.sum() if spans.sum() else moved.mean
        assert level == pytest.approx(2.5)
    assert entered(links[1], 0.0, np.random.default_rng(0))[0] is links[1]


def test_differences_are_paired_and_the_chosen_action_differs_from_itself_by_nothing(links):
    state, _ = state_after(links[1], 10, [1] * 48)
    found = consequences(SYSTEM, POLICY, state, links, seed=3)
    assert [one.action for one in found.actions] == list(range(6))
    runs = [SYSTEM.continued(state, POLICY, action, links, seed=3) for action in range(6)]
    for one, run in zip(found.actions, runs, strict=True):
        assert one.figures["qoe"].mean == pytest.approx(run.metrics["qoe"].mean())
        assert one.against["cost"].mean == pytest.approx((run.cost - runs[found.chosen].cost).mean())
        assert run.metrics["bitrate"].max() <= 4300
    assert found.of(found.chosen).against["rebuffering"].mean == 0.0
    assert SYSTEM.output.names[found.chosen] in found.sentence()


def test_a_higher_bitrate_with_an_empty_buffer_stalls_longer(links):
    values = SYSTEM.state_from_json({"buffer_s": 4.0}).values
    found = consequences(SYSTEM, SYSTEM.rules()["rb"], State(values), links, seed=0)
    stalls = [one.figures["rebuffering"].mean for one in found.actions]
    assert stalls[5] > stalls[0]


def test_a_system_that_cannot_go_on_says_so():
    from tests.fakes import FakeChoice, FakeRule

    with pytest.raises(DnnExplainError, match=r"cannot be shown for .*from a state on"):
        consequences(FakeChoice(), FakeRule.__new__(FakeRule), State(np.zeros(2)), [1])
