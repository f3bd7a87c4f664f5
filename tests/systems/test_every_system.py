"""What every system is owed, and owes: the built-in ones, and three fakes that the product does not know.

A command that a system has no ability for says in one sentence which one is missing; nothing ends in a traceback.
"""

import json
from functools import cache
from importlib import import_module

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import Optimal, PartiallySeen, State, Summarised, cost_is_ratio, state_from_values
from dnnexplain.explain.decisions.sweeps import sweep_rows
from dnnexplain.explain.distillation.conditions import is_yes_or_no
from dnnexplain.explain.regions.evidence import met_states
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.policies import load, named_policy, save
from dnnexplain.registry import BUILT_IN, load_reference, make_system, spec_of
from dnnexplain.rule_names import rule_label
from tests.systems.fakes import FAKES

EVERY = (*BUILT_IN, *FAKES)


@cache
def system_of(name):
    return FAKES[name]() if name in FAKES else make_system(name, **spec_of(name).board)


@cache
def network_of(name):
    return named_policy(system_of(name), "untrained")


def drawn_states(name, count=4, seed=0):
    """Valid states all over the knobs' bounds."""
    system, rng = system_of(name), np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    return system.repair(low + (high - low) * rng.random((count, len(low))))


def some_workloads(name, count=2, seed=3):
    system, spec = system_of(name), spec_of(system_of(name))
    family = spec.family()
    values = {one.name: one.default for one in family.parameters if one.default is not None}
    return system.workloads(family.name, count, seed, **values)


@pytest.fixture(params=EVERY)
def name(request):
    return request.param


@pytest.mark.parametrize("key", BUILT_IN)
def test_every_ready_property_has_a_case_in_each_world_that_is_shown(key):
    spec = spec_of(key)
    known = {parameter.name for parameter in spec.parameters}
    settings = [
        spec.on_board({name: value for name, value in example.settings.items() if name in known})
        for example in spec.examples
    ]
    for given in (spec.board, {}, *settings):
        system = make_system(key, **given)
        for source in spec.properties:
            claim = load_reference(source.make)(system, **source.parameters)
            assert claim.name == source.name
            assert claim.cases, (given, source.name)


def test_quantities_that_are_told_as_whole_numbers_or_facts_are(name):
    system = system_of(name)
    quantities = quantities_of(system)
    whole, names = set(getattr(quantities, "whole", ())), list(quantities.names)
    assert whole <= set(names)
    met = [system.encode(drawn_states(name, 40))]
    if hasattr(system, "visit"):
        met.append(met_states(system, network_of(name), some_workloads(name), 100))
    values = np.asarray(quantities(np.concatenate(met)))
    for place, quantity in enumerate(names):
        column = values[:, place]
        if quantity in whole:
            np.testing.assert_array_equal(column, np.round(column), quantity)
        elif is_yes_or_no(quantity, 0.5, quantities.units.get(quantity, "")):
            assert set(column) <= {0.0, 1.0}, quantity


