"""Agents of stable-baselines3: files as it writes them, read without it; their scale is part of the policy."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load_any, save
from dnnexplain.systems import make_system
from tests.fakes import FakeChoice

SYSTEM = make_system("deeprm", slots=5)
CELLS = 20 * 124


def weights(*, quality=False, hidden=8):
    """A state dict with the names that the package gives."""
    torch.manual_seed(0)
    first, last, value = nn.Linear(CELLS, hidden), nn.Linear(hidden, 6), nn.Linear(hidden, 1)
    if quality:
        parts = {
            "q_net.q_net.0": first,
            "q_net.q_net.2": last,
            "q_net_target.q_net.0": first,
            "q_net_target.q_net.2": last,
        }
    else:
        parts = {"mlp_extractor.policy_net.0": first, "mlp_extractor.value_net.0": first, "action_net": last}
        parts["value_net"] = value
    return {f"{name}.{kind}": value for name, layer in parts.items() for kind, value in layer.state_dict().items()}


def agent(path, state, *, module="stable_baselines3.common.policies", high=40, dtype=None, **kwargs):
    """A ``.zip`` as the package writes it: readable copies beside pickles, which here are poison."""
    poison = base64.b64encode(b"cos\nsystem\n(S'exit 1'\ntR.").decode()
    said = {
        "policy_class": {":type:": "<class 'abc.ABCMeta'>", ":serialized:": poison, "__module__": module},
        "policy_kwargs": {":type:": "<class 'dict'>", ":serialized:": poison, **kwargs} if kwargs else {},
        "observation_space": {":serialized:": poison, "high": f"[[{high} {high} ... {high}]\n [{high} ... {high}]]"},
    }
    if dtype is not None:
        said["observation_space"]["dtype"] = dtype
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(said))
        archive.writestr("policy.pth", buffer.getvalue())
        archive.writestr("_stable_baselines3_version", "2.7.0")
    return path


def bytes_of(count=30):
    return np.random.default_rng(0).choice([0, 40], (count, 20, 124), p=[0.9, 0.1]).astype(np.uint8)


def by_hand(state, activation, factor):
    names = [n[:-7] for n in state if n.endswith("weight") and "value" not in n and "target" not in n]
    with torch.no_grad():
        x = torch.from_numpy(bytes_of()).flatten(1).float() * factor
        for place, name in enumerate(names):
            x = nn.functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])
            x = activation(x) if place < len(names) - 1 else x
    return x.numpy()


CASES = {
    "actor-critic": ({}, {}, torch.tanh),
    "elu": ({}, {"activation_fn": "<class 'torch.nn.modules.activation.ELU'>"}, nn.functional.elu),
    "dqn": ({"quality": True}, {"module": "stable_baselines3.dqn.policies"}, torch.relu),
    "maskable": ({}, {"module": "sb3_contrib.common.maskable.policies"}, torch.tanh),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("high", [40, 1.0])
def test_an_agent_decides_as_it_was_trained(tmp_path, case, high):
    sizes, told, activation = CASES[case]
    state = weights(**sizes)
    policy = load_any(agent(tmp_path / "agent.zip", state, high=high, **told), SYSTEM)
    seen = bytes_of() * np.float32(SYSTEM.byte_scale)
    expected = by_hand(state, activation, 1.0 if high == 40 else SYSTEM.byte_scale)
    np.testing.assert_allclose(policy.outputs(seen), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(policy.outputs_of_bytes(bytes_of(), SYSTEM.byte_scale), expected, rtol=1e-4, atol=1e-4)
    assert policy.assumed == ()
    assert f"observations from 0 to {high:g}" in policy.note
    assert policy.masked == (case == "maskable")
    again = load_any(save(tmp_path / "kept.safetensors", policy), SYSTEM)
    np.testing.assert_allclose(again.outputs(seen), expected, rtol=1e-4, atol=1e-4)
    assert again.masked == policy.masked


def test_bare_weights_say_what_was_assumed_and_take_it_told(tmp_path):
    torch.save(weights(), tmp_path / "policy.pth")
    guessed = load_any(tmp_path / "policy.pth", SYSTEM)
    assert "tanh, stable-baselines3's default, was assumed" in guessed.assumed[0]
    assert "numbers from 0 to 1 were assumed" in guessed.assumed[1]
    told = load_any(tmp_path / "policy.pth", SYSTEM, activation="tanh", scale="bytes")
    assert told.assumed == ()
    seen = bytes_of() * np.float32(SYSTEM.byte_scale)
    np.testing.assert_allclose(told.outputs(seen), by_hand(weights(), torch.tanh, 1.0), rtol=1e-4, atol=1e-4)
    with pytest.raises(DnnExplainError, match=r"no scale of observations 'byte'.*Did you mean 'bytes'"):
        load_any(tmp_path / "policy.pth", SYSTEM, scale="byte")
    torch.save(nn.Linear(35, 3).state_dict(), tmp_path / "net.pt")
    with pytest.raises(DnnExplainError, match="shows no bytes"):
        load_any(tmp_path / "net.pt", FakeChoice(), scale="bytes")


class Part(nn.Linear):
    """As a part of an agent in memory is: its class is the package's."""

    __module__ = "stable_baselines3.common.torch_layers"


