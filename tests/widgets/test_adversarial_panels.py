"""The panels of "when will it fail": results as they come, loaded with a click, kept when cancelled."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.adversarial import Adversarial
from dnnexplain.explain.sequence import SequenceAttack
from dnnexplain.explain.transfer import Setting, Transfer
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain_widgets import AdversarialPanel, TransferPanel, WorstSequencePanel
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
    assert rows[1]["cells"][-1]["text"] == "adversarial"
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


def test_it_is_saved_and_copied_as_python(panel, tmp_path):
    press(panel, "save")
    assert "nothing to save" in panel.error
    press(panel, "search")
    assert panel.jobs.wait()
    answer(panel, file=str(tmp_path / "found.json"), chosen=[1, 0])
    press(panel, "save")
    assert Adversarial.load(tmp_path / "found.json") == panel.result
    code = panel.copy_as_python()
    assert "attack(system, policy, state, method='exhaustive'" in code
    assert "{'left queue': 2.0, 'right queue': 1.0}" in code


def test_an_impossible_wish_is_explained_in_the_sentence(panel):
    answer(panel, target=panel.session.system.output.names[1])
    press(panel, "search")
    assert panel.jobs.wait()
    assert not panel.result.found or panel.result.after.name == "right"
    system = FakeSystem()
    rule = next(iter(system.rules().values()))
    with pytest.raises(DnnExplainError, match="no oracle"):
        AdversarialPanel(system, rule)


def test_the_worst_workload_is_searched_watched_and_opened(tmp_path):
    panel = WorstSequencePanel(WORLD, NETWORK)
    answer(panel, seconds=1)
    press(panel, "search")
    assert panel.jobs.wait()
    assert panel.error == ""
    found = panel.result
    assert found.words in panel.sentence
    assert len(panel.figure["runs"]) == 3  # network, rule, optimum
    assert panel.answers["decision"] == panel.figure["marks"][0]
    press(panel, "open")
    assert np.array_equal(
        WORLD.encode(panel.session.state.values[None], panel.session.state.background)[0],
        panel.pair.network.observations[panel.answers["decision"]],
    )
    answer(panel, file=str(tmp_path / "worst.json"))
    press(panel, "save")
    assert SequenceAttack.load(tmp_path / "worst.json") == found
    assert "attack_sequence(system, policy" in panel.copy_as_python()
    press(panel, "more")
    assert panel.jobs.wait()
    assert panel.result.evaluated > found.evaluated


def test_the_grid_is_a_heat_map_and_a_click_shows_the_worst_episode(tmp_path):
    columns = [Setting(f"rate {rate}", "", {"rate": rate, "steps": 10}, rate) for rate in (0.3, 0.8)]
    panel = TransferPanel(WORLD, NETWORK, rows=[Setting("deeprm", "deeprm")], columns=columns, rules=["sjf"])
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
    answer(panel, file=str(tmp_path / "grid.json"))
    press(panel, "save")
    assert Transfer.load(tmp_path / "grid.json") == found
    assert "transfer(system" in panel.copy_as_python()


def test_the_default_grid_has_every_family_and_four_rates():
    panel = TransferPanel(WORLD, NETWORK)
    assert [row.family for row in panel.rows] == list(WORLD.workload_names)
    values = [column.value for column in panel.columns]
    assert len(values) == 4
    assert values == sorted(values)


def test_pairs_of_two_jobs_are_listed_loaded_and_replayed():
    panel = AdversarialPanel(WORLD, NETWORK)
    answer(panel, seconds=3)
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
