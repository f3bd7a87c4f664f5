"""A slow DeepRM, written from the rules alone with plain lists; the compiled one must agree to the bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from dnnexplain.systems.deeprm import JobSet, Params


@dataclass
class SlowJob:
    number: int
    arrival: int
    length: int
    demand: tuple[int, int]
    start: int = -1
    finish: int = -1
    colour: int = 40


@dataclass
class SlowDeepRM:
    params: Params
    jobs: JobSet
    until_done: bool = True
    time_limit: int = 10**9
    colours: list[int] = field(default_factory=list)
    time: int = 0
    since: int = 0
    done: bool = False

    def __post_init__(self) -> None:
        columns = zip(self.jobs.arrival, self.jobs.length, self.jobs.cpu, self.jobs.memory, strict=True)
        self.all = [SlowJob(i, int(a), int(n), (int(c), int(m))) for i, (a, n, c, m) in enumerate(columns)]
        self.slots: list[SlowJob | None] = [None] * self.params.slots
        self.backlog: list[SlowJob] = []
        self.running: list[SlowJob] = []
        self.away: list[SlowJob] = []
        p = self.params
        self.grid = [[[0] * p.units for _ in range(p.horizon)] for _ in range(2)]

    def offset(self, job: SlowJob) -> int | None:
        for first in range(self.params.horizon - job.length):
            rows = range(first, first + job.length)
            if all(self.grid[r][row].count(0) >= job.demand[r] for r in range(2) for row in rows):
                return first
        return None

    def step(self, action: int) -> float:
        if action < self.params.slots:
            job = self.slots[action]
            first = None if job is None else self.offset(job)
            if job is not None and first is not None:
                self.place(action, job, first)
                return 0.0
        return self.wait()

    def place(self, action: int, job: SlowJob, first: int) -> None:
        job.start, job.finish = self.time + first, self.time + first + job.length
        if self.params.cluster_cells == "colours":
            used = {cell for resource in self.grid for row in resource for cell in row}
            job.colour = next(colour for colour in self.colours if colour not in used)
        for r in range(2):
            for row in range(first, first + job.length):
                free = [c for c in range(self.params.units) if self.grid[r][row][c] == 0]
                for c in free[: job.demand[r]]:
                    self.grid[r][row][c] = job.colour
        self.running.append(job)
        self.slots[action] = self.backlog.pop(0) if self.backlog else None

    def wait(self) -> float:
        self.time += 1
        for resource in self.grid:
            resource.pop(0)
            resource.append([0] * self.params.units)
        if self.params.finished_jobs == "leave":
            self.running = [job for job in self.running if job.finish > self.time]
        else:
            for job in self.running:  # removing from the list that is walked, as published
                if job.finish <= self.time:
                    self.running.remove(job)
        self.since = min(self.since + 1, self.params.tracking)
        if not self.until_done:
            self.done = self.time >= self.jobs.steps
        else:
            here = self.running or self.backlog or any(self.slots)
            self.done = (self.time >= self.jobs.steps and not here) or self.time > self.time_limit
        if not self.done and self.time < self.jobs.steps:
            for job in self.all:
                if job.arrival == self.time:
                    self.admit(job)
        charged = self.away if self.params.full_backlog == "charge" else []
        present = [*self.running, *(job for job in self.slots if job), *self.backlog, *charged]
        return float(-sum(Fraction(1, job.length) for job in present))

    def admit(self, job: SlowJob) -> None:
        self.since = 0
        if None in self.slots:
            self.slots[self.slots.index(None)] = job
        elif len(self.backlog) < self.params.backlog:
            self.backlog.append(job)
        else:
            self.away.append(job)

    def picture(self) -> np.ndarray:
        p = self.params
        blocks = []
        for r in range(2):
            blocks.append(np.array(self.grid[r]))
            for job in self.slots:
                block = np.zeros((p.horizon, p.max_job_units), dtype=int)
                if job is not None:
                    block[: job.length, : job.demand[r]] = 40
                blocks.append(block)
        queue = np.zeros(p.horizon * p.backlog_width, dtype=int)
        queue[: len(self.backlog)] = 40
        blocks.append(queue.reshape(p.horizon, p.backlog_width))
        blocks.append(np.full((p.horizon, 1), self.since * 40 // p.tracking))
        return np.concatenate(blocks, axis=1)
