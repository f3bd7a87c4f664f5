"""Statistics that normalised observations are part of a policy: read without running anything, said in its card."""

import json
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load, load_any, model_card, save
from dnnexplain.policies.normalizing import read_statistics
from dnnexplain.systems import GymSystem

WORLD = GymSystem("CartPole-v1")
MEAN, VAR = np.array([0.5, -1, 2, 0]), np.array([4.0, 0.25, 1, 9])


class _Thing:
    def __init__(self, **state):
        self.__dict__.update(state)


def vec_normalize(folder, **more):
    """What ``VecNormalize.save`` writes: itself, with its statistics, its spaces and a random generator."""
    names = {"stable_baselines3.common.vec_env.vec_normalize": "VecNormalize",
             "stable_baselines3.common.running_mean_std": "RunningMeanStd"}  # fmt: skip
    made = {}
    parents = {name.rsplit(".", cut)[0] for name in names for cut in range(4)}
    before = {name: sys.modules.get(name) for name in parents}
    for module in parents:
        sys.modules[module] = types.ModuleType(module)
    for module, name in names.items():
        made[name] = type(name, (_Thing,), {"__module__": module})
        setattr(sys.modules[module], name, made[name])
    rms = made["RunningMeanStd"](mean=MEAN, var=VAR, count=21.0001)
    whole = made["VecNormalize"](
        **{"obs_rms": rms, "ret_rms": rms, "clip_obs": 2.0, "epsilon": 1e-8, "norm_obs": True,
           "observation_space": WORLD.env.observation_space, "old_obs": np.zeros((1, 4)),
           "rng": np.random.default_rng(0), "flags": np.array([True, False]), **more}
    )  # fmt: skip
    path = folder / "vecnormalize.pkl"
    path.write_bytes(pickle.dumps(whole))
    for name, old in before.items():
        sys.modules.pop(name) if old is None else sys.modules.update({name: old})
    return path


def network(folder):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    torch.save(module.state_dict(), folder / "net.pt")
    return module, folder / "net.pt"


def test_the_network_sees_what_it_saw_in_training(tmp_path):
    module, path = network(tmp_path)
    policy = load_any(path, WORLD, normalize=vec_normalize(tmp_path), activation="relu")
    seen = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32) * 4
    with torch.no_grad():
        expected = module(torch.from_numpy(np.clip((seen - MEAN) / np.sqrt(VAR + 1e-8), -2, 2)).float()).numpy()
    np.testing.assert_allclose(policy.outputs(seen), expected, rtol=1e-5, atol=1e-5)
    assert "normalised by the mean and variance in vecnormalize.pkl, cut at 2" in policy.note
    kept = load(save(tmp_path / "kept.safetensors", policy), WORLD)
    np.testing.assert_allclose(kept.outputs(seen), expected, rtol=1e-5, atol=1e-5)
    assert "| Observations | observations are normalised by the mean" in model_card(kept.metadata, "mine")


@pytest.mark.parametrize("ending", ["npz", "json"])
def test_statistics_come_as_arrays_or_json_too(tmp_path, ending):
    path = tmp_path / f"seen.{ending}"
    if ending == "npz":
        np.savez(path, mean=MEAN, var=VAR, clip=np.inf)
    else:
        path.write_text(json.dumps({"mean": MEAN.tolist(), "var": VAR.tolist(), "clip": 0}))
    told = read_statistics(path)
    np.testing.assert_array_equal(told["var"], VAR)
    assert told["clip"] == 0


def test_what_is_no_statistics_is_told_and_never_run(tmp_path):
    class Poison:
        def __reduce__(self):
            return (sys.exit, (3,))

    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps({"obs_rms": Poison()}))
    with pytest.raises(DnnExplainError, match="holds a dict, not a VecNormalize"):
        read_statistics(path)
    path.write_bytes(vec_normalize(tmp_path).read_bytes()[:200])
    with pytest.raises(DnnExplainError, match="truncated or damaged"):
        read_statistics(path)
    with pytest.raises(DnnExplainError, match=r"left observations as they are \(norm_obs=False\)"):
        read_statistics(vec_normalize(tmp_path, norm_obs=False))
    (tmp_path / "few.json").write_text('{"mean": [0], "var": [1]}')
    with pytest.raises(DnnExplainError, match=r"statistics of 1 number, CartPole-v1 shows 4"):
        load_any(network(tmp_path)[1], WORLD, normalize=tmp_path / "few.json", activation="relu")
    (tmp_path / "few.json").write_text('{"mean": [0, 1, 2, 3], "var": [1, 1, -1, 1]}')
    with pytest.raises(DnnExplainError, match="var none below 0"):
        read_statistics(tmp_path / "few.json")
