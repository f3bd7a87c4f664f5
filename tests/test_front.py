"""``import dnnexplain as dx``: the common path in one call each, by names or objects; every example runs."""

import inspect
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import dnnexplain as dx
from dnnexplain import front
from dnnexplain.contract import DnnExplainError, State
from dnnexplain.front import state_met
from dnnexplain.policies import TorchPolicy, named_policy
from dnnexplain.systems import GymSystem, make_system
from tests.fakes import FakeChoice, linear_network


@pytest.mark.parametrize("name", dx.FRONT)
def test_the_example_of_a_docstring_runs(name):
    told = inspect.getdoc(getattr(front, name))
    code = textwrap.dedent(re.search(r"Example::\n\n(.*)", told, re.DOTALL)[1])
    assert f"dx.{name}" in code
    exec(compile(code, name, "exec"), {})


def test_explain_is_a_package_and_a_function():
    code = (
        "import dnnexplain.explain, dnnexplain as dx\n"
        "from dnnexplain.explain import attribute\n"
        "assert callable(dx.explain) and dx.explain.attribute is attribute\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"explain", "probe", "report"} <= set(dir(dx))
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = dx.explian


def test_names_and_objects_and_modules_give_the_same_answer():
    system = FakeChoice()
    module = linear_network(system)
    network = TorchPolicy(module, system)
    by_policy = dx.explain(system, network, {"left queue": 2, "right queue": 1})
    by_state = dx.explain(system, module, State(np.array([2.0, 1.0])), method="integrated-gradients")
    np.testing.assert_array_equal(by_policy.map, by_state.map)
    assert by_policy.method == "integrated-gradients"


def test_without_a_state_it_is_one_of_the_policy_s_own_with_a_choice():
    system = FakeChoice()
    found = dx.explain(system, linear_network(system))
    seen = system.encode(found.decision.state.values[None], found.decision.state.background)
    assert system.valid_actions(seen).sum() > 1
    assert dx.explain(system, linear_network(system)).close_to(found)


def test_a_report_is_a_page_of_its_results(tmp_path):
    system = FakeChoice()
    page = dx.report(system, linear_network(system), {"left queue": 2, "right queue": 1}, out=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("<svg") == len(page.results) == 3
    assert not re.search(r"(src|href)=", text)
    assert page.results[0].sentence() in repr(page)


def test_what_is_no_policy_or_state_is_refused_in_words():
    with pytest.raises(DnnExplainError, match=r"a policy is a name, a file, a torch\.nn\.Module"):
        dx.explain(FakeChoice(), 5)
    with pytest.raises(DnnExplainError, match="a state is a State, values by name"):
        dx.explain(FakeChoice(), linear_network(FakeChoice()), 5)
    with pytest.raises(DnnExplainError, match="there is no system 'deeprn'"):
        dx.explain("deeprn")


def test_from_a_bare_environment_to_an_explanation():
    import torch

    torch.manual_seed(0)
    world = GymSystem("CartPole-v1", knobs=("position", "speed", "angle", "turning"), actions=("left", "right"))
    network = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    assert "angle" in dx.explain(world, network).groups


def test_a_property_goes_by_name_expression_file_or_as_it_is(tmp_path):
    world = GymSystem("CartPole-v1", knobs=("position", "speed", "angle", "turning"), actions=("left", "right"))
    network, state = linear_network(world), {"angle": 0.1}
    always = dx.prove(world, network, "not (angle > 0.2 and out.left > out.right)")
    assert always.verdict in {"holds", "fails", "open"}
    robust = dx.prove(world, network, state=state, within=1)
    assert robust.claim.name == "robust"
    again = dx.prove(world, network, robust.claim)
    assert (again.verdict, again.bound) == (robust.verdict, pytest.approx(robust.bound))
    assert len(robust.table()) == len(robust.cases)
    assert "<svg" in robust._repr_mimebundle_()["text/html"]
    with pytest.raises(DnnExplainError, match="there is no property 'robst'"):
        dx.prove(world, network, "robst")


def test_without_a_state_robust_is_asked_where_the_policy_goes():
    system = FakeChoice()
    assert dx.prove(system, linear_network(system)).claim.name == "robust"


def test_without_a_state_a_rate_is_explained_where_something_small_moves_it():
    """At a bound every map is zero: the state is one in which the rate is off both."""
    world = make_system("cellular")
    network = named_policy(world, "default")
    state = state_met(world, network)
    assert 0 < network.outputs(world.encode(state.values[None], state.background))[0, 0] < 1


def test_an_environment_and_an_own_system_go_by_their_names():
    assert dx.explain("CartPole-v1", "untrained").question.system == "CartPole-v1"
    assert "input 1" in dx.probe("CartPole-v1", "untrained", by="input 1").sentence()
    assert "left" in dx.explain("tests.fakes:FakeChoice", linear_network(FakeChoice())).groups
    assert dx.explain("gymnasium.envs.classic_control:AcrobotEnv", "untrained").groups
    for word, said in (
        ("json:JSONDecoder", "which is no system"),
        ("json:dumps", r"json:dumps\(\) ended with TypeError"),
    ):
        with pytest.raises(DnnExplainError, match=said):
            dx.explain(word, "untrained")
    with pytest.raises(DnnExplainError, match=r"The environment of gymnasium is called CartPole-v1"):
        dx.distill("cartpole")
    with pytest.raises(DnnExplainError, match="no network is shipped for CartPole-v1"):
        dx.stress("CartPole-v1")
