"""Figures as people read them: the same from Python and from the page's code."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.contract import Metric
from dnnexplain.numbers import (
    as_told,
    beside,
    between,
    both_ends,
    figure,
    from_to,
    gap,
    interval,
    number,
    percent,
    share,
    tally,
    thing,
    went_wrong,
    with_minus,
    with_unit,
)
from dnnexplain_widgets import words

VECTORS = json.loads((Path(__file__).parent / "numbers.json").read_text())
NUMBERS = Path(__file__).parents[1] / "widgets/page/src/shared/numbers.js"
WRITE = {
    "number": lambda value: number(float(value)),
    "signed": lambda value: number(float(value), sign=True),
    "figure": lambda value: figure(float(value)),
    "percent": lambda value: percent(float(value)),
    "signed percent": lambda value: percent(float(value), sign=True),
    "in a panel": lambda value: words.number(float(value)),
    "probability": lambda value: words.probability(float(value)),
}


@pytest.mark.parametrize("kind", WRITE)
def test_python_writes_what_is_agreed(kind):
    assert [WRITE[kind](value) for value, _ in VECTORS[kind]] == [text for _, text in VECTORS[kind]]


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine here")
def test_the_page_writes_the_same(tmp_path):
    rng = np.random.default_rng(0)
    drawn = [float(x) for x in rng.normal(size=300) * 10.0 ** rng.integers(-6, 9, 300)]
    drawn += [n / 2**k for k in (1, 3, 4, 6) for n in range(2**k)]  # numbers that lie between two decimals exactly
    asked = {kind: drawn + [value for value, _ in pairs] for kind, pairs in VECTORS.items()}
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    script = tmp_path / "say.mjs"
    script.write_text(
        f"import {{ chance, measured, number, percent, plainNumber }} from {json.dumps(NUMBERS.as_uri())};\n"
        "import { readFileSync } from 'node:fs';\n"
        "const asked = JSON.parse(readFileSync(process.argv[2]));\n"
        "const write = {number: (x) => plainNumber(x), signed: (x) => plainNumber(x, true), figure: (x) => measured(x, false),\n"
        " percent: (x) => percent(x), 'signed percent': (x) => percent(x, true),\n"
        " 'in a panel': number, probability: chance};\n"
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(asked).map(([k, v]) => [k, v.map((x) => write[k](Number(x)))]))));"
    )
    command = ["node", str(script), str(tmp_path / "asked.json")]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for kind, values in asked.items():
        assert said[kind] == [WRITE[kind](value) for value in values]


@pytest.mark.parametrize(
    ("part", "places", "text"),
    [
        (0.0, 0, "0%"),
        (1.0, 1, "100.0%"),
        (0.004, 0, "under 1%"),
        (0.005, 0, "1%"),
        (0.9996, 1, "over 99.9%"),
        (0.997, 0, "over 99%"),
        (0.1234, 1, "12.3%"),
        (13.4, 0, "1,340%"),
        (2.7e104, 0, "2.7e+106%"),
        (1.0004, 1, "100.0%"),
        (math.nan, 1, "none"),
    ],
)
def test_a_part_reads_as_none_or_all_only_where_it_is(part, places, text):
    assert share(part, places) == text


@given(st.floats(1e-3, 1e6))
def test_everyday_sizes_have_three_digits_and_no_exponent(value):
    text = number(value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=5.01e-3)
    assert len(text.replace(",", "").replace(".", "").strip("0")) <= 3


def test_counts_are_whole():
    assert number(1234567) == figure(np.int64(1234567)) == "1,234,567"
    assert figure(np.True_) == "yes"
    assert figure(None) == figure(math.nan) == number(math.nan) == "-"
    assert with_unit(3.0, "steps") == "3 steps"


def test_gaps_say_their_scale():
    assert gap(0.1234, ratio=True) == "+12.3%"
    assert gap(-30.04, ratio=False, unit="kWh") == "-30 kWh"
    assert percent(0.00001) == "under 0.01%"
    assert percent(-0.00001, sign=True) == "0%"
    assert interval(-0.05, 0.123, ratio=True) == "-5% to +12.3%"
    assert interval(4.83, 5.4) == "4.83 to 5.40"
    assert interval(math.nan, math.nan) == "no interval"


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.013, 0.051, "1.3% to 5.1% above"),
        (-0.051, -0.013, "1.3% to 5.1% below"),
        (-0.02, 0.01, "2% below to 1% above"),
        (0.0, 0.01, "0% to 1% above"),
        (-0.01, 0.0, "0% to 1% below"),
        (math.nan, 0.01, "no interval"),
    ],
)
def test_an_interval_in_words_has_no_signs(low, high, told):
    assert beside(low, high, ratio=True) == told
    if not math.isnan(low):
        assert beside(100 * low, 100 * high, ratio=False, unit="kWh") == told.replace("%", " kWh")


def test_minus_signs_stand_before_numbers_and_nowhere_else():
    given = "0.315 (-1.93 to 1.38), -3% of own-mlp-5 in 3-5 steps, 1e-05, --x, at 2026-11-29: -.5, -infinite"
    told = "0.315 (−1.93 to 1.38), −3% of own-mlp-5 in 3-5 steps, 1e−05, --x, at 2026-11-29: −.5, −infinite"
    assert with_minus(given) == told


def test_what_is_earned_is_told_as_earned():
    assert as_told("minus QoE", -45.2, 3.0) == ("QoE", [45.2, -3.0])
    assert as_told("negative reward", 0.0) == ("reward", [0.0])
    assert as_told("mean power (W)", 26.1) == ("mean power (W)", [26.1])
    assert thing("1", "sessions frozen") == "1 session frozen"
    assert thing("3", "slots not served") == "3 slots not served"


def test_what_was_counted_is_told_in_full_also_where_it_comes_as_a_float():
    assert [tally(value) for value in (2006.0, 1.0, 0.0, 2006)] == ["2,006", "1", "0", "2,006"]
    assert [tally(value) for value in (2006.4, float("nan"), float("inf"))] == ["2,010", "-", "infinite"]
    for total in (True, False):
        metrics = [Metric("lost", "jobs lost", "jobs", total=total, wrong=True)]
        assert went_wrong(metrics, {"lost": 12345.0}) == "12,345 jobs lost"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (23.6466, 23.5, "from 23.6 to 23.5"),
        (3, 2, "from 3 to 2"),
        (0.5, 0.501, "from 0.500 to 0.501"),
        (1234.5, 1236, "from 1,234 to 1,236"),
        (1e-5, 0.1, "from 1e-05 to 0.1"),
        (2.25, 2.25, "from 2.25 to 2.25"),
    ],
)
def test_both_ends_of_a_change_have_the_same_digits(before, after, words):
    assert from_to(before, after) == words
    assert "from {} to {}".format(*both_ends(before, after)) == words


def test_what_lies_between_two_figures_that_are_shown_alike_is_one_figure():
    assert between("158", "158") == "about 158"
    assert between("158", "160") == "158 to 160"
