"""Every notebook is committed without outputs, runs from top to bottom, and finds what its text says."""

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient import NotebookClient

from dnnexplain.app.forking import ForkedKernel, fork_kernels

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

CHECKS = {
    "1-why-explain": (
        "assert runs['network'].cost.mean() < best_rule.mean()\n"
        "assert 0 < lost.sum() < len(lost)\n"
        "assert len(other)\n"
        "assert any(right(flips(str(n))) for n in range(16)) and not right(flips('3'))\n"
        "assert [right(loses_to_sjf(str(n))) for n in range(101)].count(True) == 1"
    ),
    "2-how-is-a-decision-made": (
        "assert abs(found.net.sum() - found.explained) < 0.01 * abs(found.explained)\n"
        "assert [right(without_job(job)) for job in ('1', '3')].count(True) == 1\n"
        "assert right(leader(rows[0]['group'])) and not right(leader(rows[-1]['group']))\n"
        "assert right(misses('feature-ablation')) and not right(misses('shapley'))"
    ),
    "3-inside-the-neurons": (
        "assert all(peak.proved for peak in peaks)\n"
        "assert np.isclose(told.paths.sum() + told.constant, told.contrast, atol=1e-4)\n"
        "assert right(matters(str(strongest.neuron)))\n"
        "assert [right(strong(str(n))) for n in range(21)].count(True) == 1\n"
        "assert any(right(switch(answer)) for answer in ('none', *map(str, range(16))))"
    ),
    "4-when-does-it-fail": (
        "assert found.found and found.proved_minimal\n"
        "assert pairs.pairs\n"
        "assert bad.network > bad.rule and np.isclose(ours.cost, bad.network) and np.isclose(theirs.cost, bad.rule)\n"
        "assert any(right(fooled(str(n))) for n in range(2, 16))\n"
        "assert hardest(grid.columns[int(np.nanargmax(grid.relative[1, :, 0]))].label) is True"
    ),
    "5-how-bad-can-it-get": (
        "assert worst.ratio > 2.4 * random.ratio > 2.4\n"
        "assert worst.lower <= worst.ratio <= worst.upper\n"
        "assert right(gap(str(worst.ratio / random.ratio))) and not right(gap('1'))\n"
        "assert [history(answer) for answer in ('yes', 'no')].count(True) == 1"
    ),
    "6-rules-out-rules-in": (
        "assert rules.leaves <= 12 and rules.fidelity > 0.8\n"
        "assert slowdown['with the rule as teacher'][0] < slowdown['alone'][0]\n"
        "assert any(right(smallest(str(n))) for n in range(1, 21))\n"
        "assert right(share(str(parted.same))) and right(share(f'{100 * parted.same:.1f}%')) and not right(share('0.1'))\n"
        "assert any(right(better_threshold(str(root + n))) for n in (-1000, -3, 1, 3, 1000))"
    ),
    "7-your-own": (
        "costs = [player.run(policy, sessions).cost.mean() for policy in (network, *player.rules().values())]\n"
        "assert costs[0] < min(costs[1:])\n"
        "assert any(right(stalls(str(n))) for n in (0.3, 0.5, 1, 1.5, 2)) and not right(stalls('8'))\n"
        "assert right(enough(str(max(path, key=path.get)))) and 'leaves' in enough('1000')\n"
        "assert flip.found or flip.proved_minimal"
    ),
    "8-a-video-player": (
        "assert runs['optimum'].metrics['qoe'].mean() > runs['network'].metrics['qoe'].mean() > max(runs[n].metrics['qoe'].mean() for n in rules)\n"
        "assert max(rules, key=lambda n: runs[n].metrics['rebuffering'].mean()) == 'mpc' == max(rules, key=lambda n: runs[n].metrics['bitrate'].mean())\n"
        "assert decision.action == 2 and same and 12 < survey.dead.sum() < 36 and not survey.constant[survey.dead].all()\n"
        "assert len(learned.names) == 6 and learned.cost[-1].mean < learned.cost[0].mean - 5 and learned.same[-1] == 1 > learned.same[0]\n"
        "assert learned.changed[-1].max() > 0.15 and learned.actions[0].max() > learned.actions[-1].max()\n"
        "assert (maps['bb'] == maps['bb'][0]).all()\n"
        "assert (changed['network'] < 4).all() and (changed['robust-mpc-reset'] >= 4).sum() > 20 and used['network'].min() < 0.02 < used['robust-mpc-reset'].min()\n"
        "assert decision.probabilities[2] > 0.9 and followed.of(3).against['qoe'].high > -0.2 > followed.of(0).against['qoe'].high\n"
        "assert told.leaves <= 12 and 0.8 < told.fidelity < 0.95\n"
        "worst = {name: earned['puffer-like', name].min() for name in compared}\n"
        "assert set(sorted(worst, key=worst.get)[:2]) == {'bb', 'robust-mpc-reset'} and worst['tree'] < worst['network']\n"
        "assert right(chunk('-0.95')) and not right(chunk('1.85'))\n"
        "assert any(right(higher(str(n))) for n in (1.5, 1.8, 2.0, 2.2, 2.5, 3))\n"
        "assert [right(kind(answer)) for answer in ('never wired', 'silent')].count(True) == 1\n"
        "assert any(right(swings(str(n))) for n in (1.2, 1.8, 2.6, 3.8, 4.2)) and not right(swings('0.31'))\n"
        "assert [right(rarest(label)) for label in labels].count(True) == 1"
    ),
    "9-a-rate": (
        "assert earned['optimum'] > earned['network'] > earned[best] > earned['never'] == 0\n"
        "assert runs['optimum'].metrics['minutes below the limit'].mean() > runs['never'].metrics['minutes below the limit'].mean()\n"
        "assert 0.2 < rates[minute] < 0.8 and rate_if(forecast_next_minute=1.0) < rate_if(forecast_next_minute=0.0)\n"
        "assert (lost > -1e-6).all() and judged.min() < judged.max()\n"
        "assert right(holds_back('1')) and not right(holds_back('0'))\n"
        "assert right(pays('5')) and not right(pays('10'))\n"
        "assert right(fine('20')) and not right(fine('1'))"
    ),
    "10-radio-heads": (
        "assert share['greedy'] < share['network'] < share['optimum'] + 1e-9\n"
        "assert decision.action in range(6) and judged.exact\n"
        "assert needed(state) > 0\n"
        "assert right(watts('31.5')) and not right(watts('28.5'))\n"
        "assert [right(nearest_rule(name)) for name in system.rules()].count(True) == 1"
    ),
    "11-proofs-and-guards": (
        "assert never.verdict == 'fails' and never.checked < 1e-4\n"
        "empty = [place for place in range(5) if never.witness.reshape(-1, len(system.knobs))[0][[k.name for k in system.knobs].index(f'job {place + 1} length')] == 0]\n"
        "assert raw.argmax() in empty and found.action not in empty\n"
        "assert all(one.verdict in {'holds', 'fails'} and one.checked < 1e-4 for one in settled.values())\n"
        "assert reason.proved and reason.free\n"
        "assert own.verdict == 'fails'\n"
        "assert report.gap_with > 0.8 * report.gap_without and report.change_low < 0 < report.change_high and 0 < report.stepped_in_worst < 0.2\n"
        "assert right(widest('15')) and not right(widest('0.5'))\n"
        "assert right(bound_means('open')) and not right(bound_means('holds'))\n"
        "assert right(forced(reason.free[0])) and not right(forced(next(iter(reason.fixed))))"
    ),
    "12-before-you-deploy": (
        "assert verdict.verdict == 'within 5%' == found.scenarios[0].verdict and found.verdict == 'unsafe'\n"
        "assert 0.05 < changed(FAULTS['lost']) < changed(FAULTS['units-1000']) and changed(FAULTS['nan']) > 0.3\n"
        "assert made.regret > made.drawn_regret > 0\n"
        "assert np.allclose(system.run(network, again).cost, [point['cost'] for point in made.front]) and made.front[0]['cost'] > made.front[0]['optimum'][1]\n"
        "assert [right(verdict_of(one)) for one in ('better', 'within 5%', 'worse', 'unsafe')].count(True) == 1\n"
        "assert right(worst_fault('Input out of range')) and right(worst_fault('input-out-of-range')) and not right(worst_fault('input-lost'))\n"
        "assert right(limit_of('nominal gap > -1%')) and not right(limit_of('nominal gap > 5%')) and not right(limit_of('nominal gap > -50%'))"
    ),
    "the-published-network": (
        "assert runs['network, drawn'].cost.mean() < runs['Tetris'].cost.mean()\n"
        "assert runs['network, most probable'].metrics['starved'].sum() >= len(workloads)\n"
        "assert ways['an empty slot'] > 0.7 * ways.total()\n"
        "assert ways['wait'] < 0.1 * ways.total()\n"
        "assert max(silent) == 20\n"
        "assert np.mean(np.array(silent) >= 18) > 0.5"
    ),
}
"""What the text of a notebook claims, checked in its own kernel after the last cell."""


RIGHT = "right = lambda found: not isinstance(found, str) and bool(found)"  # as an Exercise sees an answer


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_checks_an_answer_is_out_of_sight(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "Exercise(" in cell.source:
            assert cell.metadata["jupyter"]["source_hidden"]  # in JupyterLab
            assert "hide-input" in cell.metadata["tags"]  # on the lessons' pages


@pytest.fixture(scope="module")
def prepared():
    """Kernels are forked from one process that has imported everything, as those of the served pages are."""
    if sys.platform != "linux":
        yield
        return
    factory = KernelProvisionerFactory.instance()
    before = dict(factory.provisioners), factory.default_provisioner_name
    zygote = fork_kernels([])
    yield
    factory.provisioners, factory.default_provisioner_name = before
    ForkedKernel.zygote = None
    zygote.close()


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:.*without encryption.*")
def test_it_runs_from_top_to_bottom_and_its_claims_hold(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    if path.stem in CHECKS:
        notebook.cells.append(nbformat.v4.new_code_cell(f"{RIGHT}\n{CHECKS[path.stem]}"))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(
        output.get("text") or output.get("data") for cell in notebook.cells for output in cell.get("outputs", [])
    )