def test_an_agent_in_memory_is_told_how_to_come_and_its_parts_tell_what_is_assumed():
    whole = Part(CELLS, 6)
    whole.observation_space = None
    for thing in (whole, type("PPO", (), {"__module__": "stable_baselines3.ppo.ppo"})()):
        with pytest.raises(DnnExplainError, match=r"actions, not scores; save it .* load_any\('agent.zip', system\)"):
            TorchPolicy(thing, SYSTEM)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), Part(CELLS, 6))
    guessed = TorchPolicy(module, SYSTEM)
    assert "numbers from 0 to 1 were assumed" in guessed.assumed[0]
    assert "scale='bytes'" in guessed.note
    told = TorchPolicy(module, SYSTEM, scale="bytes")
    assert told.assumed == ()
    seen = bytes_of() * np.float32(SYSTEM.byte_scale)
    with torch.no_grad():
        expected = module(torch.from_numpy(bytes_of()).float()).numpy()
    np.testing.assert_allclose(told.outputs(seen), expected, rtol=1e-4, atol=1e-4)
    assert not np.allclose(guessed.outputs(seen), expected, atol=1e-2)


def test_foreign_agents_are_told(tmp_path):
    odd = weights() | {"features_extractor.cnn.0.weight": torch.zeros(8, 1, 8, 8)}
    with pytest.raises(DnnExplainError, match=r"the MlpPolicy, .*this agent has more \(features_extractor.cnn.0\)"):
        load_any(agent(tmp_path / "cnn.zip", odd), SYSTEM)
    with pytest.raises(DnnExplainError, match=r"saw numbers up to 255, deeprm shows 0 to 1"):
        load_any(agent(tmp_path / "other.zip", weights(), high=255), SYSTEM)
    with pytest.raises(DnnExplainError, match=r"is <class 'mine.MyOwn'>, which is none of the activations"):
        load_any(agent(tmp_path / "own.zip", weights(), activation_fn="<class 'mine.MyOwn'>"), SYSTEM)


def test_damaged_agents_are_told(tmp_path):
    path = agent(tmp_path / "agent.zip", weights(hidden=2))
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for number in range(40):
        changed = bytearray(data[: rng.integers(4, len(data))] if number % 4 == 0 else data)
        for place in rng.integers(0, len(changed), 3) if number % 4 else ():
            changed[place] ^= 0x41
        path.write_bytes(changed)
        try:
            load_any(path, SYSTEM)
        except DnnExplainError as error:
            assert len(str(error)) < 1000  # noqa: PT017 - a change may also fall where nothing is


def test_the_compact_form_is_named(tmp_path):
    compact = nn.Sequential(nn.Linear(76, 8), nn.ReLU(), nn.Linear(8, 6))
    torch.save(compact.state_dict(), tmp_path / "net.pt")
    with pytest.raises(DnnExplainError, match=r"takes 76 numbers: that is DeepRM's compact form.*it is not offered"):
        load_any(tmp_path / "net.pt", SYSTEM)
