"""One seeded map for everything that loops over states, workloads, seeds or restarts.

The same seed gives the same answers in process, over processes (joblib's loky), over threads and over
a Dask cluster: item ``i`` always works with the ``i``-th child of the seed, whoever computes it.
"""

from __future__ import annotations

import reprlib
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar, cast

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError

__all__ = ["BACKENDS", "Ended", "Progress", "child_seed", "go_on", "seeded_imap", "seeded_map", "worker_count"]

BACKENDS = ("loky", "inline", "threading", "dask")

Progress = Callable[[int, int], object]
"""Called with (items done, items in all) after each item, in the caller's thread."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work = Callable[[Item, np.random.Generator], Answer]

POLL_SECONDS = 0.1
SETTLE_SECONDS = 10.0
CONNECT_SECONDS = 10.0
AHEAD = 2
"""Items handed out per worker: one that it works on and one that waits for it."""

IDLE_SECONDS = 60
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_here = threading.local()


class Ended(Exception):  # noqa: N818 - nothing went wrong
    """The map that this work is part of was asked to end; see :func:`go_on`."""


def go_on() -> None:
    """End an item's work here if its map was asked to end: for work of many seconds, to call between its steps.

    Only a map in the caller's own process can be heard; workers of others are ended from outside.

    Raises:
        Ended: which the map catches.
    """
    cancel = getattr(_here, "cancel", None)
    if cancel is not None and cancel.is_set():
        raise Ended


def seeded_map(
    function: Work[Item, Answer],
    items: Iterable[Item],
    *,
    seed: int | np.random.SeedSequence,
    jobs: int | None = None,
    backend: str = "loky",
    client: Any = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[Answer]:
    """``[function(item, rng) for item in items]``, in the order of the items, each with its own generator.

    Args:
        function: takes an item and a numpy generator. For processes and Dask it and the items are
            pickled (by value where they are defined in a notebook), so hand over arrays and
            checkpoint paths, and make an item worth at least some milliseconds.
        items: what to work on.
        seed: of the whole map; item ``i`` gets ``child_seed(seed, i)``.
        jobs: workers at a time; by default the cores that this process may use; 1 works in process.
        backend: one of :data:`BACKENDS`; for ``"dask"`` the cluster decides how many work at a time.
        client: a ``distributed.Client``; by default the one that is current.
        progress: see :data:`Progress`.
        cancel: once it is set, the map ends promptly; what was not done is ``None`` in the answer.
            Processes are ended in the middle of an item; threads and an item in process run it out.

    Raises:
        DnnExplainError: an unknown backend, no Dask cluster, or a worker process that died.
        Exception: what ``function`` raised, with a note that names the item.
    """
    work = list(items)
    answers: list[Answer | None] = [None] * len(work)
    done = seeded_imap(
        function, work, seed=seed, jobs=jobs, backend=backend, client=client, progress=progress, cancel=cancel
    )
    for position, answer in done:
        answers[position] = answer
    return cast("list[Answer]", answers)


def seeded_imap(
    function: Work[Item, Answer],
    items: Iterable[Item],
    *,
    seed: int | np.random.SeedSequence,
    jobs: int | None = None,
    backend: str = "loky",
    client: Any = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[tuple[int, Answer]]:
    """As :func:`seeded_map`, but yields ``(position, answer)`` as soon as each item is done.

    Leaving the loop early gives up what is not done.
    """
    if backend not in BACKENDS:
        raise Choice("backend", backend, BACKENDS).error()
    work = list(items)
    tasks = [_Task(function, item, child_seed(seed, position), position) for position, item in enumerate(work)]
    workers = _workers(jobs, len(tasks), backend)
    if workers == 1 and backend != "dask":
        answers = _in_process(tasks, cancel)
    else:
        answers = _spread(tasks, _pool(backend, workers, client), cancel)
    for done, answer in enumerate(answers, start=1):
        if progress is not None:
            progress(done, len(tasks))
        yield answer


def child_seed(seed: int | np.random.SeedSequence, position: int) -> np.random.SeedSequence:
    """The ``position``-th child of a seed, as ``SeedSequence.spawn`` numbers them, without spawning the others."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, position), pool_size=root.pool_size)


def worker_count(jobs: int | None = None) -> int:
    """How many workers ``jobs`` stands for: itself, or the cores that this process may use."""
    from joblib import cpu_count  # noqa: PLC0415 - 0.1 s that a map in process does not need

    if jobs is None:
        return int(cpu_count())
    if jobs < 1:
        msg = f"jobs must be at least 1, not {jobs}; leave it out for one per core"
        raise DnnExplainError(msg)
    return jobs


