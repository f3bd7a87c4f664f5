"""A stress test as JSON and as JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from dnnexplain.counts import counted
from dnnexplain.explain.stress.helping import guard_words
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import ALIKE, FAR, UNSAFE, YARDSTICK

__all__ = ["junit", "summary_json"]


def summary_json(test: StressTest, files: Mapping[str, str], limits: Mapping[str, str]) -> dict[str, Any]:
    """The figures for a pipeline.

    Args:
        test: the test.
        files: of worst cases, by scenario or ``"generated N"``.
        limits: by their text, why each is broken; empty if it holds.
    """
    made = test.generated
    front = [] if made is None else [
        {**{key: item[key] for key in ("regret", "plausibility", "cost", "optimum", "optimum_status")},
         "ended_by": item.get("ended_by", ""),
         "file": files.get(item["workload"]["name"])}
        for item in made.front
    ]  # fmt: skip
    generated = None if made is None else {
        "regret": made.regret, "drawn_regret": made.drawn_regret, "worst_regret": made.worst_regret,
        "reference": made.reference, "unit": test.cost_name, "runs": made.runs, "proposed": made.proposed,
        "least_plausibility": made.least, "plausibility": made.plausibility, "cells": made.cells, "front": front,
    }  # fmt: skip
    return {
        "verdict": test.verdict,
        "words": test.sentence(),
        "system": test.question.system,
        "parameters": test.question.parameters,
        "policy": test.question.policy,
        "checkpoint": test.question.checkpoint,
        "guard": test.guard or None,
        "guard_helps": guard_words(test) or None,
        "cost": test.cost_name,
        "scale": "ratio" if test.ratio else "difference",
        "limits": {"within": ALIKE, "unsafe": FAR, "yardstick": None if test.ratio else YARDSTICK},
        "seed": test.question.seed,
        "budget": test.question.settings["budget"],
        "done": test.done,
        "scenarios": [_scenario(scenario, files) for scenario in test.scenarios],
        "generated": generated,
        "boundaries": [
            {key: getattr(item, key) for key in ("row", "before", "after", "wins_before", "value", "words")}
            for item in test.boundaries
        ],
        "regions": dict(test.regions) or None,
        "properties": list(test.properties),
        "left_out": list(test.left_out),
        "fail_if": [{"limit": text, "broken": bool(why), "why": why or None} for text, why in limits.items()],
    }


def _scenario(scenario: ScenarioResult, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "kind": scenario.kind,
        "sentence": scenario.sentence,
        "verdict": scenario.verdict,
        "why": scenario.why or None,
        "sure": scenario.sure,
        "cost": scenario.cost,
        "cost_interval": [scenario.low, scenario.high],
        "best_rule": scenario.best_rule,
        "best_rule_cost": scenario.rule_cost,
        "gap": scenario.gap,
        "interval": [scenario.gap_low, scenario.gap_high],
        "sets": scenario.sets,
        "wrong": scenario.wrong,
        "worst_case": files.get(scenario.name),
        "worst_place": scenario.worst.get("place"),
        "without_guard": dict(scenario.without) or None,
    }


def junit(test: StressTest, limits: Mapping[str, str]) -> str:
    """A test case for each scenario (it fails where unsafe) and each limit."""
    failed = test.count(UNSAFE) + sum(bool(why) for why in limits.values())
    count = len(test.scenarios) + len(limits)
    suite = Element(
        "testsuite",
        name=f"dnnexplain stress {test.question.system}",
        tests=str(count),
        failures=str(failed),
        errors="0",
    )
    for scenario in test.scenarios:
        case = SubElement(suite, "testcase", classname=f"{test.question.system}.{scenario.kind}", name=scenario.name)
        text = f"cost {scenario.cost:.6g}; {scenario.best_rule} {scenario.rule_cost:.6g}; gap {scenario.gap:+.4g}; {counted(scenario.sets, 'workload')}; {scenario.verdict}"
        if scenario.verdict == UNSAFE:
            SubElement(case, "failure", message=scenario.why, type=UNSAFE).text = text
        else:
            SubElement(case, "system-out").text = text
    for text, why in limits.items():
        case = SubElement(suite, "testcase", classname=f"{test.question.system}.limit", name=text)
        if why:
            SubElement(case, "failure", message=why, type="limit").text = why
    suites = Element("testsuites", name="dnnexplain stress", tests=str(count), failures=str(failed), errors="0")
    suites.append(suite)
    for part in suites.iter():
        part.attrib.update({key: _legal(text) for key, text in part.attrib.items()})
        part.text = _legal(part.text or "") or None
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _legal(text: str) -> str:
    """Without characters that XML 1.0 has no way to write."""
    return "".join(
        item
        for item in text
        if item in "\t\n\r" or " " <= item <= "\ud7ff" or "\ue000" <= item <= "\ufffd" or item > "\uffff"
    )
