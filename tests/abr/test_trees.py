"""Quantities of a state against a literal reading of them, and trees played compiled against trees played step by step."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import TreePolicy
from dnnexplain.explain.distillation.tree import grow
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.runner import run_policy

FAMILIES = ("markov-3g", "5g", "outage", "puffer-like")


def states_of(system, rule="robust-mpc-reset"):
    links = [link for name in FAMILIES for link in system.workloads(name, 5, 3)]
    return links, system.visit(system.rules()[rule], links)[0]


def literal(system, observation):
    """The quantities of one state, in the words of their names."""
    codec, rates = system.codec, system.video.bitrates
    row = codec.decode(observation[None])[0]
    past = row[codec.throughput]

    def harmonic(count):
        there = [rate for rate in past[-count:] if rate > 0]
        return len(there) / sum(1 / rate for rate in there) if there else 0.0

    five = harmonic(5)
    sizes = row[codec.sizes]
    least = min([rate for rate in past[-5:] if rate > 0], default=0.0)
    level = int(np.abs(rates - row[0]).argmin())

    def after(place, speed):
        return row[1] - (min(8 * sizes[place] / speed, 120.0) if speed else 120.0)

    def carried(speed, chunks):
        return speed * (chunks * 4 + row[1]) / (chunks * 4)

    higher = min(level + 1, 5)
    carry = [carried(five, 5), carried(least, 5), carried(five, max(row[codec.remaining], 1))]
    quantities = [
        row[0], row[1], *past[::-1], five, least, row[codec.download][-1], row[codec.remaining], *sizes,
        harmonic(3), harmonic(8), *(after(place, five) for place in range(6)),
        after(level, five), after(higher, five), after(level, least), after(higher, least), *carry,
    ]  # fmt: skip

    def worth(place, chunks, speed):
        """Chunk by chunk, what the linear QoE makes of keeping one bitrate."""
        buffer, total, before = row[1], 0.0, rates[level] / 1000
        for number in range(int(min(chunks, max(row[codec.remaining], 1)))):
            megabits = 8 * sizes[place] if number == 0 else rates[place] / 1000 * 4
            took = min(megabits / speed, 120.0) if speed else 120.0
            total += rates[place] / 1000 - 4.3 * max(took - buffer, 0.0) - abs(rates[place] / 1000 - before)
            buffer, before = max(buffer - took, 0.0) + 4, rates[place] / 1000
        return total

    lower = max(level - 1, 0)
    quantities += [
        worth(other, chunks, speed) - worth(level, chunks, speed)
        for chunks, speed in [(12, 0.7 * five), (5, five), (5, least)]
        for other in (higher, lower)
    ]
    plans = [(chunks, speed) for speed in (0.5 * five, 0.7 * five, five, least) for chunks in (5, 12)]
    kept = [int(np.argmax([worth(place, *plan) for place in range(6)])) for plan in plans]

    def below(speed):
        return max([place for place, rate in enumerate(rates) if rate <= 1000 * speed], default=0)

    aims = [below(speed) for speed in carry]
    steps, slower = ([level + int(np.sign(aim - level)) for aim in some] for some in (aims, kept))
    return quantities, [level, higher, lower, below(five), *range(6), *aims, *steps, *kept, *slower]


@pytest.mark.parametrize("rule", ["robust-mpc-reset", "bola"])
def test_quantities_are_what_their_names_say(rule):
    system = make_system("abr")
    states = states_of(system, rule)[1]
    states = states[np.random.default_rng(1).permutation(len(states))[:300]]
    wanted = [literal(system, one) for one in states]
    np.testing.assert_allclose(system.features(states), [one for one, _ in wanted], rtol=1e-9, atol=1e-9)
    assert system.features.actions(states).tolist() == [moves for _, moves in wanted]
    with pytest.raises(DnnExplainError, match="6, 8"):
        system.features(states[:, :5])


@pytest.mark.parametrize("parameters", [{}, {"noise": 0.1}, {"buffer_limit": 20.0, "first": 0}])
@pytest.mark.parametrize("leaves", [2, 40])
def test_a_compiled_tree_plays_as_one_that_is_asked_step_by_step(parameters, leaves):
    system = make_system("abr", **parameters)
    links, states = states_of(system)
    actions = system.rules()["robust-mpc-reset"].outputs(states).argmax(axis=1)
    moves = actions + 4
    moves[::3] = np.random.default_rng(0).integers(4, size=len(moves[::3]))
    moves[1::5] = np.random.default_rng(1).integers(10, 32, size=len(moves[1::5]))
    tree = grow(system.features(states), moves, np.ones(len(moves)), count=32, leaves=leaves)
    policy = TreePolicy(tree, system.features, 6)
    fast = run_policy(links, system.video, system.params, policy, seed=3)
    slow = run_policy(links, system.video, system.params, policy, seed=3, watch=lambda *_: None)
    for name in ("actions", "delay_ms", "stall_s", "sleep_ms", "buffer_s"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
    assert len(np.unique(fast.actions)) >= 2


def test_a_tree_of_another_player_is_asked_step_by_step():
    system, other = make_system("abr"), make_system("abr", buffer_limit=20.0)
    links, states = states_of(system)
    actions = system.rules()["bb"].outputs(states).argmax(axis=1)
    tree = grow(other.features(states), actions + 4, np.ones(len(states)), count=16, leaves=8)
    policy = TreePolicy(tree, other.features, 6)
    wanted = run_policy(links, system.video, system.params, policy, watch=lambda *_: None)
    np.testing.assert_array_equal(run_policy(links, system.video, system.params, policy).actions, wanted.actions)


@pytest.mark.parametrize("watch", [None, lambda *_: None])
def test_a_tree_that_was_kept_when_there_were_fewer_moves_still_plays(watch):
    """New moves stand at the end: the others keep their places."""
    system = make_system("abr")
    links, states = states_of(system)
    actions = system.rules()["bola"].outputs(states).argmax(axis=1)
    old, new = (
        grow(system.features(states)[:, :28], actions + 4, np.ones(len(states)), count=count, leaves=12)
        for count in (10, len(system.features.moves))
    )
    played = [
        run_policy(links, system.video, system.params, TreePolicy(tree, system.features, 6), watch=watch).actions
        for tree in (old, new)
    ]
    np.testing.assert_array_equal(*played)
