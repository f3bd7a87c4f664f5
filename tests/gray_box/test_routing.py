"""Routing as a gray-box problem, and the command: gradients, certificates, what is printed, what is refused."""

import json
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.cli.errors import run
from dnnexplain.cli.system_options import CommandLine
from dnnexplain.cli.worst_case import register
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box import Budget, Sampled, solve_white_box, worst_case
from dnnexplain.explain.gray_box.assemble import white_box_of
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.routing import RoutingSystem, TrafficCase, worst_demand
from dnnexplain.systems.routing.names import demands_from_json
from dnnexplain.systems.routing.problem import RoutingProblem
from tests.gray_box.routers import load_routing_policy, routing_problem
from tests.gray_box.test_components import assert_pullback

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Untrained networks for a ring, as weights files: name -> path."""
    from dnnexplain.policies import TorchPolicy
    from dnnexplain.policies.checkpoints import save
    from dnnexplain.systems.routing.networks import dote

    folder, made = tmp_path_factory.mktemp("weights"), {}
    for name, history in (("current", 0), ("history", 2)):
        system = RoutingSystem("ring-4", 2, history)
        policy = TorchPolicy(dote(system, hidden=(16,), seed=3), system)
        made[name] = str(save(folder / f"{name}.safetensors", policy, {"role": name}))
    return made


def problem(files, name, routed=None):
    system, policy = load_routing_policy(files[name], "ring-4", 2)
    return system, policy, routing_problem(system, policy, routed)


def ask(*words):
    """Run the command; its exit code."""

    def app():
        made = CommandLine(["worst-case", *words], add_completion=False, rich_markup_mode=None)
        made.callback()(lambda: None)
        register(made)
        return made

    return run(app, ["worst-case", *words])


def answer(capsys, *words):
    """The command's JSON."""
    assert ask(*words, "--json") == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["current", "history"])
@given(seed=seeds)
@settings(max_examples=8, deadline=None)
def test_every_part_pulls_back_as_central_differences_say(files, name, seed):
    _, _, made = problem(files, name)
    random = np.random.default_rng(seed)
    x = 0.1 + 0.8 * random.random((2, made.domain.size))
    network, links = made.pipeline.components
    assert_pullback(network, x, random)
    assert_pullback(links, network.output(x), random)
    flows = 0.01 + 0.1 * random.random((2, len(made.witness.scale)))
    assert_pullback(made.witness.input, flows, random)
    assert_pullback(made.witness.value, flows, random)
    both = np.concatenate([x, random.normal(size=(2, made.alternative.size))], axis=1)
    assert_pullback(made.alternative.value, both, random)


@pytest.mark.parametrize("name", ["current", "history"])
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_witnesses_and_second_splits_never_undercut_the_optimum(files, name, seed):
    _, _, made = problem(files, name)
    random = np.random.default_rng(seed)
    p = made.witness.valid(random.normal(size=(3, len(made.witness.scale))))
    x = made.witness.input.output(p)
    assert x.max() <= made.domain.high.max() * (1 + 1e-12)
    optimum = made.optimum.output(x)
    assert (made.witness.value.output(p) >= optimum * (1 - 1e-9)).all()
    w = random.normal(size=(3, made.alternative.size))
    assert (made.alternative.value.output(np.concatenate([x, w], axis=1)) >= optimum * (1 - 1e-9)).all()
    np.testing.assert_allclose(made.witness.input.output(made.witness.lift(x)), x, atol=1e-12)


def test_the_pipeline_is_the_deployed_system_to_single_precision(files):
    for name in ("current", "history"):
        _, _, made = problem(files, name)
        x = made.domain.mixed(20, np.random.default_rng(0))
        np.testing.assert_allclose(made.pipeline.value(x), made.deployed(x), rtol=1e-5)


def test_the_exact_inner_maximum_is_the_oblivious_ratio_of_the_splits(files):
    system, policy, made = problem(files, "history")
    x = made.domain.mixed(1, np.random.default_rng(4))[0]
    best = max(made.certify(made.inner.maximise(x, link))[2] for link in range(len(system.topology.links)))
    splits = policy.outputs(x[made.inner.outer].reshape(1, 2, -1))[0]
    assert best == pytest.approx(worst_demand(system.paths, splits).upper, rel=1e-6)


