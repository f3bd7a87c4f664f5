"""Heavy work: the newest question wins, cancel works, failures are reported."""

import subprocess
import sys
import threading

import pytest
from numba import njit

from dnnexplain.first_time import COMPILES
from dnnexplain_widgets.jobs import Cancelled, Jobs


def test_the_newest_question_wins():
    jobs, results = Jobs(), []
    released = threading.Event()

    def slow(task):
        released.wait(5)
        return "old"

    first = jobs.start(slow, results.append, results.append)
    second = jobs.start(lambda task: "new", results.append, results.append)
    assert second.ended.wait(5)
    released.set()
    assert first.ended.wait(5)
    assert results == ["new"]


def test_a_cancelled_task_stops_at_its_next_report_and_delivers_nothing():
    jobs, results, seen = Jobs(), [], []
    started, go_on = threading.Event(), threading.Event()

    def work(task):
        started.set()
        go_on.wait(5)
        try:
            task.progress(0.5)
        except Cancelled:
            seen.append("stopped")
            raise
        return "too late"

    task = jobs.start(work, results.append, results.append)
    assert started.wait(5)
    jobs.cancel()
    go_on.set()
    assert task.ended.wait(5)
    assert (results, seen) == ([], ["stopped"])


def test_what_is_compiled_while_a_task_runs_is_said():
    jobs, reports = Jobs(), []

    @njit
    def twice(number):
        return number + number

    jobs.start(lambda _task: twice(2), lambda _four: None, pytest.fail, lambda _share, text: reports.append(text))
    assert jobs.wait(60)
    assert reports == [COMPILES, ""]
    jobs.start(lambda _task: twice(3), lambda _four: None, pytest.fail, lambda _share, text: reports.append(text))
    assert jobs.wait(60)
    assert reports == [COMPILES, ""]


def test_a_failure_is_reported():
    jobs, failures = Jobs(), []

    def work(task):
        int("no such thing")

    jobs.start(work, pytest.fail, failures.append)
    assert jobs.wait(5)
    assert [str(error) for error in failures] == ["invalid literal for int() with base 10: 'no such thing'"]


def test_progress_is_reported_but_not_more_than_ten_times_a_second():
    jobs, reports = Jobs(), []

    def work(task):
        for step in range(1000):
            task.progress(step / 1000, "working")

    jobs.start(work, lambda result: None, pytest.fail, lambda fraction, text: reports.append((fraction, text)))
    assert jobs.wait(5)
    assert reports[0] == (0.0, "working")
    assert len(reports) < 50


def test_a_program_that_ends_while_a_solver_works_ends_in_order():
    script = """
import time
from dnnexplain_widgets.jobs import Jobs

def solve(task):
    import highspy, numpy as np
    rng = np.random.default_rng(0)
    while not task.cancelled:
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        for _ in range(60):
            solver.addVar(0, 1)
        for place in range(60):
            solver.changeColCost(place, -float(rng.random()))
            solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
        for _ in range(40):
            solver.addRow(-1e30, 10, 60, np.arange(60), rng.random(60))
        solver.cbMipInterrupt.subscribe(lambda event: setattr(event.data_in, "user_interrupt", task.cancelled))
        begun.append(1)
        solver.run()
    print("ended")

begun = []
Jobs().start(solve, print, print)
while len(begun) < 2:
    time.sleep(0.05)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ended\n"
