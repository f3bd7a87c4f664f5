"""The stress panel: a board that agrees with the result, drill-down into a case, cancel, saved tests."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dnnexplain.contract import Shift
from dnnexplain.explain.stress import StressTest, read_case_file
from dnnexplain.explain.stress.boundaries import ShiftLine, shift_lines
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.registry import spec_of
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard, Session, StateEditor, StressPanel
from dnnexplain_widgets.panels.stress_findings import findings
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


def shifted(test, gaps):
    """A test with scenarios along one quantity of the system's first grid, with these gaps."""
    grid = spec_of(WORLD).grids[0]
    first = test.scenarios[0]
    cells = [
        replace(first, kind="shift", name=f"{grid.name}: {column.label}", family=grid.rows[1].family, parameters=dict(column.parameters),
                gap=gap, gap_low=gap, gap_high=gap, verdict="better" if gap < 0 else "worse", sure=True)
        for column, gap in zip(grid.columns, gaps, strict=True)
    ]  # fmt: skip
    return replace(test, scenarios=(first, *cells))


def test_a_shift_along_which_it_stops_winning_is_drawn_with_its_scenarios(tested):
    _, panel = tested
    test = shifted(panel.result, [-0.2, -0.1, 0.1, 0.3])
    stops = findings(test, spec_of(WORLD), ())[0]
    (line,) = stops["lines"]
    columns = spec_of(WORLD).grids[0].columns
    between = (columns[1].value + columns[2].value) / 2
    assert [point["at"] for point in line["points"]] == [1, 2, 3, 4]
    assert [point["y"] for point in line["points"]] == pytest.approx([-2 / 3, -1 / 3, 1 / 3, 1])
    assert line["open"] == [2, 3]
    assert line["crossed"] == pytest.approx([(between - columns[0].value) / (columns[-1].value - columns[0].value)])
    assert line["words"] == [
        f"It stops winning between {columns[1].label} and {columns[2].label}, at about {between:.3g}."
    ]
    never = findings(shifted(panel.result, [-0.4, -0.3, -0.2, -0.1]), spec_of(WORLD), ())[0]
    assert not never["lines"]
    assert "never crosses" in never["words"]


def test_a_lower_mean_while_work_went_wrong_is_no_win_on_a_line():
    label = [Shift(name, value=value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 4.0))]
    line = ShiftLine("all", tuple(label), (0, 1, 2), (-0.1, float("nan"), 0.2))
    (boundary,) = line.crossed("net")
    assert (boundary.before, boundary.after, boundary.value) == ("a", "c", pytest.approx(2.0))


def test_lines_are_those_of_scenarios_that_were_run(tested):
    _, panel = tested
    for line in shift_lines(spec_of(WORLD), panel.result.scenarios):
        assert len(line.shifts) == len(line.places) == len(line.gaps) > 1


REGION = {
    "rule": "backlog is above 12 jobs", "samples": 7, "share": 0.86, "share_outside": 0.12, "loss": 0.21, "loss_outside": float("nan"),
    "mass": 0.35, "p": 0.002, "words": "",
}  # fmt: skip


def test_regions_lead_to_their_map_with_the_same_workloads(tested):
    _, panel = tested
    test = replace(panel.result, regions={"words": "Some.", "sets": 20, "unit": "", "regions": [REGION]})
    assert "button" not in findings(test, spec_of(WORLD), ())[1]
    board = Dashboard(WORLD, NETWORK)
    own = board.panel("StressPanel")
    own.on_file("saved", "stress.json", test.to_json().encode())
    fails = own.figure["findings"][1]
    assert fails["words"] == "Some."
    assert [cell["text"] for cell in fails["table"]["rows"][0]["cells"]] == ["35%", "86%", "21%"]
    assert fails["table"]["rows"][0]["cells"][2]["note"] == "elsewhere –"
    press(own, fails["button"]["press"])
    there = board.panel("FailingPanel")
    assert there.jobs.wait(120)
    assert there.error == ""
    settings = there.result.question.settings
    assert (there.result.kind, settings["sets"], there.result.question.seed) == ("workloads", 20, test.question.seed)
    board.close()


def test_what_a_guard_helps_is_a_row_for_each_verdict_that_changes(tested):
    _, panel = tested
    first = panel.result.scenarios[0]
    bad = {"verdict": "unsafe", "why": "", "cost": 9.0, "gap": 0.8}
    same = {"verdict": "better", "why": "", "cost": first.cost, "gap": -0.1}
    better = replace(first, verdict="better", gap=-0.1, gap_low=-0.2, gap_high=-0.05)
    test = replace(panel.result, scenarios=(replace(better, without=same), replace(better, name="other", without=bad)))
    helps = findings(test, spec_of(WORLD), ("GuardPanel",))[2]
    assert [(row["at"], [cell["text"] for cell in row["cells"]]) for row in helps["table"]["rows"]] == [
        (1, ["unsafe", "better"])
    ]
    assert "better in 1, worse in none" in helps["words"]
    json.dumps(findings(test, spec_of(WORLD), ()), allow_nan=False)
    assert findings(panel.result, spec_of(WORLD), ("GuardPanel",))[2]["button"]["press"] == "guard"
