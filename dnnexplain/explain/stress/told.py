"""A stress test as JSON and as JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from dnnexplain.counts import counted
from dnnexplain.explain.stress.result import ScenarioResult, StressTest
from dnnexplain.explain.stress.verdicts import ALIKE, FAR, UNSAFE, YARDSTICK

__all__ = ["junit", "summary_json"]


def summary_json(found: StressTest, files: Mapping[str, str], limits: Mapping[str, str]) -> dict[str, Any]:
    """The figures for a pipeline.

    Args:
        found: the test.
        files: of worst cases, by scenario or ``"generated N"``.
        limits: by their text, why each is broken; empty if it holds.
    """
    made = found.generated
    front = [] if made is None else [
        {**{key: one[key] for key in ("regret", "plausibility", "cost", "optimum", "optimum_status")},
         "file": files.get(one["workload"]["name"])}
        for one in made.front
    ]  # fmt: skip
    generated = None if made is None else {
        "regret": made.regret, "drawn_regret": made.drawn_regret, "worst_regret": made.worst_regret,
        "reference": made.reference, "unit": found.cost_name, "runs": made.runs, "proposed": made.proposed,
        "least_plausibility": made.least, "plausibility": made.plausibility, "cells": made.cells, "front": front,
    }  # fmt: skip
    return {
        "verdict": found.verdict,
        "words": found.sentence(),
        "system": found.question.system,
        "parameters": found.question.parameters,
        "policy": found.question.policy,
        "checkpoint": found.question.checkpoint,
        "guard": found.guard or None,
        "cost": found.cost_name,
        "scale": "ratio" if found.ratio else "difference",
        "limits": {"within": ALIKE, "unsafe": FAR, "yardstick": None if found.ratio else YARDSTICK},
        "seed": found.question.seed,
        "budget": found.question.settings["budget"],
        "done": found.done,
        "scenarios": [_scenario(one, files) for one in found.scenarios],
        "generated": generated,
        "properties": list(found.properties),
        "left_out": list(found.left_out),
        "fail_if": [{"limit": text, "broken": bool(why), "why": why or None} for text, why in limits.items()],
    }


def _scenario(one: ScenarioResult, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "sentence": one.sentence,
        "verdict": one.verdict,
        "why": one.why or None,
        "sure": one.sure,
        "cost": one.cost,
        "cost_interval": [one.low, one.high],
        "best_rule": one.best_rule,
        "best_rule_cost": one.rule_cost,
        "gap": one.gap,
        "interval": [one.gap_low, one.gap_high],
        "sets": one.sets,
        "wrong": one.wrong,
        "worst_case": files.get(one.name),
        "worst_place": one.worst.get("place"),
    }


def junit(found: StressTest, limits: Mapping[str, str]) -> str:
    """A test case for each scenario (it fails where unsafe) and each limit."""
    failed = found.count(UNSAFE) + sum(bool(why) for why in limits.values())
    count = len(found.scenarios) + len(limits)
    suite = Element(
        "testsuite",
        name=f"dnnexplain stress {found.question.system}",
        tests=str(count),
        failures=str(failed),
        errors="0",
    )
    for one in found.scenarios:
        case = SubElement(suite, "testcase", classname=f"{found.question.system}.{one.kind}", name=one.name)
        text = f"cost {one.cost:.6g}; {one.best_rule} {one.rule_cost:.6g}; gap {one.gap:+.4g}; {counted(one.sets, 'workload')}; {one.verdict}"
        if one.verdict == UNSAFE:
            SubElement(case, "failure", message=one.why, type=UNSAFE).text = text
        else:
            SubElement(case, "system-out").text = text
    for text, why in limits.items():
        case = SubElement(suite, "testcase", classname=f"{found.question.system}.limit", name=text)
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
        one
        for one in text
        if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
    )
