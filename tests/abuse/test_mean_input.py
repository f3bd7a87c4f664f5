"""No value out of type or out of range, in an option or in a file, ends a command otherwise than with a sentence.

A sample with a fixed seed over all systems and commands. Commands that take seconds on any input are left to their own
tests.
"""

import os

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import only_numbers
from dnnexplain.registry import BUILT_IN
from tests.abuse.bad_files import in_one_process, small_network
from tests.abuse.mean_input import case_of_file, cases_of_numbers, file_options, judged

pytestmark = pytest.mark.skipif(os.name == "nt", reason="alarms of POSIX")

SLOW = {"guard", "regions", "distill", "generate", "hypotheses", "worst-case", "room", "stress"}
"""Commands that take seconds where a value is taken; of these what must be refused is tried."""


def test_options_that_are_numbers(tmp_path, monkeypatch):
    small_network(tmp_path / "network.pt")
    every = [case for case in cases_of_numbers(tmp_path) if case[1] or case[0][0] not in SLOW]
    chosen = np.random.default_rng(5).permutation(len(every))[:20]
    with in_one_process(monkeypatch):
        faults = [said for place in chosen for _, said in [judged(*every[place])] if said]
    assert not faults, "\n".join(faults)
    assert len(every) > 1000


def test_values_in_files(tmp_path, monkeypatch):
    small_network(tmp_path / "network.pt")
    draw, every, faults = np.random.default_rng(6), list(file_options(skipped=SLOW)), []
    chosen = [every[place] for place in draw.permutation(len(every))[:25]]
    with in_one_process(monkeypatch):
        for system, command, parameter in chosen:
            line, change, must = case_of_file(tmp_path, draw, system, command, parameter)
            said = judged(line, must)[1]
            faults += [f"{change}: {said}"] if said else []
    assert not faults, "\n".join(faults)
    assert {system for system, _, _ in chosen} == set(BUILT_IN)


@pytest.mark.parametrize("line", [
    "distill deeprm --leaves 999999999999999999999999999999",
    "distill routing --polish 99999999999999999",
    "worst-case cellular --budget 0",
    "worst-case routing --budget -inf",
    "attack deeprm --workload deeprm --budget -1",
    "prove deeprm --property robust --seconds 0",
])  # fmt: skip
def test_numbers_that_nobody_can_mean_are_refused_by_their_name(line, capsys):
    assert main(line.split()) == 2
    flag = next(word for word in line.split()[2:] if word.startswith("--") and word not in {"--workload", "--property"})
    assert capsys.readouterr().err.startswith(f"Error: {flag} must be ")


@pytest.mark.parametrize("value", ["7", True, None, [], {}, [[1, "2"]]])
def test_what_is_no_number_is_not_taken_for_one(value):
    assert only_numbers(value) is (value == [])
    assert only_numbers([1, 2.5, [3]])
