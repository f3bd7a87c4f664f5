"""The stress panel: a board that agrees with the result, drill-down into a case, cancel, saved tests."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dnnexplain.explain.stress import StressTest, read_case_file
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system
from dnnexplain_widgets import Session, StateEditor, StressPanel
from dnnexplain_widgets.panels.stress_words import board
from tests.widgets.rings import answer, press

WORLD = make_system("deeprm", slots=3)
NETWORK = TorchPolicy(mlp(WORLD), WORLD)


@pytest.fixture(scope="module")
def tested():
    session = Session(WORLD, NETWORK)
    editor, panel = StateEditor(session=session), StressPanel(session=session, workers=1, budget=160)
    press(panel, "run")
    assert panel.jobs.wait(120)
    assert panel.error == ""
    return editor, panel


def test_the_board_has_a_tile_for_every_scenario_with_its_figures(tested):
    _, panel = tested
    found, drawn = panel.result, panel.figure["board"]
    tiles = [tile for group in drawn["groups"] for tile in group["tiles"]]
    assert sorted(tile["at"] for tile in tiles) == list(range(len(found.scenarios)))
    for tile in tiles:
        one = found.scenarios[tile["at"]]
        assert (tile["name"].lower(), tile["gap"]) == (one.label.lower(), one.gap)
        assert one.verdict.startswith(tile["verdict"])
    assert {row[0]: row[1] for row in drawn["counts"]}["unsafe"] == found.count("unsafe")
    json.dumps(drawn, allow_nan=False)
    assert found.sentence() in panel.sentence
    assert "Not tested" in panel.sentence


def test_a_tile_says_what_makes_it_unsafe_where_that_is_not_the_cost(tested):
    _, panel = tested
    first = panel.result.scenarios[0]
    starved = replace(first, verdict="unsafe", why="3 starved where the best rule has none", sure=True, gap=0.006)
    dear = replace(first, verdict="unsafe", why="worse than the best rule by more than 50%", sure=True, gap=0.76)
    drawn = board(replace(panel.result, scenarios=[starved, dear]))
    assert [tile["text"] for tile in drawn["groups"][0]["tiles"]] == ["+0.6%, unsafe: 3 starved", "+76%, unsafe"]


def test_a_tile_runs_its_worst_workload_and_opens_a_decision(tested):
    editor, panel = tested
    place = next(i for i, one in enumerate(panel.result.scenarios) if one.kind == "field")
    one = panel.result.scenarios[place]
    answer(panel, chosen=place)
    assert panel.jobs.wait(60)
    assert panel.error == ""
    assert one.sentence in panel.sentence
    worst = read_case_file(WORLD, one.worst)
    cost = WORLD.run(NETWORK, [worst], seed=0).cost[0]
    assert cost == pytest.approx(one.worst["cost"])
    assert len(panel.figure["runs"]) == 2
    press(panel, "open")
    assert panel.error == ""
    np.testing.assert_array_equal(editor.session.state.values, panel.state_at(int(panel.answers["decision"])).values)
    answer(panel, chosen=99)
    assert "scenarios 0 to" in panel.error


def test_a_case_with_a_faulty_input_is_run_as_it_was_tested(tested):
    _, panel = tested
    place = next(i for i, one in enumerate(panel.result.scenarios) if one.name == "input-stuck")
    answer(panel, chosen=place)
    assert panel.jobs.wait(60)
    assert panel.error == ""
    assert panel.pair.network.policy == f"{NETWORK.name}, input stuck"


def test_a_cancelled_test_keeps_what_is_done_and_goes_on_and_a_saved_one_opens(tested):
    _, panel = tested
    other = StressPanel(WORLD, NETWORK, workers=1)
    other.on_file("saved", "stress.json", panel.result.to_json().encode())
    assert other.result.scenarios == panel.result.scenarios
    half = StressTest.from_json(panel.result.to_json())
    object.__setattr__(half, "scenarios", half.scenarios[:2])
    object.__setattr__(half, "done", False)
    other.on_file("saved", "half.json", half.to_json().encode())
    assert not next(one for one in other.controls if one["name"] == "more")["disabled"]
    press(other, "more")
    assert other.jobs.wait(120)
    assert other.error == ""
    assert other.result.scenarios == panel.result.scenarios
