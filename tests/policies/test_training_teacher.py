"""Rules as a teacher in training: nothing at weight zero, pulled by weight, the facts against slow twins; mixes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load_shipped
from dnnexplain.policies.training import PolicyRule, Trainer, load_function, make_recipe, make_rule, mix
from dnnexplain.policies.training.learning import Lesson
from dnnexplain.policies.training.returns import even_out
from dnnexplain.policies.training.rollout import roll_out
from dnnexplain.policies.training.workload_mix import Checks, cells, draw
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.observation.features import earliest_starts
from tests.policies.test_training import SMALL, rollout_of

SHORT = {**SMALL, "imitation_rounds": 0}
SJF = ({"rule": "sjf", "strength": 3.0, "source": ""},)
MIX = mix(["deeprm", "small-jobs"], [0.4, 0.7], steps=12, home_share=0.5)


@pytest.fixture(scope="module")
def system() -> DeepRM:
    return DeepRM(slots=3)


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return list(trainer.module.parameters())


def same(one: Trainer, two: Trainer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(two), strict=True))


def taught(system: DeepRM, first: float, decay: float = 1.0, **changes: object) -> Trainer:
    shape = {"first": first, "decay": decay, "least": 0.0}
    return Trainer(system, make_recipe("default", **{**SHORT, **changes}, teacher=SJF, imitation=shape), seed=4)


# --- the teacher in the loss ---


def test_a_teacher_without_weight_changes_nothing_bit_for_bit(system: DeepRM) -> None:
    alone = Trainer(system, make_recipe("default", **SHORT), seed=4)
    unheard, heard = taught(system, 0.0), taught(system, 0.5)
    for trainer in (alone, unheard, heard):
        trainer.run()
    assert same(alone, unheard)
    assert not same(alone, heard)
    both = [{key: entry[key] for key in alone.progress.curve[0]} for entry in unheard.progress.curve]
    assert both == alone.progress.curve


def test_the_gradient_of_the_lesson_is_student_minus_teacher() -> None:
    rollout = rollout_of([0, 0], [0, 1], [0.0, 0.0])
    truths = np.array([[[0.0, 1, 0]], [[1.0, 0.5, 0]]], dtype=np.float32)
    object.__setattr__(rollout, "truths", truths)
    logits = torch.tensor([[0.3, -0.2, 1.0], [2.0, 0.0, -1.0]], requires_grad=True)
    Lesson(1.0, (2.0,)).loss(torch.log_softmax(logits, dim=1), rollout, np.array([0, 1])).backward()
    student = torch.softmax(logits.detach(), dim=1).numpy()
    pulled = student * np.exp(-2.0 * (1 - truths[:, 0]))
    teacher = pulled / pulled.sum(axis=1, keepdims=True)  # Hu et al. 2016, Equation 4
    np.testing.assert_allclose(logits.grad.numpy(), (student - teacher) / 2, atol=1e-6)


def test_a_teacher_raises_agreement_with_its_rule(system: DeepRM) -> None:
    agreement = {}
    for weight in (0.0, 1.0):
        trainer = taught(system, weight, iterations=20, job_sets=6, check_every=20, learning_rate=1e-2)
        trainer.run()
        agreement[weight] = trainer.progress.curve[-1]["agreement sjf"]
    assert agreement[1.0] > agreement[0.0] + 0.1


def test_a_stopped_run_with_teacher_mix_and_start_ends_as_an_unbroken_one(system: DeepRM, tmp_path: Path) -> None:
    start = TorchPolicy(Trainer(system, make_recipe("default", **SHORT), seed=1).module, system)
    changes = {"start": start.checkpoint, "workload": MIX, "even": True, "teacher": SJF}
    recipe = make_recipe("default", **{**SHORT, **changes})
    whole = Trainer(system, recipe, seed=5, start=start)
    before = start.checkpoint
    assert whole.run()
    out = tmp_path / "net.safetensors"
    Trainer(system, recipe, seed=5, out=out, start=start).run(stop=iter([False, False, True]).__next__)
    resumed = Trainer(system, recipe, seed=5, out=out, start=start)
    assert resumed.progress.iteration == 2
    resumed.run()
    assert same(whole, resumed)
    assert whole.progress.curve == resumed.progress.curve
    assert TorchPolicy(start.module, system).checkpoint == before  # the network that it began from is left alone


def test_the_network_to_begin_from_must_be_the_recipe_s(system: DeepRM) -> None:
    start = TorchPolicy(Trainer(system, make_recipe("default", **SHORT), seed=1).module, system)
    with pytest.raises(DnnExplainError, match="the recipe begins from the network 0123"):
        Trainer(system, make_recipe("default", **SHORT, start="0123"), start=start)
    with pytest.raises(DnnExplainError, match="begins from the network none"):
        Trainer(system, make_recipe("default", **SHORT), start=start)


def test_the_published_recipe_has_no_teacher() -> None:
    with pytest.raises(DnnExplainError, match="published recipe has no teacher"):
        make_recipe("as-published", teacher=SJF)
    with pytest.raises(DnnExplainError, match="schedule needs"):
        make_recipe("default", imitation={"first": 2.0, "decay": 1.0, "least": 0.0})


# --- the rules ---


def test_rules_say_of_each_action_what_a_slow_twin_says(system: DeepRM) -> None:
    trainer = Trainer(system, make_recipe("default", **SHORT))
    names = ("sjf", "never-hold", "utilisation:0.6", "idle:0.7")
    rules = [make_rule(name, system) for name in names]
    environment = system.environment(system.workloads("deeprm", 6, 0, steps=20))
    found = roll_out(environment, trainer.module, np.random.default_rng(0), rules=rules)
    assert [rule.name for rule in rules] == list(names)
    values = system.decode(found.pictures.astype(np.float32) * environment.scale)
    jobs, free = system.codec.jobs(values), system.codec.free(values)
    starts = earliest_starts(jobs, free)
    seen, roomy = set(), set()
    for row in range(len(values)):
        startable = [slot for slot in range(3) if starts[row, slot] == 0]
        shortest = min(startable, key=lambda slot: jobs[row, slot, 0], default=3)
        assert found.truths[row, 0].tolist() == [float(action == shortest) for action in range(4)]
        assert found.truths[row, 1].tolist() == [1.0, 1.0, 1.0, float(not startable)]
        full = [1 - (free[row, :, : jobs[row, a, 0]].min(axis=1) - jobs[row, a, 1:]).min() / 10 for a in startable]
        roomy.add(any(use <= 0.7 + 1e-9 for use in full))
        assert found.truths[row, 3].tolist() == [1.0, 1.0, 1.0, float(not any(use <= 0.7 + 1e-9 for use in full))]
        for action in range(4):
            use = 1 - free[row, :, 1].min() / 10
            if action < 3 and starts[row, action] >= 0:
                length, *demand = jobs[row, action]
                span = slice(starts[row, action], starts[row, action] + length)
                use = 1 - (free[row, :, span].min(axis=1) - demand).min() / 10
            told = min(1.0, (1 - use) / 0.4)
            seen.add(round(told, 3))
            assert found.truths[row, 2, action] == pytest.approx(told, abs=1e-6)
    assert len(seen) > 2
    assert roomy == {True, False}


def test_a_policy_as_a_rule_is_true_of_its_best_valid_action(system: DeepRM) -> None:
    trainer = Trainer(system, make_recipe("default", **SHORT))
    rule = PolicyRule("sjf again", system.rules()["sjf"])
    found = roll_out(
        system.environment(system.workloads("deeprm", 3, 0, steps=12)),
        trainer.module,
        np.random.default_rng(0),
        rules=[rule, make_rule("sjf", system)],
    )
    assert np.array_equal(found.truths[:, 0], found.truths[:, 1])


RULES_FILE = """
import numpy as np
def short_first(features, valid):
    slot = features["slot of shortest job that fits now"].astype(int) - 1
    return np.where(slot >= 0, slot, valid.shape[1] - 1)
