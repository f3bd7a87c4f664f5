"""The seeded map: the same answers everywhere, streamed, cancelled, and clear when an item fails."""

import os
import threading
import time
from concurrent.futures import Executor, Future

import numpy as np
import pytest

from dnnexplain import parallel
from dnnexplain.contract import DnnExplainError
from dnnexplain.parallel import child_seed, go_on, seeded_imap, seeded_map, worker_count

ITEMS = list(range(7))
LONG = 600
"""Seconds that nobody waits: far above what starting processes takes on a busy machine."""


def draw(item, rng):
    return item, rng.integers(1_000_000, size=3).tolist()


def fail_at_three(item, rng):
    if item == 3:
        message = "three is too many"
        raise DnnExplainError(message)
    return item


def wait_long_unless_first(item, rng):
    time.sleep(0.01 if item == 0 else LONG)
    return item


def wait_a_little(item, rng):
    time.sleep(0.02)
    return item


def die(item, rng):
    os._exit(3)


def nested(item, rng):
    inner = seeded_map(draw, range(2), seed=int(rng.integers(100)), jobs=2)
    return inner, os.getpid()


EXPECTED = [
    draw(item, np.random.default_rng(child))
    for item, child in zip(ITEMS, np.random.SeedSequence(5).spawn(7), strict=True)
]


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", worker_dashboard_address=":0"
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as one:
        yield one


@pytest.mark.parametrize("backend", ["inline", "threading", "loky"])
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_answers_are_numpys_spawned_children_whoever_computes_them(backend, jobs):
    assert seeded_map(draw, ITEMS, seed=5, backend=backend, jobs=jobs) == EXPECTED


@pytest.mark.slow
def test_answers_are_the_same_on_a_dask_cluster(client):
    assert seeded_map(draw, ITEMS, seed=5, backend="dask", client=client) == EXPECTED
    with client.as_current():
        assert seeded_map(draw, ITEMS, seed=5, backend="dask") == EXPECTED


@pytest.mark.slow
def test_a_failing_item_on_a_dask_cluster_is_named(client):
    with pytest.raises(DnnExplainError, match="three is too many") as caught:
        seeded_map(fail_at_three, ITEMS, seed=5, backend="dask", client=client)
    assert "item 4: 3" in caught.value.__notes__[0]


@pytest.mark.slow
def test_cancel_gives_up_what_a_dask_cluster_has_not_begun(client):
    cancel = threading.Event()
    answers = seeded_map(
        wait_a_little,
        range(1000),
        seed=0,
        backend="dask",
        client=client,
        cancel=cancel,
        progress=lambda *_: cancel.set(),
    )
    assert 1 <= 1000 - answers.count(None) <= 10


def test_a_seed_sequence_may_be_the_seed():
    root = np.random.SeedSequence(5).spawn(2)[1]
    expected = root.spawn(3)[2].generate_state(4)
    np.testing.assert_array_equal(child_seed(root, 2).generate_state(4), expected)


def test_functions_of_a_notebook_can_be_sent_to_processes():
    shift = 10
    assert seeded_map(lambda item, rng: item + shift, [1, 2], seed=0, jobs=2) == [11, 12]


@pytest.mark.parametrize("backend", ["inline", "threading", "loky"])
def test_a_failing_item_is_named_and_its_error_keeps_its_type(backend):
    with pytest.raises(DnnExplainError, match="three is too many") as caught:
        seeded_map(fail_at_three, ITEMS, seed=0, backend=backend, jobs=2)
    assert caught.value.__notes__ == ["while working on item 4: 3"]


def test_progress_counts_every_item_in_the_callers_thread():
    seen = []
    seeded_map(draw, ITEMS, seed=0, jobs=2, progress=lambda *step: seen.append((*step, threading.get_ident())))
    assert seen == [(done, 7, threading.get_ident()) for done in range(1, 8)]


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_cancel_ends_the_map_promptly_and_keeps_what_is_done(backend):
    function = wait_long_unless_first if backend == "loky" else wait_a_little
    items = ITEMS if backend == "loky" else range(1000)
    cancel = threading.Event()
    start = time.perf_counter()
    answers = seeded_map(
        function, items, seed=0, jobs=2, backend=backend, cancel=cancel, progress=lambda *_: cancel.set()
    )
    kept = {position: answer for position, answer in enumerate(answers) if answer is not None}
    assert 1 <= len(kept) <= 4
    assert all(answer == position for position, answer in kept.items())
    assert time.perf_counter() - start < LONG / 4


