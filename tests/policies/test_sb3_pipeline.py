"""What stands between an environment and an agent: stacked observations, normalisation, pictures, several choices."""

import itertools
import json
import zipfile

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load, load_any, save
from dnnexplain.systems import GymSystem
from tests.deeprm.test_sb3 import agent
from tests.policies.test_sb3_kinds import Plain, layer, run


class Counting(gymnasium.Env):
    """Shows its own step, three times; several choices at once pay by their parts."""

    observation_space = spaces.Box(-9, 99, (3,))
    action_space = spaces.MultiDiscrete([3, 2])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self.at = 5
        return self._seen(), {}

    def _seen(self):
        return np.array([self.at, -self.at, 1], dtype=np.float32)

    def step(self, action):
        self.at += 1
        return self._seen(), float(10 * action[0] + action[1]), False, self.at > 8, {}

    def action_masks(self):
        return np.array([True, False, True, True, self.at != 6])


def critic(inputs, outputs):
    held = {}
    layer(held, "mlp_extractor.policy_net.0", 5, inputs)
    layer(held, "action_net", outputs, 5)
    return held


def scores(held, seen):
    return run(held, "action_net", run(held, "mlp_extractor.policy_net.0", torch.as_tensor(seen).float()).tanh())


def written(path, held, **said):
    """An agent's file whose ``data`` says more; ``**said`` by the name of its part."""
    agent(path, held)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(members["data"])
    for name, part in said.items():
        data[name] = {**data.get(name, {}), **part} if isinstance(part, dict) else part
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "data": json.dumps(data)}.items():
            archive.writestr(name, content)
    return path


def test_stacked_observations_are_laid_out_as_they_were_in_training(tmp_path):
    world = GymSystem(Counting, frames=3, knobs=("step", "minus", "one"))
    assert [knob.name for knob in world.knobs][::3] == ["step, 2 before", "step, 1 before", "step"]
    seen, _ = world.env.reset()
    assert seen.tolist() == [0, 0, 0, 0, 0, 0, 5, -5, 1]
    seen = world.env.step(np.array([0, 0]))[0]
    assert seen.tolist() == [0, 0, 0, 5, -5, 1, 6, -6, 1]
    held = critic(9, 5)
    path = written(tmp_path / "a.zip", held, observation_space={"_shape": [9], "dtype": "float32"})
    policy = load_any(path, world)
    assert "last 3 observations" in policy.note
    assert "last 3 observations" in policy.metadata["observations"]
    parts = scores(held, seen[None]).numpy()[0]
    expected = [parts[a] + parts[3 + b] for a, b in itertools.product(range(3), range(2))]
    np.testing.assert_allclose(policy.outputs(seen[None])[0], expected, rtol=1e-5)
    twin = load(save(tmp_path / "again.safetensors", policy), world)
    np.testing.assert_allclose(twin.outputs(seen[None]), policy.outputs(seen[None]))


def test_pictures_are_stacked_along_their_channels():
    picture = spaces.Box(0, 255, (12, 14, 1), np.uint8)
    first = spaces.Box(0, 255, (1, 12, 14), np.uint8)
    assert GymSystem(Plain(picture, spaces.Discrete(2)), frames=4).observation_shape == (12, 14, 4)
    assert GymSystem(Plain(first, spaces.Discrete(2)), frames=4).observation_shape == (4, 12, 14)


@pytest.mark.parametrize("frames", [1, 2])
def test_an_agent_of_stacked_observations_is_told_how_to_make_its_system(tmp_path, frames):
    path = written(tmp_path / "a.zip", critic(9, 5), observation_space={"_shape": [9], "dtype": "float32"})
    world = GymSystem(Counting, frames=frames)
    with pytest.raises(DnnExplainError, match=r"9 numbers.*3 observations at a time.*GymSystem\(env, frames=3\)"):
        load_any(path, world)
    module = torch.nn.Sequential(torch.nn.Linear(9, 5), torch.nn.ReLU(), torch.nn.Linear(5, 6))
    with pytest.raises(DnnExplainError, match=r"frames=3"):
        TorchPolicy(module, world)


def test_what_cannot_be_stacked_is_refused():
    with pytest.raises(DnnExplainError, match=r"frames=2.*Discrete.*FlattenObservation"):
        GymSystem(Plain(spaces.Discrete(3), spaces.Discrete(2)), frames=2)
    with pytest.raises(DnnExplainError, match="frames of GymSystem is a whole number from 1 to 256, not 0"):
        GymSystem(Counting, frames=0)