def patient(features, valid):
    truth = np.ones(valid.shape)
    truth[:, -1] = 0.25
    return truth
def wrong(features, valid):
    return ["wait"] * len(valid)
def breaks(features, valid):
    return features["jobs wating"]
"""


def test_a_user_s_function_is_a_rule(system: DeepRM, tmp_path: Path) -> None:
    file = tmp_path / "my_rules.py"
    file.write_text(RULES_FILE)
    trainer = Trainer(system, make_recipe("default", **SHORT))
    sets = system.workloads("deeprm", 3, 0, steps=12)

    def truths(*rules: object) -> np.ndarray:
        return roll_out(system.environment(sets), trainer.module, np.random.default_rng(0), rules=rules).truths

    own = [load_function(file, name, system) for name in ("short_first", "patient")]
    found = truths(*own, make_rule("sjf", system))
    assert np.array_equal(found[:, 0], found[:, 2])
    assert found[0, 1].tolist() == [1, 1, 1, 0.25]
    with pytest.raises(DnnExplainError, match=r"my_rules.py:wrong must return one action per state"):
        truths(load_function(file, "wrong", system))
    with pytest.raises(DnnExplainError, match=r"my_rules.py:breaks failed: KeyError"):
        truths(load_function(file, "breaks", system))
    with pytest.raises(DnnExplainError, match="short_first"):
        load_function(file, "shrt_first", system)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sfj", "Did you mean 'sjf'"),
        ("random", "there is no rule for a teacher 'random'"),
        ("utilisation:80", "the threshold is a share from 0 to below 1"),
        ("utilisation:high", "takes a threshold such as utilisation:0.8"),
    ],
)
def test_unknown_rules_are_explained(system: DeepRM, name: str, said: str) -> None:
    with pytest.raises(DnnExplainError, match=said):
        make_rule(name, system)


# --- mixes of workloads ---


def test_a_mix_is_drawn_by_its_shares_and_from_its_seed_alone(system: DeepRM) -> None:
    parts = cells(MIX)
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert (parts[0].family, parts[0].settings["rate"], parts[0].share) == ("deeprm", 0.7, 0.5)
    drawn = draw(system, MIX, 40, 3)
    assert len(drawn) == 40
    assert sum(one.name.startswith("small-jobs") for one in drawn) == 10  # two cells of an eighth each
    again = draw(system, MIX, 40, 3)
    assert all(np.array_equal(a.length, b.length) for a, b in zip(drawn, again, strict=True))
    assert any(a.name != b.name for a, b in zip(drawn, draw(system, MIX, 40, 4), strict=True))


def test_advantages_are_evened_out_within_each_job_set() -> None:
    group = np.repeat([0, 1], 50)
    raw = np.random.default_rng(0).normal(size=100) * np.where(group == 0, 0.1, 30.0)
    evened = even_out(raw, group)
    assert [evened[group == g].std() for g in (0, 1)] == pytest.approx([1, 1], abs=1e-3)
    assert np.array_equal(np.sign(evened), np.sign(raw))
    assert even_out(np.zeros(3), np.zeros(3, dtype=int)).tolist() == [0, 0, 0]


def test_a_mix_is_scored_by_its_cells_and_its_worst_one(system: DeepRM) -> None:
    checks = Checks(system, make_recipe("default", **{**SHORT, "workload": MIX}), 3, 4)
    rules = system.rules()
    score, figures = checks.measure(rules["sjf"])
    assert score == pytest.approx(1)
    assert figures["greedy_worst"] == figures["sampled_home"] == pytest.approx(1)
    worse, figures = checks.measure(rules["packer"])
    ratio = [
        np.mean(system.run(rules["packer"], group).cost) / np.mean(system.run(rules["sjf"], group).cost)
        for group in (checks.workloads[i : i + 4] for i in range(0, 20, 4))
    ]
    assert figures["greedy_mean"] == pytest.approx(np.mean(ratio))
    assert worse == pytest.approx(np.mean(ratio) + max(ratio) - 1)


# --- the network that ships ---


@pytest.mark.parametrize(("family", "rate"), [("small-jobs", 0.4), ("small-jobs", 0.55), ("uniform", 0.4)])
def test_the_hardened_network_is_not_behind_sjf_where_the_plain_one_was(family: str, rate: float) -> None:
    whole = DeepRM()
    sets = whole.workloads(family, 400, 31, rate=rate)
    sjf, found = whole.run(whole.rules()["sjf"], sets).cost, whole.run(load_shipped(whole, "hardened"), sets)
    assert found.cost.mean() <= 1.02 * sjf.mean()
    assert found.metrics["starved"].sum() == 0


def test_the_hardened_network_keeps_the_gain_at_home() -> None:
    whole = DeepRM()
    sets = whole.workloads("deeprm", 100, 32)
    sjf = whole.run(whole.rules()["sjf"], sets).cost.mean()
    gain = {name: 1 - whole.run(load_shipped(whole, name), sets).cost.mean() / sjf for name in ("default", "hardened")}
    assert gain["hardened"] >= 0.8 * gain["default"] > 0.2
