"""Stress tests: a battery of scenarios, a verdict each, and a report for those who must decide."""

from dnnexplain.explain.stress.cases import Case, battery, case_file, distinct, read_case_file
from dnnexplain.explain.stress.faults import FAULTS, FaultyInput
from dnnexplain.explain.stress.limits import Limit, parse_limit
from dnnexplain.explain.stress.result import Generated, ScenarioResult, StressTest
from dnnexplain.explain.stress.run import stress
from dnnexplain.explain.stress.verdicts import compare

__all__ = [
    "FAULTS",
    "Case",
    "FaultyInput",
    "Generated",
    "Limit",
    "ScenarioResult",
    "StressTest",
    "battery",
    "case_file",
    "compare",
    "distinct",
    "parse_limit",
    "read_case_file",
    "stress",
]
