"""What the file of an agent leaves to classes that it does not hold, and how its numbers become actions."""

import io
import zipfile

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_any
from tests.deeprm.test_sb3 import agent
from tests.policies.test_sb3_kinds import CHOICE, RATES, gaussian, layer, run, squash

SEEN = RATES.encode(np.random.default_rng(0).uniform(-1, 1, (6, 4)))


def actor_critic(outputs=2):
    held = {}
    layer(held, "mlp_extractor.policy_net.0", 6, 4)
    layer(held, "mlp_extractor.value_net.0", 6, 4)
    layer(held, "action_net", outputs, 6)
    layer(held, "value_net", 1, 6)
    return held


def scores(held, activation=torch.tanh, seen=SEEN):
    hidden = activation(run(held, "mlp_extractor.policy_net.0", torch.from_numpy(seen)))
    return run(held, "action_net", hidden)


def same(policy, expected):
    np.testing.assert_allclose(policy.outputs(SEEN), expected.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("squashed", [False, True])
def test_an_actor_critic_ends_in_a_tanh_if_its_options_say_so(tmp_path, squashed):
    held = actor_critic()
    path = agent(tmp_path / "agent.zip", held, squash_output=squashed, use_sde=squashed)
    with torch.no_grad():
        same(load_any(path, RATES), squash(scores(held)) if squashed else scores(held))


def test_the_mean_of_a_gaussian_that_explores_by_its_state_is_cut_before_the_tanh(tmp_path):
    _, module, held, _ = gaussian()
    for name in ("weight", "bias"):
        held[f"actor.mu.0.{name}"] = held.pop(f"actor.mu.{name}")
        del held[f"actor.log_std.{name}"]
    held["actor.log_std"] = torch.zeros(5, 2)
    path = agent(tmp_path / "agent.zip", held, module=module, use_sde=True, clip_mean=0.1)
    with torch.no_grad():
        hidden = run(held, "actor.latent_pi.0", torch.from_numpy(SEEN)).relu()
        mean = run(held, "actor.mu.0", run(held, "actor.latent_pi.2", hidden).relu())
        assert (mean.abs() > 0.1).any()  # or the cut is not tested
        same(load_any(path, RATES), squash(mean.clamp(-0.1, 0.1)))


def test_such_a_mean_is_cut_also_where_nothing_is_hidden(tmp_path):
    held = {"actor.log_std": torch.zeros(4, 2)}
    layer(held, "actor.mu.0", 2, 4)
    path = agent(tmp_path / "agent.zip", held, module="stable_baselines3.sac.policies", use_sde=True, clip_mean=0.1)
    with torch.no_grad():
        mean = run(held, "actor.mu.0", torch.from_numpy(SEEN))
        assert (mean.abs() > 0.1).any()
        same(load_any(path, RATES), squash(mean.clamp(-0.1, 0.1)))
        agent(path, held, module="stable_baselines3.sac.policies", use_sde=True, clip_mean=None)  # 2 is usual
        same(load_any(path, RATES), squash(mean.clamp(-2, 2)))


def test_a_module_with_ars_in_its_name_is_no_random_search(tmp_path):
    held = actor_critic()
    with torch.no_grad():
        same(load_any(agent(tmp_path / "agent.zip", held, module="cars.policies"), RATES), scores(held))


@pytest.mark.parametrize("kind", ["ARSPolicy", "ARSLinearPolicy"])
def test_random_search_squashes_as_its_kind_does(tmp_path, kind):
    held = {}
    layer(held, "action_net.0", 2, 4, bias=False)
    path = agent(tmp_path / "agent.zip", held, module="sb3_contrib.ars.policies")
    said = path.read_bytes()
    wanted = f'"__init__": "<function {kind}.__init__ at 0x7f>", "__module__": "sb3_contrib.ars.policies"'
    repack(path, said, '"__module__": "sb3_contrib.ars.policies"', wanted)
    with torch.no_grad():
        value = run(held, "action_net.0", torch.from_numpy(SEEN))
        same(load_any(path, RATES), value if "Linear" in kind else squash(value))


def repack(path, data, old, new):
    """Replace a piece of the text that an agent's file says of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members["data"].decode()
    members["data"] = members["data"].decode().replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)


def test_what_is_before_the_layers_must_be_in_the_file(tmp_path):
    path = agent(tmp_path / "agent.zip", actor_critic(3), features_extractor_class="<class 'farm.nets.Divided'>")
    with pytest.raises(DnnExplainError, match=r"features extractor of its author's \(farm\.nets\.Divided\).*module="):
        load_any(path, CHOICE)
    usual = "<class 'stable_baselines3.common.torch_layers.FlattenExtractor'>"
    assert not load_any(agent(path, actor_critic(3), features_extractor_class=usual), CHOICE).assumed


def test_a_policy_of_the_author_s_is_said(tmp_path):
    policy = load_any(agent(tmp_path / "agent.zip", actor_critic(3), module="farm.policies"), CHOICE)
    assert any("a class of its author's (farm.policies)" in sentence for sentence in policy.assumed)


ACTIVATIONS = ("<class 'farm.nets.Mish2'>", "<class 'farm.nets.Tanh'>", "<function <lambda> at 0x7f3b>",
               "functools.partial(<class 'torch.nn.modules.activation.LeakyReLU'>, 0.5)")  # fmt: skip


@pytest.mark.parametrize("said", ACTIVATIONS)
def test_an_activation_that_only_its_author_knows_is_asked_for(tmp_path, said):
    held = actor_critic(3)
    path = agent(tmp_path / "agent.zip", held, activation_fn=said)
    with pytest.raises(DnnExplainError) as refused:
        load_any(path, CHOICE)
    assert said in str(refused.value)
    assert "--activation" in str(refused.value)
    with torch.no_grad():
        same(load_any(path, CHOICE, activation="softsign"), scores(held, F.softsign))