def test_the_command_prints_a_case_that_anyone_can_check(files, capsys):
    told = answer(
        capsys, "routing", "--policy", files["current"], "--topology", "ring-4", "--paths", "2", "--budget", "1"
    )
    system, policy = load_routing_policy(files["current"], "ring-4", 2)
    demands = demands_from_json(system.paths, told["input"]["demands"], "demands", system.cap)
    ratio = system.run(policy, [TrafficCase(demands, np.zeros((0, 12)))]).metrics["MLU over optimum"][0]
    assert told["lower"] * (1 - 1e-9) <= ratio <= told["upper"] * (1 + 1e-9)
    assert told["lower"] <= told["ratio"] <= told["upper"]
    assert told["ratio"] > 1.1
    assert told["cpu_seconds"] < 5
    assert told["method"] == "gray-box"


def test_with_a_history_both_are_searched_or_the_history_alone(files, capsys):
    shared = ("routing", "--policy", files["history"], "--topology", "ring-4", "--paths", "2", "--budget", "0.7")
    both, alone = answer(capsys, *shared), answer(capsys, *shared, "--history-only")
    assert both["ratio"] > alone["ratio"] >= 1
    assert len(both["input"]["history"]) == len(alone["input"]["history"]) == 2
    system, policy = load_routing_policy(files["history"], "ring-4", 2)
    history = [demands_from_json(system.paths, row, "history", system.cap) for row in alone["input"]["history"]]
    routed = demands_from_json(system.paths, alone["input"]["demands"], "demands", system.cap)
    ratio = system.run(policy, [TrafficCase(routed, np.array(history))]).metrics["MLU over optimum"][0]
    assert alone["lower"] * (1 - 1e-9) <= ratio <= alone["upper"] * (1 + 1e-9)


def test_a_case_is_written_and_resumed(files, capsys, tmp_path):
    case = str(tmp_path / "case.json")
    shared = ("routing", "--policy", files["current"], "--topology", "ring-4", "--paths", "2")
    first = answer(capsys, *shared, "--budget", "0.5", "--out", case)
    again = answer(capsys, *shared, "--budget", "0.2", "--method", "random", "--resume", case)
    assert again["ratio"] >= first["ratio"] * (1 - 1e-9)
    assert again["cpu_seconds"] > first["cpu_seconds"]
    assert ask(*shared, "--budget", "0.2", "--method", "random") == 0
    assert "times the optimum" in capsys.readouterr().out


def test_the_box_around_a_case_is_reported(capsys, monkeypatch):
    from functools import partial

    from dnnexplain.explain.gray_box import box

    monkeypatch.setattr(box, "gap_box", partial(box.gap_box, moves=24, samples=16, checks=64))
    told = answer(
        capsys,
        "routing",
        "--policy",
        "shortest-path",
        "--topology",
        "ring-4",
        "--paths",
        "2",
        "--budget",
        "0.3",
        "--box",
    )
    assert told["box"]["threshold"] < told["ratio"]
    assert told["box"]["share"] > 0.5
    assert len(told["box"]["low"]) == 12


def test_restarts_keep_the_best_of_their_seeds(files, capsys, monkeypatch):
    from dnnexplain import parallel

    monkeypatch.setattr(parallel, "worker_count", lambda jobs=None: 1)
    shared = ("routing", "--policy", files["current"], "--topology", "ring-4", "--paths", "2", "--budget", "0.3")
    told = answer(capsys, *shared, "--restarts", "2", "--seed", "5")
    assert told["seed"] in {5, 6}


def test_the_white_box_program_reports_a_bound_on_its_stand_in(files, capsys):
    told = answer(
        capsys, "routing", "--policy", files["current"], "--topology", "ring-4", "--paths", "2",
        "--budget", "1", "--method", "white-box",
    )  # fmt: skip
    assert told["stand_in"]["bound"] >= told["stand_in"]["ratio"] > 1
    assert told["lower"] == told["ratio"] > 1
    assert told["cpu_seconds"] < 15


