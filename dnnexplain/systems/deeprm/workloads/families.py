"""Families of random workloads: DeepRM's own generator, a uniform one, and shifted ones.

A family is made of three parts: when jobs arrive, how long they are, and what they ask for. Lengths
and demands are tables of probabilities; jobs are drawn from them, and the same tables say how
plausible a job is (:func:`plausibility`) and what load a family offers (:func:`expected_load`).

The original generator: Mao et al., HotNets 2016, with the demands of the published code, which draws
50-100% of the cluster for the dominant resource where the paper's text says 25-50%.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.workloads.parts import ARRIVALS, DEMANDS, LENGTHS, Part

__all__ = [
    "FAMILIES",
    "Family",
    "Load",
    "expected_load",
    "family_parameters",
    "job_sets",
    "load",
    "plausibility",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Family:
    """A named kind of workload: its parts by name, and where its parameters differ from theirs."""

    about: str
    arrivals: str = "one-by-one"
    lengths: str = "two-class"
    demands: str = "dominant"
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """When, how long, how wide."""
        return ARRIVALS[self.arrivals], LENGTHS[self.lengths], DEMANDS[self.demands]


def _half(params: Params) -> int:
    return max(1, params.max_job_units // 2)


FAMILIES: dict[str, Family] = {
    "deeprm": Family("The original generator: 80% short jobs, 20% long ones, one dominant resource."),
    "uniform": Family("Every length and every demand equally likely.", lengths="uniform", demands="uniform"),
    "long-heavy": Family("As deeprm, but half of the jobs are long.", defaults={"long_share": 0.5}),
    "cpu-bound": Family("As deeprm, but CPU dominates in 90% of the jobs.", defaults={"cpu_dominant": 0.9}),
    "memory-bound": Family("As deeprm, but memory dominates in 90% of the jobs.", defaults={"cpu_dominant": 0.1}),
    "bursty": Family("As deeprm, but jobs come in bursts with silence between; same mean rate.", arrivals="bursts"),
    "diurnal": Family("As deeprm, but the rate swings like day and night; same mean rate.", arrivals="day-and-night"),
    "small-jobs": Family(
        "As deeprm, but the dominant resource takes at most half of the cluster.",
        defaults={"dominant_units": lambda params: (min(2, _half(params)), _half(params))},
    ),
    "heavy-tailed": Family("As deeprm, but lengths follow a power law without a gap.", lengths="power-law"),
}
"""Every family by name; the only list."""


class Load(NamedTuple):
    """Work offered per step as a share of the cluster's capacity; 1.0 fills it exactly."""

    cpu: float
    memory: float

    @property
    def mean(self) -> float:
        """Mean of the two resources, the figure that the paper's horizontal axis shows."""
        return (self.cpu + self.memory) / 2


def job_sets(
    family: str = "deeprm",
    count: int = 1,
    seed: int = 0,
    *,
    rate: float = 0.7,
    steps: int = 50,
    params: Params | None = None,
    **parameters: Any,
) -> list[JobSet]:
    """Draw job sets of a family; set ``i`` of a seed is the same whatever ``count`` is.

    Jobs arrive in steps 1 to ``steps - 1``: in the original, entry 0 of its sequence never arrives. A
    set that comes out empty gets one job, at a random step.

    Args:
        family: a name in :data:`FAMILIES`.
        count: number of sets.
        seed: set ``i`` draws from its own child of this seed.
        rate: mean number of arrivals per step; at most 1 where jobs arrive one by one.
        steps: time steps in which jobs may arrive (the original's ``simu_len``), at least 2.
        params: the cluster's sizes; bounds of lengths and demands follow from them.
        **parameters: the family's own parameters, see :func:`family_parameters`.

    Raises:
        DnnExplainError: unknown family or parameter, or a value out of its range.
    """
    sizes = params or Params()
    _check_whole("count", count, 1)
    _check_whole("steps", steps, 2)
    _check_whole("seed", seed, 0)
    recipe = _recipe(family, sizes, parameters)
    if not rate > 0:
        msg = f"rate must be above 0 arrivals per step, not {rate!r}"
        raise DnnExplainError(msg)
    return [
        _draw(recipe, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))), rate, steps, label)
        for index in range(count)
        for label in [f"{family} {index} of seed {seed}"]
    ]


def family_parameters(family: str, params: Params | None = None) -> dict[str, Any]:
    """The parameters of a family with their default values."""
    return _settings(_family(family), params or Params())


