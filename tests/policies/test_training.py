"""Training: returns and baselines by hand, imitation learns a rule, a run that stops ends the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy
from dnnexplain.policies.training import RECIPES, Trainer, make_recipe, progress_path
from dnnexplain.policies.training.returns import index_advantages, returns_by_time, time_advantages
from dnnexplain.policies.training.rollout import Rollout, join_rollouts, roll_out, sample_actions
from dnnexplain.systems.deeprm import ORIGINAL_RULES, DeepRM

SMALL = {
    "imitation_rounds": 2,
    "imitation_sets": 4,
    "iterations": 4,
    "job_sets": 3,
    "episodes": 3,
    "check_every": 2,
    "workload": {"name": "deeprm", "rate": 0.7, "steps": 12},
}


def rollout_of(episode: list[int], time: list[int], rewards: list[float]) -> Rollout:
    count = len(episode)
    index = [sum(1 for earlier in episode[:i] if earlier == episode[i]) for i in range(count)]
    return Rollout(
        pictures=np.zeros((count, 2, 2), dtype=np.uint8),
        valid=np.ones((count, 3), dtype=bool),
        actions=np.zeros(count, dtype=np.int64),
        episode=np.array(episode),
        time=np.array(time),
        index=np.array(index),
        rewards=np.array(rewards),
        log_probability=np.zeros(count, dtype=np.float32),
        episodes=max(episode) + 1,
    )


def test_actions_of_one_time_step_share_the_return_from_it_on() -> None:
    rollout = rollout_of([0, 0, 0, 1], [0, 0, 1, 0], [0.0, -2.0, -3.0, -1.0])
    assert returns_by_time(rollout).tolist() == [[-5.0, -3.0], [-1.0, 0.0]]
    assert time_advantages(rollout, np.array([0, 0])).tolist() == [-2.0, -2.0, -1.5, 2.0]
    assert time_advantages(rollout, np.array([0, 1])).tolist() == [0.0] * 4


def test_the_published_baseline_goes_by_action_index_and_pads_with_zero() -> None:
    rollout = rollout_of([0, 0, 0, 1], [0, 0, 1, 0], [0.0, -2.0, -3.0, -1.0])
    assert index_advantages(rollout, np.array([0, 0])).tolist() == [-2.0, -2.5, -1.5, 2.0]


def test_joined_rollouts_number_their_episodes_on() -> None:
    part = rollout_of([0, 1], [0, 0], [0.0, -1.0])
    joined = join_rollouts([part, part])
    assert joined.episode.tolist() == [0, 1, 2, 3]
    assert joined.episodes == 4


def test_actions_are_drawn_from_the_valid_ones_with_their_probabilities() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]]).repeat(40_000, 1)
    valid = np.tile([True, False, True], (40_000, 1))
    actions, logp = sample_actions(logits, valid, np.random.default_rng(0))
    share = np.exp([0.0, 2.0]) / np.exp([0.0, 2.0]).sum()
    assert np.bincount(actions, minlength=3) / 40_000 == pytest.approx([share[0], 0, share[1]], abs=0.01)
    assert np.exp(logp[actions == 2][0]) == pytest.approx(share[1], abs=1e-6)


def test_a_rollout_records_what_the_simulator_did() -> None:
    system = DeepRM(slots=3)
    sets = system.workloads("deeprm", 2, 0, steps=10)
    trainer = Trainer(system, make_recipe("default", **SMALL))
    rollout = roll_out(system.environment(sets), trainer.module, np.random.default_rng(0))
    again = system.environment(sets)
    for row in range(2):
        mine = rollout.episode == row
        for picture, action, reward in zip(
            rollout.pictures[mine], rollout.actions[mine], rollout.rewards[mine], strict=True
        ):
            assert np.array_equal(again.observe(np.array([row]))[0], picture)
            assert again.step(np.array([action]), np.array([row]))[0] == reward
    assert again.done.all()


def test_a_stopped_run_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    system, recipe = DeepRM(slots=3), make_recipe("default", **SMALL)
    whole = Trainer(system, recipe, seed=5)
    assert whole.run()
    stops = iter([False] * 4 + [True])
    out = tmp_path / "net.safetensors"
    assert not Trainer(system, recipe, seed=5, out=out).run(stop=lambda: next(stops))
    resumed = Trainer(system, recipe, seed=5, out=out)
    assert (resumed.progress.imitated, resumed.progress.iteration) == (2, 2)
    assert resumed.run()
    for mine, its in zip(whole.module.parameters(), resumed.module.parameters(), strict=True):
        assert torch.equal(mine, its)
    assert whole.progress.curve == resumed.progress.curve
    assert whole.best().checkpoint == resumed.best().checkpoint


def test_an_unfinished_run_with_other_settings_is_not_mixed_in(tmp_path: Path) -> None:
    system, out = DeepRM(slots=3), tmp_path / "net.safetensors"
    Trainer(system, make_recipe("default", **SMALL), seed=5, out=out).run(stop=iter([False, True]).__next__)
    with pytest.raises(DnnExplainError, match=r"another seed; finish that one, or pass --fresh"):
        Trainer(system, make_recipe("default", **SMALL), seed=6, out=out)
    Trainer(system, make_recipe("default", **SMALL), seed=6, out=out, fresh=True)
    progress_path(out).write_bytes(b"\x00" * 40)
    with pytest.raises(DnnExplainError, match="is no unfinished run that can be read"):
        Trainer(system, make_recipe("default", **SMALL), seed=5, out=out)


def test_imitation_learns_the_rule() -> None:
    system = DeepRM(slots=3)
    recipe = make_recipe("default", **{**SMALL, "imitation_rounds": 25, "imitation_sets": 12, "iterations": 1})
    trainer = Trainer(system, recipe)
    agreement = []
    for rounds in (0, 25):
        while trainer.progress.imitated < rounds:
            trainer._imitate()
        environment = system.environment(system.workloads("deeprm", 6, 99, steps=20))
        same = []
        while len(rows := environment.active()):
            actions = environment.rule_actions("sjf", rows)
            pictures = environment.observe(rows).astype(np.float32) * environment.scale
            outputs = TorchPolicy(trainer.module, system).outputs(pictures.astype(np.float32))
            same.extend(outputs.argmax(axis=1) == actions)
            environment.step(actions, rows)
        agreement.append(np.mean(same))
    assert agreement[1] > max(0.75, agreement[0] + 0.2)


def test_the_best_checkpoint_is_kept_not_the_last() -> None:
    system = DeepRM(slots=3)
    trainer = Trainer(system, make_recipe("default", **{**SMALL, "learning_rate": 0.5}), seed=2)
    trainer.run()
    scores = [(entry["sampled"] + entry["greedy"]) / 2 for entry in trainer.progress.curve]
    assert trainer.progress.best == min(scores)


def test_the_published_recipe_runs_as_published() -> None:
    recipe = RECIPES["as-published"]
    assert (recipe.masked, recipe.entropy, recipe.epochs, recipe.action_limit) == (False, 0.0, 1, 200)
    system = DeepRM(slots=3, **ORIGINAL_RULES)
    small = {"iterations": 2, "job_sets": 2, "episodes": 2, "check_every": 1, "workload": SMALL["workload"]}
    trainer = Trainer(system, make_recipe("as-published", **small), seed=1)
    before = trainer.module[1].weight.detach().clone()
    trainer.run()
    moved = (trainer.module[1].weight - before).abs()
    # RMSProp's first step is lr * g / (sqrt(0.1) |g| + eps) at most
    assert 0 < moved.max() <= 2 * 1e-3 / np.sqrt(0.1) * 1.01


def test_unknown_recipes_and_settings_are_explained() -> None:
    with pytest.raises(DnnExplainError, match="there is no recipe 'defualt'"):
        make_recipe("defualt")
    with pytest.raises(DnnExplainError, match="there is no recipe setting 'lr'"):
        make_recipe("default", lr=1)
    with pytest.raises(DnnExplainError, match="iterations must be a whole number"):
        make_recipe("default", iterations=0)