# --- one item -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """An item, what to do with it, and the seed of its own."""

    function: Callable[..., Any]
    item: Any
    seed: np.random.SeedSequence
    position: int

    def __call__(self) -> tuple[int, Any]:
        outer = getattr(_here, "busy", False)
        _here.busy = True
        try:
            return self.position, self.function(self.item, np.random.default_rng(self.seed))
        finally:
            _here.busy = outer

    def name_in(self, error: BaseException) -> None:
        error.add_note(f"while working on item {self.position + 1}: {reprlib.repr(self.item)}")


def _in_process(tasks: Sequence[_Task], cancel: threading.Event | None) -> Iterator[tuple[int, Any]]:
    outer = getattr(_here, "cancel", None)
    for task in tasks:
        if cancel is not None and cancel.is_set():
            return
        _here.cancel = outer if cancel is None else cancel
        try:
            answer = task()
        except Ended:
            if cancel is None or not cancel.is_set():
                raise  # it was the outer map that was asked to end
            return
        except Exception as error:
            task.name_in(error)
            raise
        finally:
            _here.cancel = outer
        yield answer


# --- many workers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pool:
    """An executor, how many items to hand out ahead, and how to be rid of it in the middle of work."""

    executor: Executor
    ahead: int
    abandon: Callable[[Iterable[Future[Any]]], object]
    close: Callable[[], object]


def _workers(jobs: int | None, tasks: int, backend: str) -> int:
    """One for a map inside a map: the outer one has the cores already."""
    if backend == "inline" or jobs == 1 or tasks <= 1 or getattr(_here, "busy", False):
        return 1
    return min(worker_count(jobs), tasks)


def _pool(backend: str, workers: int, client: Any) -> _Pool:
    if backend == "dask":
        return _dask_pool(client)
    if backend == "threading":
        threads = ThreadPoolExecutor(workers, thread_name_prefix="dnnexplain")

        def leave(_running: Iterable[Future[Any]] = ()) -> None:
            threads.shutdown(wait=False, cancel_futures=True)

        return _Pool(threads, AHEAD * workers, abandon=leave, close=leave)
    from joblib.externals.loky import get_reusable_executor  # noqa: PLC0415 - see worker_count

    # A worker that was idle for long ends while another still works; loky makes a new one and warns for nothing.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
    # The processes stay warm for the next map: each has imported torch, which takes two seconds.
    processes: Any = get_reusable_executor(max_workers=workers, timeout=IDLE_SECONDS, env=ONE_THREAD)

    def kill(running: Iterable[Future[Any]]) -> None:
        _settle(running)
        processes.shutdown(wait=True, kill_workers=True)

    return _Pool(processes, AHEAD * workers, abandon=kill, close=lambda: None)


def _settle(running: Iterable[Future[Any]]) -> None:
    """Wait until loky has taken all items to its workers: told to end before, its thread dies of those left."""
    limit = time.monotonic() + SETTLE_SECONDS
    while any(not (item.running() or item.done()) for item in running) and time.monotonic() < limit:
        time.sleep(0.005)


def _dask_pool(client: Any) -> _Pool:
    try:
        distributed = import_module("distributed")
    except ImportError:
        msg = "backend 'dask' needs Dask: pip install 'dnnexplain[dask]'"
        raise DnnExplainError(msg) from None
    try:
        client = distributed.default_client() if client is None else client
        threads = sum(client.nthreads().values())
    except (OSError, ValueError) as error:
        msg = f"no Dask cluster answers ({error}); make a distributed.Client first and pass it as client"
        raise DnnExplainError(msg) from None
    executor = client.get_executor(pure=False)

    def leave(running: Iterable[Future[Any]] = ()) -> None:
        for item in running:
            item.cancel()
        executor.shutdown(wait=False)

    return _Pool(executor, AHEAD * max(threads, 1), abandon=leave, close=leave)


def _spread(tasks: Sequence[_Task], pool: _Pool, cancel: threading.Event | None) -> Iterator[tuple[int, Any]]:
    """Keep the pool busy and yield what comes back; whatever ends it early abandons the pool."""
    waiting = iter(tasks)
    running: dict[Future[tuple[int, Any]], _Task] = {}
    finished = False
    try:
        while True:
            for task in islice(waiting, pool.ahead - len(running)):
                running[pool.executor.submit(task)] = task
            if not running:
                finished = True
                return
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda item: running[item].position):
                yield _answer(future, running.pop(future))
            if cancel is not None and cancel.is_set():
                return
    finally:
        if finished:
            pool.close()
        else:
            pool.abandon(running)


def _answer(future: Future[tuple[int, Any]], task: _Task) -> tuple[int, Any]:
    try:
        return future.result()
    except BrokenExecutor as error:
        msg = f"a worker process died while working on item {task.position + 1} (out of memory?); try fewer jobs"
        raise DnnExplainError(msg) from error
    except Exception as error:
        task.name_in(error)
        raise
