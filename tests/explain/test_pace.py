"""Of a batch of runs only so many are begun as end in time, and all of them where no limit is near."""

from collections.abc import Sequence

import numpy as np
import pytest

from dnnexplain.explain.sequence.pace import Pace
from dnnexplain.explain.sequence.population import Population, run_batches


class Clock:
    """Time that passes as runs take it: a part for each batch, and one for each run."""

    def __init__(self, batch: float, each: float) -> None:
        self.now, self.batch, self.each = 0.0, batch, each

    def __call__(self) -> float:
        return self.now

    def take(self, count: int) -> None:
        self.now += self.batch + self.each * count


class Numbers:
    """A gap that is a workload's own number; a run of it takes time."""

    system = None

    def __init__(self, clock: Clock) -> None:
        self.clock, self.sizes = clock, list[int]()

    def costs(self, workloads: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        self.clock.take(len(workloads))
        self.sizes.append(len(workloads))
        return np.array(workloads), np.zeros(len(workloads))

    def of(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        return own - other


def searched(clock: Clock, seconds: float, batches: int = 10):
    """What a search of batches of 96 finds within so many seconds, after a beginning of 24."""
    rng, gap = np.random.default_rng(0), Numbers(clock)
    pace, known = Pace(lambda: seconds - clock(), clock), Population(gap)
    known.add(rng.random(24).tolist())
    pace.ran(24)
    drawn = iter([rng.random(96).tolist() for _ in range(batches)])
    done, why = run_batches(known, drawn, lambda done: "rounds" if done >= batches else "", pace=pace)
    return known, done, why, gap.sizes


@pytest.mark.parametrize(("batch", "each"), [(0.0, 0.01), (0.3, 0.001), (0.05, 0.02), (0.5, 0.0)])
@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.7])
def test_a_limit_is_kept_and_used(batch, each, seconds):
    clock = Clock(batch, each)
    known, done, why, _ = searched(clock, seconds, batches=1000)
    assert why == "seconds"
    assert clock() <= seconds
    assert clock() >= seconds - 1.2 * (batch + 24 * each) - 0.01, "less is left than the smallest batch takes"
    assert known.evaluated > 96 * done


def test_a_far_limit_changes_nothing():
    plain, *_, sizes = searched(Clock(0.1, 0.01), np.inf)
    near, *_, pieces = searched(Clock(0.1, 0.01), 100.0)
    assert sizes == pieces == [24] + 10 * [96]
    assert plain.workloads == near.workloads


def test_pieces_find_what_the_whole_finds():
    whole, *_ = searched(Clock(0.0, 0.01), np.inf, batches=3)
    cut, done, why, sizes = searched(Clock(0.0, 0.01), 4.0, batches=3)
    assert (done, why) == (3, "rounds")
    assert len(sizes) > 4, "batches were run in pieces"
    assert cut.workloads == whole.workloads
    assert (cut.costs == whole.costs).all()


def test_runs_that_take_longer_and_longer_are_still_ended_in_time():
    clock = Clock(0.0, 0.01)
    take = clock.take

    def slower(count: int) -> None:
        clock.each *= 1.05
        take(count)

    clock.take = slower  # type: ignore[method-assign]
    searched(clock, 3.0, batches=1000)
    assert clock() <= 3.0


def test_without_knowing_what_a_run_takes_a_few_are_tried():
    clock = Clock(0.0, 0.1)
    pace = Pace(lambda: 2.0 - clock(), clock)
    sizes = []

    def run(batch: Sequence[int]) -> None:
        sizes.append(len(batch))
        clock.take(len(batch))

    assert not pace.through(range(96), run)
    assert sizes[0] == 8
    assert clock() <= 2.0
    assert Pace().through(range(96), run), "no limit"
    assert sizes[-1] == 96
