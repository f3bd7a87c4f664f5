"""Rules as soft teachers against the projection of Hu et al. (2016), and trainings that follow them or keep stages."""

import numpy as np
import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load_any
from dnnexplain.policies.training.teacher import agreement_truth, project
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.recipes import stages_of
from dnnexplain.systems.abr.teachers import FULL, NEVER_LOWEST, Teachers, read_teacher
from dnnexplain.systems.abr.training import Recipe, Trainer

SMALL = {"iterations": 8, "sessions": 16, "pool": 20, "checks": 10, "check_every": 2}


def test_the_loss_is_cross_entropy_to_the_projection_onto_the_rules():
    system = make_system("abr")
    states = system.visit(system.rules()["bola"], system.workloads("markov-3g", 6, 1))[0]
    logp = torch.log_softmax(torch.randn(len(states), 6, generator=torch.Generator().manual_seed(0)), dim=1)
    teachers = Teachers((("bb", 3.0), (NEVER_LOWEST, 1.5)), system.video, make_qoe("linear", system.video.bitrates))
    bb = agreement_truth(system.rules()["bb"].outputs(states).argmax(axis=1), 6)
    never = np.ones((len(states), 6))
    buffers = system.decode(states)[:, 1]
    never[buffers >= FULL - 1e-4, 0] = 0.0
    assert 0.05 < (never[:, 0] == 0).mean() < 0.95
    taught = project(logp.exp().double().numpy(), (bb, never), (3.0, 1.5))
    wanted = -(taught * logp.double().numpy()).sum(axis=1).mean()
    found = Teachers.loss(logp, torch.from_numpy(teachers.penalty(states)))
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_a_teacher_draws_a_network_to_its_decisions():
    """Two trainings that differ by the teacher alone: the taught network obeys it more."""
    system = make_system("abr")
    states = system.visit(system.rules()["rb"], system.workloads("markov-3g", 10, 5))[0]
    said = system.rules()["bb"].outputs(states).argmax(axis=1)

    def obeys(**teaching):
        trainer = Trainer(Recipe(**SMALL, batch=128, **teaching), seed=1)
        trainer.run()
        return (trainer.module(torch.from_numpy(states)).argmax(dim=1).numpy() == said).mean()

    assert obeys(teacher=(("bb", 6.0),), teaching=(20.0, 1.0, 0.0)) > obeys() + 0.2


@pytest.mark.parametrize("text", ["nobody", "bb:-1", "bb:much", "bb:inf"])
def test_wrong_teachers_are_refused(text):
    with pytest.raises(DnnExplainError, match=r"teacher"):
        read_teacher(text)


def test_stages_are_halves():
    assert stages_of(400, 6) == [12, 25, 50, 100, 200, 400]
    assert stages_of(400, 0) == []
    with pytest.raises(DnnExplainError, match="halved"):
        stages_of(8, 6)


def test_a_stage_is_what_a_shorter_training_would_have_kept(tmp_path):
    whole = Trainer(Recipe(**SMALL), seed=2, keep=(2, 4))
    whole.run(save=tmp_path / "t.pt")
    half = Trainer(Recipe(**SMALL), seed=2, keep=(2, 4))
    half.load(tmp_path / "t.pt")
    for step in (2, 4):
        for one, other in zip(whole.stage(step).parameters(), half.stage(step).parameters(), strict=True):
            torch.testing.assert_close(one, other)
    fresh = Trainer(Recipe(**SMALL), seed=2)
    for _ in range(2):
        fresh._improve()
    for one, other in zip(whole.stage(2).parameters(), fresh.module.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(DnnExplainError, match="stages"):
        Trainer(Recipe(**SMALL), seed=2, keep=(3,)).load(tmp_path / "t.pt")


def test_train_writes_the_stages_beside_the_network(tmp_path):
    out = tmp_path / "small.safetensors"
    asked = ["--iterations", "4", "--sessions", "8", "--stages", "3", "--teacher", "bb:2"]
    assert main(["train", "abr", *asked, "--out", str(out)]) == 0
    system = make_system("abr")
    states = system.visit(system.rules()["bb"], system.workloads("stable", 2, 1))[0]
    said = [load_any(str(tmp_path / f"small-stage-{place}.safetensors"), system).outputs(states) for place in (1, 2, 3)]
    assert not np.allclose(said[0], said[2])
    assert not (tmp_path / "small-stage-4.safetensors").exists()
