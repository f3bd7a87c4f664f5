"""What is said of one thing, of nothing and of what is unknown: kinds of sentences that were wrong, looked for everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.contract import state_from_values
from dnnexplain.explain import attribute, curve, largest_knobs, map_size, threshold_map, trust
from dnnexplain.policies import load_shipped
from dnnexplain.systems import make_system
from dnnexplain.systems.deeprm.workloads.swf_windows import windows

ROOT = Path(__file__).parents[1]
PLACES = ("dnnexplain", "widgets/dnnexplain_widgets", "tools")
COUNT = re.compile(
    r"len\(|count|\.size|sum|total|int\(|searched|looked|evaluated|unseen|jobs|rounds|steps|states|futures|tried|"
    r"decisions|samples|sets\b|runs|history|horizon|starts|repeats|checked|invalid|inexact|left_out|played|minutes|"
    r"widest|longest|depth|\.k\b|cpus|weights|orders|sampled|alike|iterations"
)
PLURAL = re.compile(r"^ (?:([a-z-]+) )?([a-z]+s)\b")
NO_NOUNS = frozenset(
    [
        "is",
        "was",
        "has",
        "as",
        "this",
        "its",
        "less",
        "plus",
        "across",
        "s",
        "ms",
        "always",
        "yes",
        "class",
        "process",
        "loss",
        "bias",
        "status",
        "does",
        "times",
        "minus",
        "ends",
        "takes",
        "gives",
        "keeps",
        "costs",
        "loses",
        "decides",
        "plays",
        "stays",
        "unless",
        "versus",
        "sets",
        "changes",
        "makes",
        "reads",
        "holds",
        "switches",
        "numbers",
    ]
)
SMALL = frozenset({"and", "of", "in", "with", "for", "or", "to", "at", "has"})

WRONG = re.compile(
    r"\bnan\b|\binf\b|\bNone\b|\bTrue\b|\bFalse\b|\d(\.\d+)?e[+-]\d|"
    r"(?<![\d.,-])1 (?:states|jobs|neurons|knobs|objects|workloads|cells|steps|units|curves|pairs|inputs|sets)\b"
)
"""Numbers that are none, words of Python, and one of many."""


def counts_without_a_singular(source):
    """Counts in f-strings that stand before a plural, unless a choice between one and many is made there."""
    tree = ast.parse(source)
    chosen = {id(part) for node in ast.walk(tree) if isinstance(node, ast.IfExp) for part in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr) or id(node) in chosen:
            continue
        for value, behind in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(behind, ast.Constant):
                what = PLURAL.match(behind.value)
                told = ast.unparse(value.value)
                counted = "counted(" in told or "number(" in told or "shape" in told or not COUNT.search(told)
                if what and not counted and what[2] not in NO_NOUNS and what[1] not in SMALL | NO_NOUNS:
                    found.append(f"{node.lineno}: {told}{what[0]}")
    return found


def test_a_count_before_a_noun_knows_the_singular():
    files = [path for place in PLACES for path in sorted((ROOT / place).rglob("*.py"))]
    assert len(files) > 200
    found = {path.relative_to(ROOT).as_posix(): counts_without_a_singular(path.read_text("utf-8")) for path in files}
    wrong = [f"{path}:{line}" for path, lines in found.items() for line in lines]
    assert not wrong, "write counted(n, 'state') of dnnexplain.counts: " + "; ".join(wrong)


def test_the_search_for_plurals_finds_them():
    assert counts_without_a_singular('f"{len(x)} states were"')
    assert counts_without_a_singular('f"{len(x):,} random states"')
    assert not counts_without_a_singular("f\"{counted(len(x), 'state')} were\"")
    assert not counts_without_a_singular('f"1 state" if len(x) == 1 else f"{len(x)} states"')


@pytest.mark.parametrize(
    "said", ["1 states", "between nan and nan", "None after 40 rounds", "up to inf", "a gap of 1e-05", "it is True"]
)
def test_the_search_for_wrong_words_finds_them(said):
    assert WRONG.search(said)
    assert not WRONG.search("21 states and 0.1 units, between 1 and 2; 1,001 jobs")


@pytest.fixture(scope="module")
def world():
    system = make_system("deeprm", slots=5)
    return system, load_shipped(system, "default")


def states(system):
    """The empty state, one job alone, and a full one."""
    one = {"job 1 length": 3.0, "job 1 cpu": 2.0, "job 1 memory": 1.0}
    full = {knob.name: knob.high for knob in system.knobs if knob.group.startswith("job")}
    return [state_from_values(system, given) for given in ({}, one, full)]


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients", "feature-ablation"])
def test_maps_and_badges_of_extreme_states_are_told_in_words(world, method):
    system, policy = world
    for state in states(system):
        found = attribute(system, policy, state, method=method)
        badge = trust(system, policy, found)
        for said in (found.sentence(), badge.sentence(), *(one.sentence for one in badge.figures)):
            assert not WRONG.search(said), said


def test_curves_and_maps_of_one_knob_are_told_in_words(world):
    system, policy = world
    for state in states(system):
        one = threshold_map(system, policy, "length", state=state, knobs=largest_knobs(system, "length", state, 1))
        told = [one.sentence(), curve(system, policy, 0, "job 1 length", state=state).sentence()]
        told.append(map_size(system, policy, "length", knobs=one.knobs).sentence())
        for said in told:
            assert not WRONG.search(said), said


def test_a_log_with_one_job_is_told_in_words(tmp_path):
    path = tmp_path / "one.swf"
    path.write_text("1 0 0 60 4 -1 1024 4 60 1024 1 1 1 1 1 1 -1 -1\n")
    sets, said = windows(path)
    assert len(sets) == 1
    assert np.asarray(sets[0].arrival).size == 1
    assert not WRONG.search(said), said
