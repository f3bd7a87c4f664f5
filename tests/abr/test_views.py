"""A session over time: the curves are those of the session, and of physics."""

import numpy as np
import pytest

from dnnexplain.registry import views_of
from dnnexplain.systems import make_system

SYSTEM = make_system("abr")


@pytest.fixture(scope="module")
def session():
    link = SYSTEM.workloads("markov-3g", 1, 5)[0]
    return link, SYSTEM.replay(SYSTEM.rules()["rb"], link)


def test_the_buffer_is_the_session_s_and_falls_by_a_second_each_second(session):
    link, replay = session
    arrays = SYSTEM.play(link, [SYSTEM.params.first, *replay.actions]).arrays
    buffer = replay.curves[0]
    after = buffer.values[[*range(0, len(buffer.values) - 1, 3), -1]]
    np.testing.assert_allclose(after, arrays["buffer_s"])
    slope = np.diff(buffer.values) / np.where(np.diff(buffer.times) > 1e-9, np.diff(buffer.times), np.nan)
    falling = slope[0::3][np.isfinite(slope[0::3])]
    np.testing.assert_allclose(falling, -1.0, atol=1e-6)
    assert (buffer.values >= 0).all()
    waits = buffer.times[2::3] - buffer.times[1::3]
    assert waits.sum() == pytest.approx(arrays["rebuffer_s"][1:].sum(), abs=1e-6)


def test_throughput_is_a_chunk_s_size_over_its_time_and_the_link_repeats(session):
    link, replay = session
    _, there, measured = replay.curves
    moved = measured.values[:-1] * (replay.finish - replay.start)
    chosen = np.array([SYSTEM.params.first, *replay.actions])
    np.testing.assert_allclose(moved, SYSTEM.video.sizes[np.arange(48), chosen] * 8e-6)
    length = link.seconds[-1] - link.seconds[0]
    for time in (0.1, 3.7, 0.6 * replay.finish[-1]):
        at = np.searchsorted(link.seconds - link.seconds[0], time % length, side="right")
        assert there.values[np.searchsorted(there.times, time, side="right") - 1] == link.mbps[at]


def test_the_past_goes_from_the_oldest_chunk_and_the_ladder_shows_every_bitrate():
    past, ladder, _ = views_of(SYSTEM)
    assert past.lines[0].knobs == tuple(f"throughput {age}" for age in range(8, 0, -1))
    assert past.level == "buffer"
    assert ladder.places == SYSTEM.output.names
    assert ladder.lines[0].chances