def test_what_knobs_paint_can_be_read_back(name):
    system, values = system_of(name), drawn_states(name)
    seen = system.encode(values)
    assert seen.dtype == np.float32
    assert seen.shape[1:] == tuple(system.observation_shape)
    np.testing.assert_allclose(system.decode(seen), values, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(system.repair(values), values, rtol=1e-9, atol=1e-9)


def test_a_state_survives_the_trip_to_a_file(name):
    system = system_of(name)
    for row in drawn_states(name, 2):
        told = json.loads(json.dumps(system.state_to_json(State(row))))
        np.testing.assert_allclose(system.state_from_json(told).values, row, rtol=1e-6, atol=1e-6)
        assert system.describe(State(row)).strip()


def test_an_action_is_told_and_parsed_and_is_the_decision_of_its_own_outputs(name):
    system, network = system_of(name), network_of(name)
    space = system.output
    seen = system.encode(drawn_states(name))
    taken = space.decide(network.outputs(seen), system.valid_actions(seen))
    assert space.same(space.decide(space.as_outputs(taken)), taken).all()
    if len(space.names) < 50:
        text = ",".join(map(str, taken[0])) if space.kind == "values" else space.tell(taken[0])
        assert space.same(space.parse(text), taken[0]).all()


def test_rules_are_written_as_their_titles_write_them(name):
    for rule, title in spec_of(system_of(name)).rules.items():
        label = rule_label(rule)
        initials = "".join(word[0] for word in title.replace("-", " ").split()).lower()
        assert label.islower() is False, rule
        if label.isupper() and len(label) > 1:
            assert label in title or initials.startswith(rule), f"{label}: no abbreviation of {title!r}"
        if title.lower().startswith(rule):
            assert title.startswith(label)


def test_names_of_networks_read_in_a_sentence(name):
    for role in spec_of(system_of(name)).roles:
        assert not set(role.title) & set(",:;."), role.title
        assert not role.title.startswith(("The ", "A ", "An ")), role.title


def test_the_same_seed_gives_the_same_run(name):
    system, network = system_of(name), network_of(name)
    one, other = (system.run(network, some_workloads(name), seed=5, sample=True) for _ in range(2))
    np.testing.assert_array_equal(one.cost, other.cost)
    assert np.isfinite(one.cost).all()
    assert set(one.metrics) == set(other.metrics)


def test_a_system_that_has_worked_goes_to_another_process(name):
    import cloudpickle

    system, workloads = system_of(name), some_workloads(name, 1)
    rule = next(iter(system.rules().values()))
    here = system.run(rule, workloads, seed=7).cost
    there, other, material = cloudpickle.loads(cloudpickle.dumps((system, rule, workloads)))
    assert np.array_equal(there.run(other, material, seed=7).cost, here)


def test_no_policy_beats_the_bound(name):
    system, (workload,) = system_of(name), some_workloads(name, 1)
    bound = system.bound(workload, seconds=2.0)
    assert bound.lower <= bound.upper
    for policy in (network_of(name), *list(system.rules().values())[:3]):
        cost = float(system.run(policy, [workload]).cost[0])
        assert cost >= bound.lower - 1e-6 * max(1.0, abs(bound.lower)), policy.name
    if isinstance(system, Optimal):
        assert system.run_optimum([workload], seconds=2.0).cost[0] == pytest.approx(bound.upper, rel=1e-6, abs=1e-9)


def test_the_spec_tells_the_metrics_and_the_scale_of_the_cost(name):
    system = system_of(name)
    spec, found = spec_of(system), system.run(network_of(name), some_workloads(name))
    assert spec.ratio == cost_is_ratio(system)
    told = system.summarise(found).get("metrics", {}) if isinstance(system, Summarised) else {}
    assert {metric.name for metric in spec.metrics} <= {*found.metrics, *told}
    if spec.ratio:
        assert (found.cost >= 0).all()


def test_a_network_is_saved_and_loaded_to_the_bit(name, tmp_path):
    system = system_of(name)
    system = system.part() if isinstance(system, PartiallySeen) and system.whole else system
    network = named_policy(system, "untrained")
    file = save(tmp_path / "network.safetensors", network)
    seen = system.encode(np.array([knob.start for knob in system.knobs])[None])
    np.testing.assert_array_equal(load(file, system).outputs(seen), network.outputs(seen))


def test_a_knob_without_steps_is_swept_over_its_whole_range(name):
    system = system_of(name)
    free = [knob.name for knob in system.knobs if knob.step is None and knob.low < knob.high][:8]
    if not free:
        pytest.skip(f"every knob of {name} has steps")
    swept = sweep_rows(system, free, state_from_values(system, {}), "as they are", None, points=33)
    assert [len(grid) for grid in swept.grids] == [33] * len(free)


BRIEF = {
    "deeprm": ("--recipe", "as-published", "--original", "--slots", "3", "--iterations", "1", "--threads", "1"),
    "abr": ("--iterations", "1", "--sessions", "8"),
    "routing": ("--topology", "ring-4", "--steps", "2"),
    "cellular": ("--iterations", "2", "--days", "8", "--batch", "4"),
    "cran": ("--heads", "2", "--users", "1", "--days", "80", "--steps", "100", "--rounds", "1"),
}
"""Trainings that take a second."""
MEASURED = ("dnnexplain.training.figures.UNSEEN", "dnnexplain.systems.deeprm.trained.FIGURE_SETS")
"""Workloads on which a network is measured once it is trained: a few are enough to see that it is."""


def lines(name, folder):
    """Every command with a tiny budget."""
    system = system_of(name) if name in FAKES else make_system(name)
    word = f"tests.systems.fakes:{type(system).__name__}" if name in FAKES else name
    brief = BRIEF.get(name, ("--sets", "2", "--rounds", "1", "--epochs", "1"))
    state = folder / "state.json"
    state.write_text(json.dumps(system.state_to_json(state_from_values(system, {}))))
    family, shared = spec_of(system).family().name, ("--policy", "untrained")
    return {
        "systems": ("systems", *([] if name in FAKES else [name]), "--json"),
        "evaluate": ("evaluate", word, "--sets", "2", *shared, "--json"),
        "explain": ("explain", word, "--state", str(state), *shared, "--badge", "none", "--json"),
        "survey": ("explain", word, "--survey", "8", *shared, "--json"),
        "probe": ("probe", word, "--neuron", "0", "--restarts", "1", *shared, "--json"),
        "attack": ("attack", word, "--state", str(state), "--rounds", "1", *shared, "--json"),
        "attack workload": ("attack", word, "--workload", family, "--rounds", "1", "--oracle-seconds", "0", *shared, "--json"),
        "transfer": ("transfer", word, "--family", family, "--sets", "2", "--jobs", "1", *shared, "--json"),
        "distill": ("distill", word, "--sets", "2", "--unseen", "2", "--seeds", "1", "--rounds", "1", "--leaves", "3", *shared, "--json"),
        "replay": ("replay", word, "--workload", family, "--out", str(folder / "steps.npz"), *shared, "--json"),
        "export": ("export", word, str(folder / "page.html"), *shared),
        "worst-case": ("worst-case", word, "--rounds", "1", "--budget", "1", *shared, "--json"),
        "regions": ("regions", word, "--sets", "2", *shared, "--json"),
        "hypotheses": ("hypotheses", word, "--sets", "2", *shared, "--json"),
        "prove": ("prove", word, *shared, "--json"),
        "train": ("train", word, *brief, "--out", str(folder / "net.safetensors"), "--json"),
        "guard": ("guard", word, "--sets", "2", "--rounds", "1", "--cycles", "1", "--tries", "1", *shared, "--json"),
        "stress": ("stress", word, "--budget", "40", "--jobs", "1", "--oracle-seconds", "0", "--out", str(folder / "report"), *shared, "--json"),
    }  # fmt: skip


FEW = ("worst-case", "regions", "hypotheses", "guard")
"""Commands that take seconds on a built-in system: its own tests run them there."""

COMMANDS = ("systems", "evaluate", "explain", "survey", "probe", "attack", "attack workload", "transfer", "distill", "replay", "export", "prove", "stress")  # fmt: skip


RANGE = {"mean", "low", "high"}
OWED = {
    "evaluate": lambda said: (
        said["results"][0].keys() >= {"policy", "mode", "metrics"}
        and said["results"][0]["metrics"]["cost"].keys() >= RANGE
    ),
    "explain": lambda said: said.keys() >= {"decision", "groups", "badge", "state"},
    "survey": lambda said: said.keys() >= {"dead_cells", "changed_when_permuted"},
    "attack workload": lambda said: said.keys() >= {"network", "rule", "rule_name", "ended_by"},
    "transfer": lambda said: all(one.keys() >= {"actions", *RANGE} for one in said["cells"][0]["results"]),
    "prove": lambda said: "robust" in said["properties"],
    "stress": lambda said: (
        said.keys() >= {"verdict", "generated"}
        and all(
            one.keys() >= {"name", "verdict", "cost", "best_rule", "interval", "worst_case"}
            for one in said["scenarios"]
        )
    ),
}
"""Names in what commands print that programs may rely on."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_answers_or_names_the_missing_ability(name, command, tmp_path, capsys):
    code = main(lines(name, tmp_path)[command])
    out, err = capsys.readouterr()
    assert code in {0, 2}, err
    assert code == 0 or command != "distill", err
    assert code == 0 or name in FAKES or command != "replay", err
    if code == 0:
        assert out.strip()
        if command != "export":
            said = json.loads(out)
            assert OWED.get(command, bool)(said), said
        return
    assert err.count("\n") == 1, err
    assert "dnnexplain.contract." in err, err


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("command", FEW)
def test_searches_regions_statements_and_guards_answer_for_every_space(name, command, tmp_path, capsys):
    code = main(lines(name, tmp_path)[command])
    out, err = capsys.readouterr()
    assert code in {0, 2}, err
    if code == 0:
        assert json.loads(out)
    else:
        assert err.count("\n") == 1, err


GUARDED = {
    "deeprm": ("--steps", "6"),
    "routing": ("--topology", "ring-4"),
    "abr": ("--rule", "bb"),
    "cellular": ("--minutes", "60", "--rule", "threshold"),
    "cran": ("--heads", "2", "--users", "1", "--rule", "nearest"),
}
"""Built-in systems, each as small as a guard needs it; tests of guards and ``benchmarks/guards.py`` make others."""

FEWER = {
    "adversary.STARTS": 2,
    "adversary.BATCH": 4,
    "candidates.STATES": 100,
    "compiling.STARTS": 1,
    "compiling.FALLBACKS": 1,
    "evaluation.SEARCHES": 1,
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_guard_is_made_and_held_against_its_policy_on_built_in_systems(name, tmp_path, capsys, monkeypatch):
    for place, count in FEWER.items():
        module, name_of = place.split(".")
        monkeypatch.setattr(import_module(f"dnnexplain.explain.guards.{module}"), name_of, count)
    monkeypatch.setattr("dnnexplain.explain.sequence.search.BATCH", 4)
    out = tmp_path / "guard.json"
    budget = ("--sets", "2", "--rounds", "1", "--cycles", "0", "--tries", "1")
    line = ["guard", name, *GUARDED[name], *budget, "--policy", "untrained", "--out", str(out), "--json"]
    assert main(line) == 0
    said = json.loads(capsys.readouterr().out)
    guard = json.loads(out.read_text(encoding="utf-8"))
    assert guard["system"] == name
    assert said["policy"] == "untrained"
    assert len(guard["rules"]) == len(said["rules"])
    assert all(rule["do"] in system_of(name).rules() for rule in said["rules"])


@pytest.mark.parametrize("name", [*BRIEF, *FAKES])
def test_a_network_trains_saves_loads_and_has_its_card(name, tmp_path, capsys, monkeypatch):
    for count in MEASURED if name in {"deeprm", "abr"} else ():
        monkeypatch.setattr(count, 4)
    assert answered(name, "train", tmp_path, capsys)
    given = {"deeprm": {"slots": 3}, "routing": {"topology": "ring-4"}, "cran": {"heads": 2, "users": 1}}.get(name, {})
    system = make_system(name, **given) if name in BRIEF else system_of(name)
    network = load(tmp_path / "net.safetensors", system)
    assert np.isfinite(network.outputs(system.encode(np.array([knob.start for knob in system.knobs])[None]))).all()
    card = (tmp_path / "net.md").read_text(encoding="utf-8")
    assert f"| SHA-256 of the weights | `{network.checkpoint}` |" in card
    assert f"| System | {system.name}" in card


def answered(name, command, tmp_path, capsys):
    """What a command that must answer printed, read again."""
    assert main(lines(name, tmp_path)[command]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["piers", "valve", "lamps"])
def test_evaluate_has_the_same_form_for_every_space(name, tmp_path, capsys):
    found = answered(name, "evaluate", tmp_path, capsys)["results"][0]
    episodes = system_of(name).run(network_of(name), some_workloads(name, 2, 0))
    assert found["policy"] == "untrained"
    assert found["metrics"]["cost"]["mean"] == pytest.approx(float(episodes.cost.mean()))
    assert found["metrics"]["right"]["mean"] == pytest.approx(float(episodes.metrics["right"].mean()))


def test_best_rule_and_optimum_stand_beside_others_in_the_same_form(name, tmp_path, capsys):
    word = lines(name, tmp_path)["evaluate"][1]
    assert main(("evaluate", word, "--sets", "1", "--policy", "best-rule", "--policy", "optimum", "--json")) == 0
    rule, optimum = json.loads(capsys.readouterr().out)["results"]
    assert [(one["policy"], one["mode"]) for one in (rule, optimum)] == [("best-rule", "rule"), ("optimum", "optimum")]
    for found in (rule, optimum):
        assert all({"mean", "low", "high"} <= set(found["metrics"][metric]) for metric in ("cost", *own_metrics(name)))
    assert optimum["metrics"]["cost"]["mean"] <= rule["metrics"]["cost"]["mean"] + 1e-6


def own_metrics(name):
    """The metrics of a system's spec that its runs have."""
    return () if name in FAKES else tuple(metric.name for metric in spec_of(system_of(name)).metrics)


@pytest.mark.parametrize("name", ["valve", "lamps"])
def test_rules_are_found_for_numbers_and_switches(name, tmp_path, capsys):
    found = answered(name, "distill", tmp_path, capsys)
    assert found["policy"] == "untrained"
    assert 0 <= found["fidelity"] <= 1
    assert 1 <= found["leaves"] <= 3
    assert found["output"] == system_of(name).output.kind
    assert found["rules"].strip()
    assert np.isfinite([found["cost"]["mean"], found["teacher_cost"]["mean"], found["relative"]["mean"]]).all()


def test_every_panel_that_fits_is_made_and_follows_a_knob(name):
    pytest.importorskip("dnnexplain_widgets")
    from dnnexplain_widgets import Dashboard

    system = system_of(name)
    board = Dashboard(system, network_of(name), options={"TransferPanel": {"workers": 1}})
    for key in board.fitting:
        board.show(key)
    assert {type(panel).__name__: panel.error for panel in board.panels if panel.error} == {}
    before = board.session.live
    row = drawn_states(name, 1, seed=9)[0]
    board.session.move(row)
    assert {type(panel).__name__: panel.error for panel in board.panels if panel.error} == {}
    np.testing.assert_allclose(board.session.live.decision.state.values, board.session.state.values)
    assert not np.array_equal(board.session.live.decision.outputs, before.decision.outputs)
    board.session.close()
