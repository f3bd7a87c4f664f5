"""The panels of "when will it fail": results as they come, loaded with a click, kept when cancelled."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Shift, State
from dnnexplain.explain.adversarial import Adversarial, MethodTable
from dnnexplain.explain.sequence import SequenceAttack
from dnnexplain.explain.transfer.grid import Transfer
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain_widgets import AdversarialPanel, TransferPanel, WorstSequencePanel
from dnnexplain_widgets.words import number
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem

GATE = FakeChoice()
FOOLED = State(np.array([2.0, 1.0]))
WORLD = DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)
NETWORK = TorchPolicy(mlp(WORLD, seed=2), WORLD, name="drawn")


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


@pytest.fixture
def panel():
    network = TorchPolicy(mlp(GATE, seed=6, scale=3.0), GATE)
    return AdversarialPanel(GATE, network, FOOLED, likelihood=lambda state: {"left": -float(state.values[0])})


def test_a_search_shows_a_table_a_sentence_and_a_proof(panel):
    press(panel, "search")
    assert panel.jobs.wait()
    found = panel.result
    assert found.proved_minimal
    assert panel.error == ""
    assert panel.busy == {}
    assert panel.sentence == found.words
    assert (panel.badge["level"], panel.badge["text"]) == ("green", "Proved minimal")
    rows = panel.figure["cells"]["rows"]
    assert rows[0]["label"] == "as given"
    assert rows[1]["cells"][4]["text"] == "adversarial"
    assert rows[1]["cells"][0]["text"] == f"{found.distance:g}"


def test_a_click_loads_a_state_and_replay_goes_to_and_fro(panel):
    press(panel, "search")
    assert panel.jobs.wait()
    answer(panel, chosen=[1, 0])
    assert panel.session.state == panel.result.state
    press(panel, "replay")
    assert panel.session.state == FOOLED
    press(panel, "replay")
    assert panel.session.state == panel.result.state
    answer(panel, chosen=[99, 0])
    assert "not 99" in panel.error


def test_results_come_while_the_search_runs(panel):
    seen = []
    panel.observe(lambda change: seen.append(len(change["new"].get("cells", {}).get("rows", []))), "figure")
    answer(panel, method="random", seconds=1)
    press(panel, "search")
    assert panel.jobs.wait()
    assert max(seen) >= 2


def test_cancel_keeps_what_was_found_and_go_on_continues(panel):
    answer(panel, method="local", seconds=60)
    press(panel, "search")
    for _ in range(400):
        if any(flip.kind == "adversarial" for flip in panel.flips):
            break
        panel.jobs.wait(0.05)
    press(panel, "cancel")
    assert panel.jobs.wait()
    kept = panel.result
    assert kept.found
    assert panel.badge["level"] == "amber"
    more = next(control for control in panel.controls if control["name"] == "more")
    assert not more["disabled"]
    answer(panel, seconds=1)
    press(panel, "more")
    assert panel.jobs.wait()
    assert panel.result.evaluated > kept.evaluated
    assert panel.result.distance <= kept.distance


def give(panel, name, file, content):
    panel.set_state({"upload": {"name": name, "file": file, "content": content}})


def downloaded(panel):
    """What the page was given to save."""
    press(panel, "result")
    return panel.download["text"]


def test_it_is_saved_and_copied_as_python(panel):
    press(panel, "result")
    assert "no result to save" in panel.error
    press(panel, "search")
    assert panel.jobs.wait()
    answer(panel, chosen=[1, 0])
    assert Adversarial.from_json(downloaded(panel)) == panel.result
    code = panel.copy_as_python()
    assert "attack(system, policy, state, method='exhaustive'" in code
    assert "{'left queue': 2.0, 'right queue': 1.0}" in code


def test_costs_and_bounds_are_the_users(panel):
    answer(panel, costs="left queue=3", bounds="right queue=0:2")
    press(panel, "search")
    assert panel.jobs.wait()
    settings = panel.result.question.settings
    assert settings["costs"] == {"left queue": 3.0, "right queue": 1.0}
    assert settings["bounds"]["right queue"] == [0.0, 2.0]
    other = AdversarialPanel(GATE, panel.session.policy)
    give(other, "saved", "found.json", downloaded(panel).encode())
    assert (other.answers["costs"], other.answers["bounds"]) == ("left queue=3", "right queue=0:2")
    answer(panel, costs="left queue")
    press(panel, "search")
    assert "NAME=NUMBER" in panel.error
    answer(panel, costs="", bounds="left queue=4:1; right queue=4:1")
    press(panel, "search")
    assert "left queue=4:1: the lower bound is above the upper one; write left queue=1:4" in panel.error
    assert panel.result.question.settings["bounds"] == settings["bounds"]  # what was found before stays


def test_plausibility_stands_beside_each_change(panel):
    press(panel, "search")
    assert panel.jobs.wait()
    table = panel.figure["cells"]
    assert table["columns"][-1] == "plausibility"
    first = panel._ordered()[0]
    likely = -first.state.values[0]
    expected = "" if likely == -2 else f"left −2 to {number(likely)}"  # the right queue's likelihood is not known
    assert table["rows"][1]["cells"][-1]["text"] == expected


def test_methods_are_compared_at_equal_time(panel):
    answer(panel, seconds=1)
    press(panel, "compare")
    assert panel.jobs.wait()
    assert panel.error == ""
    rows = panel.figure["cells"]["rows"]
    assert [row["label"] for row in rows] == ["exhaustive", "gradient", "local", "random"]
    assert rows[0]["cells"][1]["text"] == "proved minimal"
    assert panel.sentence == panel.result.words
    answer(panel, chosen=[0, 0])
    assert panel.session.state == panel.result.answers["exhaustive"].state
    assert MethodTable.from_json(downloaded(panel)) == panel.result


def test_a_saved_search_is_opened_elsewhere_and_gone_on_with(panel):
    answer(panel, method="random", seconds=0.3)
    press(panel, "search")
    assert panel.jobs.wait()
    kept, text = panel.result, downloaded(panel)
    other = AdversarialPanel(GATE, panel.session.policy)
    give(other, "saved", "found.json", text.encode())
    assert other.error == ""
    assert other.result == kept
    assert other.answers["method"] == "random"
    assert other.sentence == kept.words
    answer(other, seconds=0.3)
    press(other, "more")
    assert other.jobs.wait()
    assert other.error == ""
    assert other.result.evaluated > kept.evaluated
    give(other, "saved", "found.json", b"{}")
    assert "saved" in other.error
    wrong = AdversarialPanel(WORLD, NETWORK)
    give(wrong, "saved", "found.json", text.encode())
    assert "found.json is of fake-gate, not of deeprm" in wrong.error
    assert wrong.result is None


def test_an_impossible_wish_is_explained_in_the_sentence(panel):
    answer(panel, target=panel.session.system.output.names[1])
    press(panel, "search")
    assert panel.jobs.wait()
    assert not panel.result.found or panel.result.after.name == "right"
    system = FakeSystem()
    rule = next(iter(system.rules().values()))
    with pytest.raises(DnnExplainError, match="no oracle"):
        AdversarialPanel(system, rule)


def test_the_worst_workload_is_searched_watched_and_opened():
    panel = WorstSequencePanel(WORLD, NETWORK)
    assert panel.answers["against"] == "hold"  # the best rule that is known, not the first of the menu
    answer(panel, seconds=1, limits="length=1:4", against="sjf")
    press(panel, "search")
    assert panel.jobs.wait()
    assert panel.error == ""
    found = panel.result
    assert found.words in panel.sentence
    assert len(panel.figure["runs"]) == 3  # network, rule, optimum
    assert panel.figure["flags"][0] == [panel.figure["marks"][0], "parts from SJF"]
    at, text = panel.figure["flags"][1]
    placed = panel.pair.network.chosen[at]
    assert panel.pair.network.start[placed] != panel.best.start[placed]
    assert text.startswith("parts from the ")
    assert panel.answers["decision"] == panel.figure["marks"][0]
    press(panel, "open")
    assert np.array_equal(
        WORLD.encode(panel.session.state.values[None], panel.session.state.background)[0],
        panel.pair.network.observations[panel.answers["decision"]],
    )
    text = downloaded(panel)
    assert SequenceAttack.from_json(text) == found
    assert "attack_sequence(system, policy" in panel.copy_as_python()
    press(panel, "more")
    assert panel.jobs.wait()
    assert panel.result.evaluated > found.evaluated
    assert panel.result.question.settings["limits"] == {"length": [1, 4]}
    other = WorstSequencePanel(WORLD, NETWORK)
    give(other, "saved", "worst.json", text.encode())
    assert other.jobs.wait()
    assert other.result == found
    assert other.pair.network.cost == pytest.approx(found.network)


COLUMNS = [Shift(f"rate {rate}", "", {"rate": rate, "steps": 10}, rate) for rate in (0.3, 0.8)]


def transfer_panel(**options):
    options = {"rows": [Shift("deeprm", "deeprm")], "columns": COLUMNS, "rules": ["sjf"], "workers": 1, **options}
    return TransferPanel(WORLD, NETWORK, **options)


def run_grid(panel, **answers):
    answer(panel, **answers)
    press(panel, "run")
    assert panel.jobs.wait()
    assert panel.error == ""


def test_the_grid_is_a_heat_map_and_a_click_shows_the_worst_episode():
    panel = transfer_panel()
    answer(panel, sets=3)
    press(panel, "run")
    assert panel.jobs.wait()
    found = panel.result
    cells = panel.figure["cells"]
    assert cells["columns"] == ["rate 0.3", "rate 0.8"]
    assert cells["rows"][0]["cells"][1]["shade"] == pytest.approx(float(found.relative[0, 1, 0]) / 0.5)
    answer(panel, chosen=[0, 1])
    assert panel.jobs.wait()
    assert panel.error == ""
    assert "rate 0.8" in panel.sentence
    behind = found.episodes[0, 1, 0] - found.episodes[0, 1, 1]
    assert f"{found.episodes[0, 1, 0][behind.argmax()]:.3g}" in panel.sentence
    assert len(panel.figure["runs"]) == 2
    assert panel.figure["cells"] == cells
    text = downloaded(panel)
    assert Transfer.from_json(text) == found
    other = TransferPanel(WORLD, NETWORK, workers=1)
    give(other, "saved", "grid.json", text.encode())
    assert other.error == ""
    assert other.figure["cells"] == cells
    answer(other, chosen=[0, 1])
    assert other.jobs.wait()
    assert other.pair.network.cost == panel.pair.network.cost
    stranger = TransferPanel(WORLD, TorchPolicy(mlp(WORLD, seed=9), WORLD))
    give(stranger, "saved", "grid.json", text.encode())
    assert "weights are not here" in stranger.error
    assert "transfer(system" in panel.copy_as_python()


def test_any_workload_of_a_cell_is_watched_and_its_decisions_are_opened():
    panel = transfer_panel()
    run_grid(panel, sets=4)
    answer(panel, chosen=[0, 1])
    assert panel.jobs.wait()
    found, worst = panel.result, panel.answers["workload"]
    other = worst % 4 + 1
    answer(panel, workload=other)
    assert panel.jobs.wait()
    assert f"workload {other} of 4." in panel.sentence
    assert panel.pair.network.cost == pytest.approx(found.episodes[0, 1, 0, other - 1])
    assert panel.pair.rule.cost == pytest.approx(found.episodes[0, 1, 1, other - 1])
    answer(panel, decision=2)
    assert "Decision 3, at" in panel.sentence
    press(panel, "open")
    seen = WORLD.encode(panel.session.state.values[None], panel.session.state.background)[0]
    assert np.array_equal(seen, panel.pair.network.observations[2])


def test_other_networks_run_beside_and_each_has_its_map():
    second = TorchPolicy(mlp(WORLD, seed=3), WORLD, name="second")
    panel = transfer_panel(
        policies={"same": NETWORK, "second": lambda: second}, grids={"long": ([COLUMNS[0]], COLUMNS)}
    )
    assert [control["name"] for control in panel.controls[:2]] == ["grid", "beside"]
    run_grid(panel, sets=2, beside="\0all")
    assert panel.result.policies == ("drawn", "second", "sjf")
    first = panel.figure["cells"]
    answer(panel, network="1")
    assert panel.figure["cells"]["caption"].startswith("mean slowdown of second")
    assert panel.figure["cells"]["rows"] != first["rows"]
    answer(panel, chosen=[0, 0])
    assert panel.jobs.wait()
    assert panel.pair.network.policy == "second"


def test_a_log_becomes_a_row_whose_windows_are_watched():
    log = "\n".join(
        f"{i} {40 * i} 0 {60 + 90 * i} {1 + i % 3} -1 -1 {1 + i % 3} 600 -1 1 1 1 1 1 1 -1 -1" for i in range(9)
    )
    panel = transfer_panel()
    panel.set_state({"upload": {"name": "log", "file": "small.swf", "content": log.encode()}})
    assert panel.error == ""
    assert "The next run has it as a row." in panel.sentence
    run_grid(panel, sets=2)
    assert panel.result.done.tolist() == [[True, True], [True, False]]
    assert next(one for one in panel.controls if one["name"] == "more")["disabled"]
    answer(panel, chosen=[1, 0])
    assert panel.jobs.wait()
    assert panel.sentence.startswith("log small.swf: ")
    assert panel.pair.network.cost == pytest.approx(panel.result.episodes[1, 0, 0, panel.answers["workload"] - 1])


def test_a_grid_on_processes_fills_cell_by_cell_and_a_cancelled_one_is_finished_later():
    rows = [Shift(name, name) for name in ("deeprm", "uniform", "bursty")]
    panel = transfer_panel(rows=rows, workers=2)
    drawn = []
    panel.observe(lambda change: drawn.append(_filled(change["new"])), "figure")
    answer(panel, sets=3)
    press(panel, "run")
    stopped = panel.jobs.current.enough
    for _ in range(9000):  # processes that load torch take their time on a busy machine
        if any(drawn) or panel.jobs.current is None:
            break
        panel.jobs.wait(0.02)
    answer(panel, chosen=[0, 0])
    assert "still running" in panel.error or panel.jobs.current is None
    press(panel, "cancel")
    assert stopped.is_set()
    assert panel.jobs.wait(240)
    part = panel.result
    if not part.done.all():
        assert "were not run" in panel.sentence
        press(panel, "more")
        assert panel.jobs.wait(240)
    alone = transfer_panel(rows=rows)
    run_grid(alone, sets=3)
    assert panel.result == alone.result


def _filled(figure):
    return sum(bool(cell["text"]) for row in figure.get("cells", {}).get("rows", []) for cell in row["cells"])


def test_the_default_grid_has_every_family_and_four_rates():
    panel = TransferPanel(WORLD, NETWORK)
    rows, columns = panel.grid
    assert [row.family for row in rows] == list(WORLD.workload_names)
    values = [column.value for column in columns]
    assert len(values) == 4
    assert values == sorted(values)


def test_pairs_of_two_jobs_are_listed_loaded_and_replayed():
    panel = AdversarialPanel(WORLD, NETWORK)
    answer(panel, seconds=60)  # all states are looked at long before
    press(panel, "pairs")
    assert panel.jobs.wait()
    assert panel.error == ""
    found = panel.pairs
    assert found.searched
    assert panel.sentence == found.words
    assert found.pairs, "this network is fooled by some pair"
    assert len(panel.figure["cells"]["rows"]) == min(12, len(found.pairs))
    answer(panel, chosen=[0, 0])
    assert panel.session.state == found.pairs[0].after_state
    press(panel, "replay")
    assert panel.session.state == found.pairs[0].state
