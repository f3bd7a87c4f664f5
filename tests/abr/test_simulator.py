import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video, default_video
from tests.abr.twin import Player


def compare(simulator, players, actions, factors=None):
    """Step both to the end; every figure and every cell must agree."""
    video = simulator.video
    for player in players:
        player.download(simulator.params.first)
    for chunk in range(1, video.chunks):
        assert np.allclose(simulator.observe(), [player.state for player in players], rtol=1e-12, atol=1e-12)
        rewards = simulator.step(actions[:, chunk], factors=None if factors is None else factors[:, chunk])
        told = [player.download(level) for player, level in zip(players, actions[:, chunk], strict=True)]
        a = simulator.arrays
        for name, values in (
            ("delay", a.delay), ("stall", a.stall), ("sleep", a.sleep), ("buffer", a.buffer / 1000), ("reward", rewards),
        ):  # fmt: skip
            assert np.allclose(values, [one[name] for one in told], rtol=1e-10, atol=1e-10), (chunk, name)
    assert simulator.done.all()
    assert np.allclose(simulator.observe(), [player.state for player in players], rtol=1e-12, atol=1e-12)


def test_sessions_equal_the_published_simulator_step_by_step(links):
    video, rng = default_video(), np.random.default_rng(0)
    simulator = Simulator(links)
    players = [Player(link.seconds, link.mbps, video.sizes) for link in links]
    compare(simulator, players, rng.integers(0, 6, (len(links), 48)))


def test_a_slow_choice_fills_the_buffer_and_sleeps_alike(links):
    video = default_video()
    simulator = Simulator(links)
    players = [Player(link.seconds, link.mbps, video.sizes) for link in links]
    compare(simulator, players, np.zeros((len(links), 48), dtype=int))
    assert simulator.arrays.buffer.max() > 55_000


def test_starts_and_noise_are_those_of_the_training_environment(links):
    video, rng = default_video(), np.random.default_rng(1)
    start = np.array([rng.integers(1, len(link.seconds)) for link in links])
    factors = rng.uniform(0.9, 1.1, (len(links), 48))
    factors[:, 0] = 1.0
    simulator = Simulator(links, start=start)
    players = [
        Player(link.seconds, link.mbps, video.sizes, start=begin, factors=row)
        for link, begin, row in zip(links, start, factors, strict=True)
    ]
    compare(simulator, players, rng.integers(0, 6, (len(links), 48)), factors)


def test_drawn_noise_lengthens_downloads_by_at_most_its_share(links):
    plain, noisy = Simulator(links), Simulator(links, params=Params(noise=0.1), noise=np.random.default_rng(0))
    ratio = noisy.arrays.delay / plain.arrays.delay
    assert (ratio >= 0.9).all()
    assert (ratio <= 1.1).all()
    assert ratio.std() > 0.01


def test_without_the_wrap_the_row_of_sizes_ends_in_zeros(links):
    simulator = Simulator(links, params=Params(wrap=False))
    for _ in range(5):
        simulator.step(np.full(len(links), 2))
    assert (simulator.observe()[:, 4, 6:] == 0).all()
    wrapped = Simulator(links)
    for _ in range(5):
        wrapped.step(np.full(len(links), 2))
    sizes = default_video().sizes / 1e6
    assert np.allclose(wrapped.observe()[:, 4, 7], sizes[5, 0])  # the smallest size that the step before showed
    assert np.allclose(wrapped.observe()[:, 4, 6], sizes[4, 0])


def test_a_ladder_of_three_keeps_what_rolling_leaves():
    video = Video(
        "three", [200, 800, 3000], np.tile([[1e5, 4e5, 1.5e6]], (12, 1)) + np.arange(12)[:, None], seconds=2.0
    )
    simulator = Simulator([Trace("even", [0.0, 10.0], [1.0, 2.0])], video)
    state = np.zeros((6, 8))
    for chunk in range(1, 12):
        state = np.roll(state, -1, axis=1)
        state[4, :3] = video.sizes[chunk] / 1e6
        assert np.allclose(simulator.observe()[0, 4], state[4])
        simulator.step(np.array([1]))
    assert simulator.done.all()


def test_a_long_ladder_widens_the_state():
    rates = np.linspace(200, 9000, 11)
    video = Video("eleven", rates, rates * 500 * np.ones((20, 1)))
    simulator = Simulator([Trace("even", [0.0, 10.0], [1.0, 2.0])], video)
    assert simulator.observe().shape == (1, 6, 11)
    simulator.step(np.array([10]))
    assert np.allclose(simulator.observe()[0, 4], rates * 500 / 1e6)


def test_a_session_alone_is_the_session_beside_others(links):
    together = Simulator(links)
    actions = np.random.default_rng(3).integers(0, 6, (47, len(links)))
    rewards = np.array([together.step(row) for row in actions])
    for place, link in enumerate(links):
        alone = Simulator([link])
        assert np.array_equal([alone.step(row[place : place + 1])[0] for row in actions], rewards[:, place])


def test_a_copy_goes_its_own_way(links):
    simulator = Simulator(links)
    twin = simulator.copy()
    before = simulator.observe()
    twin.step(np.zeros(len(links), dtype=int))
    assert np.array_equal(simulator.observe(), before)
    assert not np.array_equal(twin.observe(), before)


def test_a_finished_session_does_not_move(links):
    simulator = Simulator(links)
    for _ in range(47):
        simulator.step(np.zeros(len(links), dtype=int))
    before = simulator.observe()
    assert (simulator.step(np.zeros(len(links), dtype=int)) == 0).all()
    assert np.array_equal(simulator.observe(), before)


def test_qoe_is_the_papers():
    ladder = default_video().bitrates
    linear, log, hd = (make_qoe(name, ladder) for name in ("linear", "log", "hd"))
    assert linear.of(5, 1, 2.0) == pytest.approx(4.3 - 4.3 * 2 - 3.55)
    assert log.of(2, 0, 1.0) == pytest.approx(np.log(4) - 2.66 - np.log(4))
    assert hd.of(3, 5, 0.5) == pytest.approx(12 - 8 * 0.5 - 8)
    with pytest.raises(DnnExplainError, match=r"QoE.*linear"):
        make_qoe("quadratic", ladder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trace("short", [0.0], [1.0]), "at least 2 samples"),
        (lambda: Trace("back", [0.0, 2.0, 1.0], [1.0] * 3), "do not fall"),
        (lambda: Trace("minus", [0.0, 1.0], [1.0, -1.0]), "0 or more"),
        (lambda: Trace("dead", [0.0, 1.0, 2.0], [5.0, 0.0, 0.0]), "carries 0 Mbit"),
        (lambda: Trace("nan", [0.0, 1.0], [1.0, np.nan]), "finite"),
        (lambda: Params(payload=0.0), "payload must be between"),
        (lambda: Params(noise=float("nan")), "noise must be between"),
        (lambda: Video("x", [300], [[1], [2]]), "2 to 32 bitrates"),
        (lambda: Video("x", [750, 300], [[1, 2], [2, 3]]), "rise"),
        (lambda: Video("x", [300, 750], [[1, 2], [2, 0]]), "chunk 2"),
        (lambda: Simulator([]), "no trace"),
        (lambda: Simulator([Trace("a", [0.0, 1.0], [1.0, 1.0])]).step(np.array([6])), "action 6 does not exist"),
        (lambda: Simulator([Trace("a", [0.0, 1.0], [1.0, 1.0])]).step(np.array([1, 1])), "one action per session"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(make, message):
    with pytest.raises(DnnExplainError, match=message):
        make()