def test_an_agent_behind_statistics_is_never_read_without_them(tmp_path):
    world, held = GymSystem(Counting), critic(3, 5)
    path = written(tmp_path / "a.zip", held, _last_original_obs={":type:": "<class 'numpy.ndarray'>"})
    with pytest.raises(DnnExplainError, match=r"behind VecNormalize.*normalize='vecnormalize\.pkl'.*normalize='none'"):
        load_any(path, world)
    seen = np.array([[3.0, 1.0, -2.0]], dtype=np.float32)
    plain = load_any(path, world, normalize="none").outputs(seen)
    (tmp_path / "s.json").write_text('{"mean": [1, 2, 0], "var": [4, 1, 9], "epsilon": 0}')
    policy = load_any(path, world, normalize=tmp_path / "s.json")
    assert not np.allclose(policy.outputs(seen), plain)
    moved = (seen - [1, 2, 0]) / [2, 1, 3]
    np.testing.assert_allclose(policy.outputs(moved * [2, 1, 3] + [1, 2, 0]), policy.outputs(seen), rtol=1e-5)
    np.testing.assert_allclose(policy.outputs(seen)[0, 0], np.sum(scores(held, moved).numpy()[0, [0, 3]]), rtol=1e-5)


def test_observations_that_were_normalised_before_they_were_stacked(tmp_path):
    world, held = GymSystem(Counting, frames=2), critic(6, 5)
    path = written(tmp_path / "a.zip", held, _last_original_obs={}, observation_space={"_shape": [6]})
    (tmp_path / "s.json").write_text('{"mean": [1, 2, 0], "var": [4, 1, 9], "epsilon": 0, "clip": 1.5}')
    policy = load_any(path, world, normalize=tmp_path / "s.json")
    seen = np.array([[0, 0, 0, 3, 1, -2], [9, 4, 3, 0, 0, 0.5]], dtype=np.float32)
    each = np.clip((seen.reshape(2, 2, 3) - [1, 2, 0]) / [2, 1, 3], -1.5, 1.5)
    each[0, 0] = 0  # before the episode began
    np.testing.assert_allclose(
        policy.outputs(seen)[:, 0], scores(held, each.reshape(2, 6)).numpy()[:, [0, 3]].sum(1), rtol=1e-5
    )
    assert "each of the 2 observations is normalised" in policy.note
    twin = load(save(tmp_path / "again.safetensors", policy), world)
    np.testing.assert_allclose(twin.outputs(seen), policy.outputs(seen))


def test_dense_layers_see_pictures_as_the_package_gives_them(tmp_path):
    world = GymSystem(Plain(spaces.Box(0, 255, (6, 7, 2), np.uint8), spaces.Discrete(2)))
    held = critic(84, 2)
    space = {"_shape": [2, 6, 7], "dtype": "uint8", "high": "[[[255 ... 255]]]"}
    policy = load_any(written(tmp_path / "a.zip", held, observation_space=space), world)
    seen = np.random.default_rng(0).integers(0, 256, (4, 6, 7, 2)).astype(np.float32)
    expected = scores(held, seen.transpose(0, 3, 1, 2).reshape(4, -1) / 255)
    np.testing.assert_allclose(policy.outputs(seen), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_several_choices_are_one_among_their_combinations():
    world = GymSystem(Counting, actions=("left", "stay", "right", "slow", "fast"), horizon=1)
    assert world.output.names[:3] == ("left, slow", "left, fast", "stay, slow")
    assert any("2 choices at once (3 x 2)" in sentence for sentence in world.assumed)
    runs = world.run(world.rules()["always right, fast"], world.workloads("episodes", 1, 0))
    seen = world.visit(world.rules()["always right, slow"], world.workloads("episodes", 1, 0))[0]
    assert runs.cost[0] == -(21 + 0 + 21 + 21)  # in the second step it is not allowed: the first of the others
    assert world.valid_actions(seen)[:2].tolist() == [
        [True, True, False, False, True, True],
        [True, False] + [False] * 2 + [True, False],
    ]
    verdict = world.judge(world.state_from_json({"observation": seen[0].tolist()}))
    assert verdict.best == (5,)
    assert verdict.loss[0] == 21


def test_too_many_combinations_and_names_that_fit_nothing_are_refused():
    many = Plain(spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([9, 9, 9]))
    with pytest.raises(DnnExplainError, match=r"3 choices at once, 9 x 9 x 9: 729 combinations.*at most 256"):
        GymSystem(many)
    with pytest.raises(DnnExplainError, match=r"give 5 names.*or 6.*2 were given"):
        GymSystem(Counting, actions=("a", "b"))


def test_an_agent_of_other_choices_is_refused(tmp_path):
    path = written(tmp_path / "a.zip", critic(3, 6), action_space={"nvec": "[3 3]"})
    with pytest.raises(DnnExplainError, match=r"actions are 3 x 3, those of Counting 3 x 2"):
        load_any(path, GymSystem(Counting))


def test_an_agent_that_learns_from_a_memory_leaves_statistics_open(tmp_path):
    held = {}
    for place, (size, inputs) in enumerate(((5, 3), (6, 5))):
        layer(held, f"q_net.q_net.{2 * place}", size, inputs)
    world = GymSystem(Plain(spaces.Box(-1, 1, (3,)), spaces.Discrete(6)))
    path = written(tmp_path / "a.zip", held, _last_original_obs={":type:": "<class 'numpy.ndarray'>"})
    assert any("whether VecNormalize stood before" in sentence for sentence in load_any(path, world).assumed)
    assert not load_any(path, world, normalize="none").assumed