def test_the_stand_in_is_exact_about_itself(files):
    system, policy, _ = problem(files, "current")
    fitted = system.stand_in(policy)
    box, error = white_box_of(fitted), fitted.error
    assert error < 0.2
    x = np.random.default_rng(0).integers(0, 2, (20, 12)) * system.cap
    optimum = system.oracle.mlu(x)
    np.testing.assert_allclose(box.ratio(x), box.pieces(x).max(axis=1) / np.where(optimum > 0, optimum, 1), atol=1e-9)
    assert solve_white_box(box, cpu_seconds=0.5).bound >= box.ratio(x).max() * (1 - 1e-6)


def test_a_rule_is_searched_as_a_black_box():
    system, policy = load_routing_policy("ecmp", "ring-4", 2)
    found = worst_case(routing_problem(system, policy), budget=Budget(60, 120))
    assert found.ratio == pytest.approx(worst_demand(system.paths, policy.outputs(np.ones((1, 12)))[0]).upper, rel=0.02)


def test_job_sets_are_searched_through_sampled_components(capsys):
    told = answer(capsys, "deeprm", "--policy", "packer", "--jobs", "5", "--slots", "3", "--budget", "0.7")
    world = DeepRM(slots=3)
    jobs = world.workload_from_json(told["input"])
    assert len(jobs) == 5
    cost, optimum = world.run(world.rules()["packer"], [jobs]).cost[0], world.bound(jobs, seconds=5)
    assert optimum.status == "optimal"
    assert told["lower"] * (1 - 1e-9) <= cost / optimum.upper <= told["upper"] * (1 + 1e-9)
    assert told["ratio"] > 1.1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("routing", "--policy", "dote-curent"), "Did you mean 'dote-current'"),
        (("routing", "--method", "greybox"), "Did you mean 'gray-box'"),
        (("routing", "--policy", "ecmp", "--budget", "-1"), "--budget must be above 0"),
        (("routing", "--policy", "ecmp", "--budget", "nan"), "--budget must be a finite number, not nan"),
        (("routing", "--policy", "ecmp", "--history-only"), "no history to attack"),
        (("routing", "--policy", "ecmp", "--topology", "atlantis"), "no topology 'atlantis'"),
        (("deeprm", "--method", "white-box"), "no piecewise-linear stand-in"),
        (("routing", "--policy", "ecmp", "--restarts", "0"), "at least 1"),
        (("routing", "--policy", "ecmp", "--method", "exact-inner", "--budget", "1"), "maximised exactly"),
        (("routing", "--policy", "ecmp", "--resume", "missing.json"), "missing.json"),
        (("routing", "--policy", "ecmp", "--out", "/nowhere/case.json"), "/nowhere"),
        (("abr", "--method", "white-box"), "no piecewise-linear stand-in"),
        (("abr", "--method", "simulated-annealing"), "needs a cost that is a ratio scale"),
        (("abr", "--least", "9"), "below the most"),
        (("nowhere",), "nowhere"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(words, message, capsys):
    assert ask(*words) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not told.out


def test_a_policy_that_sees_the_matrix_has_no_history(files):
    system, policy, _ = problem(files, "current")
    with pytest.raises(DnnExplainError, match="no history to attack"):
        RoutingProblem(system, policy, np.ones(12))


def test_the_shipped_router_is_found_out_through_a_sampled_twin_too():
    """The network as a black box, differentiated by random signs: no autodiff, and still at least 3.2."""
    system, policy = load_routing_policy("dote-current", "abilene")
    made = routing_problem(system, policy)

    def twin(part):
        return Sampled(part, samples=24, radius=0.01 * system.cap, low=0.0, high=system.cap, name=part.name)

    blind = replace(made, pipeline=made.pipeline.replace("network", twin))
    enough = Event()

    def stop_when_found(state):
        if state.best >= 3.25:
            enough.set()

    found = worst_case(blind, budget=Budget(10.0), seed=0, cancel=enough, progress=stop_when_found)
    assert found.lower >= 3.2
    demands = np.asarray(found.x)
    ratio = system.run(policy, [TrafficCase(demands, np.zeros((0, len(demands))))]).metrics["MLU over optimum"][0]
    assert ratio == pytest.approx(found.lower, rel=1e-6)