def load(jobs: JobSet, params: Params | None = None) -> Load:
    """Offered load per resource: work of all jobs over capacity times the steps in which jobs may arrive.

    Those steps are 1 to ``jobs.steps - 1``; at a rate of 0.7 the original generator offers about 1.29.
    """
    capacity = (params or Params()).units * max(1, jobs.steps - 1)
    return Load(
        float(np.sum(jobs.length * jobs.cpu) / capacity),
        float(np.sum(jobs.length * jobs.memory) / capacity),
    )


def expected_load(family: str, rate: float = 0.7, params: Params | None = None, **parameters: Any) -> Load:
    """The mean offered load of a family per resource, computed from its tables."""
    sizes = params or Params()
    recipe = _recipe(family, sizes, parameters)
    steps = float(recipe.lengths @ np.arange(len(recipe.lengths)))
    units = np.arange(len(recipe.demands))
    cpu, memory = float(recipe.demands.sum(1) @ units), float(recipe.demands.sum(0) @ units)
    return Load(rate * steps * cpu / sizes.units, rate * steps * memory / sizes.units)


def plausibility(
    jobs: JobSet | tuple[Any, Any, Any], family: str = "deeprm", params: Params | None = None, **parameters: Any
) -> Floats:
    """How likely each job's length and demands are under a family: natural log of the probability ``[J]``.

    ``-inf`` for a job that the family never draws. Arrivals play no part. Under ``deeprm`` the value
    depends on the class only, so compare it with what an unchanged job of the set gets.

    Args:
        jobs: a job set, or the columns ``(length, cpu, memory)``, each ``[J]`` or broadcastable.
        family: a name in :data:`FAMILIES`.
        params: the cluster's sizes.
        **parameters: the family's own parameters.
    """
    columns = (jobs.length, jobs.cpu, jobs.memory) if isinstance(jobs, JobSet) else jobs
    length, cpu, memory = np.broadcast_arrays(*(np.asarray(column) for column in columns))
    recipe = _recipe(family, params or Params(), parameters)
    with np.errstate(divide="ignore"):
        log_length, log_demand = np.log(recipe.lengths), np.log(recipe.demands)
    return _look_up(log_length, length) + _look_up(log_demand, cpu, memory)


class _Recipe(NamedTuple):
    """A family with all parameters settled."""

    arrivals: Callable[[np.random.Generator, float, int], NDArray[np.int64]]
    lengths: Floats
    demands: Floats


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise Choice("workload family", name, tuple(FAMILIES)).error()
    return FAMILIES[name]


def _settings(family: Family, params: Params) -> dict[str, Any]:
    merged = {name: value for part in family.parts for name, value in part.defaults.items()} | dict(family.defaults)
    return {name: value(params) if callable(value) else value for name, value in merged.items()}


def _recipe(name: str, params: Params, given: Mapping[str, Any]) -> _Recipe:
    family = _family(name)
    settings = _settings(family, params)
    for key in given:
        if key not in settings:
            raise Choice(f"parameter of workload family {name!r}", key, tuple(settings)).error()
    settings |= given
    built = [part.build(params, **{key: settings[key] for key in part.defaults}) for part in family.parts]
    return _Recipe(*built)


def _draw(recipe: _Recipe, rng: np.random.Generator, rate: float, steps: int, name: str) -> JobSet:
    arrival = recipe.arrivals(rng, rate, steps)
    if not len(arrival):
        arrival = rng.integers(1, steps, size=1)
    length = rng.choice(len(recipe.lengths), size=len(arrival), p=recipe.lengths)
    cell = rng.choice(recipe.demands.size, size=len(arrival), p=recipe.demands.ravel())
    cpu, memory = np.divmod(cell, recipe.demands.shape[1])
    return JobSet(arrival, length, cpu, memory, steps=steps, name=name)


def _look_up(table: Floats, *columns: NDArray[Any]) -> Floats:
    result = np.full(columns[0].shape, -np.inf)
    inside = np.ones(columns[0].shape, dtype=bool)
    for column, size in zip(columns, table.shape, strict=True):
        inside &= (column >= 0) & (column < size) & (column == np.round(column))
    result[inside] = table[tuple(column[inside].astype(np.int64) for column in columns)]
    return result


def _check_whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        msg = f"{name} must be a whole number of at least {low}, not {value!r}"
        raise DnnExplainError(msg)
