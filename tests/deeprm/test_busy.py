"""Share of steps above a threshold: by hand, and against counting every step."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm import DeepRM, JobSet
from dnnexplain.systems.deeprm.simulator.busy import share_above


def test_two_jobs_by_hand():
    system = DeepRM(slots=3)
    jobs = JobSet(*np.array([(1, 4, 9, 1), (2, 4, 1, 8)]).T, steps=10)
    run = system.run(system.rules()["sjf"], [jobs]).detail
    assert run.start[0, :2].tolist() == [1, 2]  # 9 CPU; then 9 and 10 with 9 memory; then 8 memory alone
    assert share_above(run, system.params, 0.8)[0] == pytest.approx(4 / 5)
    assert share_above(run, system.params, 0.95)[0] == pytest.approx(3 / 5)
    assert share_above(run, system.params, 0.0)[0] == 1


def test_counting_every_step_gives_the_same():
    system = DeepRM(slots=3)
    run = system.run(system.rules()["packer"], system.workloads("deeprm", 5, 3, steps=20)).detail
    for number, jobs in enumerate(run.job_sets):
        above = counted = 0
        for step in range(int(run.finish[number].max()) + 1):
            here = (run.start[number, : len(jobs.length)] <= step) & (step < run.finish[number, : len(jobs.length)])
            if here.any():
                counted += 1
                above += max(jobs.cpu[here].sum(), jobs.memory[here].sum()) > 8
        assert share_above(run, system.params)[number] == pytest.approx(above / counted)


def test_a_threshold_is_a_share():
    system = DeepRM(slots=3)
    run = system.run(system.rules()["sjf"], system.workloads("deeprm", 1, 0, steps=5)).detail
    with pytest.raises(DnnExplainError, match="not 80"):
        share_above(run, system.params, 80)