def test_cancel_right_after_an_item_leaves_no_thread_to_die(monkeypatch):
    died = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    for after in range(1, 6):
        cancel = threading.Event()
        stop = lambda done, _total, after=after, cancel=cancel: cancel.set() if done == after else None  # noqa: E731
        answers = seeded_map(wait_a_little, range(50), seed=0, jobs=2, cancel=cancel, progress=stop)
        assert answers.count(None) >= 50 - after - 4
    assert died == []


def test_no_more_is_handed_out_than_so_many_items_ahead_however_long_they_take(monkeypatch):
    """What is handed out and waits in no worker's queue cannot be ended in the middle of work."""
    given, cancel, looks = [], threading.Event(), iter(range(6))

    class Never(Executor):
        def submit(self, task, /, *_given, **_options):
            given.append(task.position)
            return Future()

    def look(_running, **_options):
        if next(looks, None) is None:
            cancel.set()
        return set(), set()

    pool = parallel._Pool(Never(), 3, abandon=list, close=list)
    monkeypatch.setattr(parallel, "_pool", lambda *_: pool)
    monkeypatch.setattr(parallel, "wait", look)
    assert seeded_map(draw, range(50), seed=0, jobs=2, cancel=cancel) == [None] * 50
    assert given == [0, 1, 2]


def test_cancel_in_process_stops_before_the_next_item():
    cancel = threading.Event()
    answers = seeded_map(
        draw, ITEMS, seed=5, jobs=1, cancel=cancel, progress=lambda done, _: done == 2 and cancel.set()
    )
    assert answers == EXPECTED[:2] + [None] * 5


def test_leaving_the_loop_early_gives_up_the_rest():
    start = time.perf_counter()
    for position, answer in seeded_imap(wait_long_unless_first, ITEMS, seed=0, jobs=2):
        assert (position, answer) == (0, 0)
        break
    assert time.perf_counter() - start < LONG / 4


def test_work_of_many_steps_hears_in_process_that_it_is_to_end():
    cancel, steps = threading.Event(), []

    def work(item, _rng):
        for step in range(100):
            go_on()
            steps.append((item, step))
            if (item, step) == (1, 2):
                cancel.set()
        return item

    assert seeded_map(work, [0, 1, 2], seed=0, jobs=1, cancel=cancel) == [0, None, None]
    assert steps[-1] == (1, 2)
    go_on()  # outside of a map nobody is asked to end


def test_a_map_inside_another_ends_with_it_and_not_as_if_it_had_been_asked_itself():
    cancel, after = threading.Event(), []

    def inner(item, _rng):
        cancel.set()
        go_on()
        return item

    def outer(item, _rng):
        after.append(seeded_map(inner, [1, 2], seed=0, jobs=1))
        return item

    assert seeded_map(outer, [0, 1], seed=0, jobs=1, cancel=cancel) == [None, None]
    assert after == []


def test_after_a_cancel_processes_work_again():
    assert seeded_map(draw, ITEMS, seed=5, jobs=2) == EXPECTED


def test_a_worker_that_dies_is_one_clear_error():
    with pytest.raises(DnnExplainError, match="a worker process died while working on item"):
        seeded_map(die, ITEMS, seed=0, jobs=2)


def test_a_map_inside_a_map_works_in_its_own_process():
    answers = seeded_map(nested, [1, 2], seed=0, jobs=2)
    assert [len(inner) for inner, _ in answers] == [2, 2]
    assert os.getpid() not in {pid for _, pid in answers}


def test_nothing_to_do_is_an_empty_answer():
    assert seeded_map(draw, [], seed=0) == []


def test_unknown_backends_and_zero_jobs_are_refused():
    with pytest.raises(DnnExplainError, match="Did you mean 'loky'"):
        seeded_map(draw, ITEMS, seed=0, backend="lokey")
    with pytest.raises(DnnExplainError, match="jobs must be at least 1, not 0"):
        worker_count(0)
    with pytest.raises(DnnExplainError, match="no Dask cluster answers"):
        seeded_map(draw, ITEMS, seed=0, backend="dask")
