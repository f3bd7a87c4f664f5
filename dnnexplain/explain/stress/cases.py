"""The scenarios of a system's battery, and files of workloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Grid, Shift, Spec, Tabular, load_reference, only_numbers
from dnnexplain.explain.stress.faults import FAULTS

__all__ = ["Case", "battery", "case_file", "distinct", "drawn_as", "grids_of", "read_case_file", "shifted"]

KEY = "dnnexplain_workload"
VERSION = 1


@dataclass(frozen=True)
class Case:
    """One scenario: what draws its workloads, and what is wrong with the input.

    Attributes:
        kind, name, sentence: see :class:`~dnnexplain.explain.stress.result.ScenarioResult`.
        family, parameters: of the workloads, where a family draws them.
        draw: ``module:function`` that draws them instead.
        given: workloads that are there already.
        fault: name of an input's fault, or empty.
    """

    kind: str
    name: str
    sentence: str
    family: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    draw: str = ""
    given: Sequence[Any] | None = None
    fault: str = ""

    def workloads(self, system: Any, count: int, seed: int) -> Sequence[Any]:
        """``count`` of them, or all that are given."""
        if self.given is not None:
            return list(self.given)[:count]
        if self.draw:
            return list(load_reference(self.draw)(system, count, seed))
        return list(system.workloads(self.family, count, seed, **self.parameters))


def battery(spec: Spec, recorded: Sequence[Any] | None = None) -> list[Case]:
    """Every scenario of a system, the most telling first: ordinary, recorded, from the field, input faults, shifts."""
    family = spec.family()
    cases = [Case("nominal", "nominal", f"Ordinary {spec.workloads}: {family.about}", family.name)]
    if recorded is not None:
        cases.append(Case("log", "recorded", f"Recorded {spec.workloads} of the log.", given=recorded))
    cases += [Case("field", scenario.name, scenario.sentence, draw=scenario.draw) for scenario in spec.scenarios]
    ordinary = cases[0]
    cases += [
        Case(
            "fault",
            f"input-{item.name}",
            f"{item.sentence} The rule meets the same fault.",
            ordinary.family,
            fault=item.name,
        )
        for item in FAULTS.values()
    ]
    return cases + _shifts(spec, family.name)


def distinct(system: Any, cases: Sequence[Case], seed: int = 0) -> list[Case]:
    """The scenarios without those whose workloads one before them draws: under two names, one would count twice.

    Parameters do not tell: half of all long jobs, or no bursts at all, may be what another family draws without a word.
    """
    if not isinstance(system, Tabular):
        return list(cases)
    kept, seen = [], set[tuple[str, Any]]()
    for case in cases:
        drawn = None if case.given is not None else _records(system, case, seed)
        if drawn is None or (case.fault, drawn) not in seen:
            kept.append(case)
        seen.add((case.fault, drawn))
    return kept


def _records(system: Tabular, case: Case, seed: int) -> tuple[bytes, ...] | None:
    """Two workloads of a scenario as they are; ``None`` where it cannot be drawn, which its own turn tells."""
    try:
        return tuple(np.asarray(system.to_records(workload)).tobytes() for workload in case.workloads(system, 2, seed))
    except DnnExplainError:
        return None


def drawn_as(spec: Spec, family: str, parameters: Mapping[str, Any]) -> str:
    """What a family draws with these parameters, defaults left out: the same text for the same workloads."""
    known = {item.name: item.default for item in next((f.parameters for f in spec.families if f.name == family), ())}
    return repr((family, sorted((key, value) for key, value in parameters.items() if known.get(key) != value)))


def grids_of(spec: Spec) -> tuple[Grid, ...]:
    """The system's grids of shifted workloads, or the one that every system has."""
    return tuple(spec.grids) or (spec.grid(),)


def shifted(row: Shift, column: Shift | None, default: str) -> tuple[str, dict[str, Any]]:
    """Family and parameters of a grid's cell, by its row and its column, if it has columns."""
    family = row.family or (column.family if column else "") or default
    return family, {**(column.parameters if column else {}), **row.parameters}


def _shifts(spec: Spec, default: str) -> list[Case]:
    """Every cell of every grid of the spec once; ordinary workloads not again."""
    seen: set[str] = {drawn_as(spec, default, {})}
    cases = []
    for grid in grids_of(spec):
        for row in grid.rows:
            for column in grid.columns or (None,):
                family, parameters = shifted(row, column, default)
                key = drawn_as(spec, family, parameters)
                if key in seen:
                    continue
                seen.add(key)
                label = f"{row.label}, {column.label}" if column else row.label
                cases.append(
                    Case("shift", f"{grid.name}: {label}", f"Shifted {spec.workloads}: {label}.", family, parameters)
                )
    return cases


def case_file(system: Any, workload: Any, name: str) -> dict[str, Any]:
    """A workload as plain JSON: its table of records with the columns' names."""
    if not isinstance(system, Tabular):
        return {}
    columns = [f"{knob.name} [{knob.unit}]" if knob.unit else knob.name for knob in system.record_knobs]
    records = np.asarray(system.to_records(workload)).tolist()
    return {KEY: VERSION, "system": system.name, "name": name, "columns": columns, "records": records}


def read_case_file(system: Any, data: Mapping[str, Any]) -> Any:
    """The inverse of :func:`case_file`.

    Raises:
        DnnExplainError: of another system, or no such file.
    """
    if data.get(KEY) != VERSION or not isinstance(data.get("records"), list):
        msg = f'a workload\'s file has "{KEY}": {VERSION} and "records", a row each'
        raise DnnExplainError(msg)
    if data.get("system") != system.name or not isinstance(system, Tabular):
        msg = f"this workload is one of {data.get('system')}, not of {system.name}"
        raise DnnExplainError(msg)
    msg = "the records of a workload's file must be rows of numbers, all of one length"
    if not only_numbers(data["records"]):
        raise DnnExplainError(msg)
    try:
        records = np.array(data["records"], dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise DnnExplainError(msg) from None
    return system.from_records(records, str(data.get("name", "")))
