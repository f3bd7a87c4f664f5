"""The one large figure of an answer is the answer's own, and each panel that answers has one."""

from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.explain.adversarial import Adversarial
from dnnexplain.explain.decisions.consequences import Consequences
from dnnexplain.explain.probing.intervention import CostEffect
from dnnexplain.explain.probing.linear_probes import Knowledge
from dnnexplain.explain.proofs.sufficient import SufficientReason
from dnnexplain.explain.room import Part, Room
from dnnexplain.explain.transfer import Transfer
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.systems import make_system
from dnnexplain_widgets import WhiteBoxPanel
from dnnexplain_widgets.headlines import NONE, headline
from dnnexplain_widgets.panels.reasons import ReasonPanel
from dnnexplain_widgets.panels.watch import Pair


def made(kind, **fields):
    """A result that has only these of its fields."""
    found = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(found, name, value)
    return found


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (made(Adversarial, found=True, distance=2.25, proved_minimal=True), ("cost 2.25", "of the change that fools it: the smallest there is (proved)")),
        (made(Adversarial, found=False, distance=None, radius=3.0), ("none found", "within 3 no change fools it")),
        (made(SufficientReason, proved=False, decision="wait"), ("not proved", "that anything less than all forces wait")),
        (made(SufficientReason, proved=True, decision="wait", fixed={"a": 1.0, "b": 2.0}, free=()), ("all 2 knobs", "together force wait (proved)")),
        (made(SufficientReason, proved=True, decision="wait", fixed={"a": 1.0}, free=("b",)), ("1 knob", "force wait, whatever the others are (proved)")),
        (made(SufficientReason, proved=False, decision=", ".join(["path 1 0.25"] * 8)), ("not proved", "that anything less than all forces this decision")),
        (made(CostEffect, mean=-1e-6, low=-2e-5, high=1e-5, cost_name="cost", neuron=5, held_at=0.0), ("no sure change", "of cost, with neuron 5 held at 0")),
        (made(CostEffect, mean=0.5, low=0.1, high=0.9, cost_name="minus QoE", neuron=5, held_at=0.0), ("−0.5", "QoE, with neuron 5 held at 0")),
        (made(CostEffect, mean=0.5, low=0.1, high=0.9, cost_name="cost", neuron=5, held_at=0.0), ("+0.5", "cost, with neuron 5 held at 0")),
        (made(Knowledge, layer="relu", facts=(SimpleNamespace(note="", low=0.1), SimpleNamespace(note="", low=-0.1), SimpleNamespace(note="rare", low=0.3))), ("1 of 2", "facts can be read off relu")),
        (made(Room, parts=(Part("policy", "better decisions", 0.3, 0.1, 0.5, 0.375),)), ("37.5%", "of the gap to the best plan could be better decisions")),
        (made(Room, parts=(Part("policy", "better decisions", 0.3, -0.1, 0.7, 0.375),)), ("37.5%", "of the gap to the best plan could be better decisions; the interval leaves it open")),
        (made(Pair, network=SimpleNamespace(cost=-39.5, cost_name="minus QoE"), rule=SimpleNamespace(cost=-29.0, policy="robust-mpc"), called=""), ("39.5", "QoE, against 29 of Robust MPC")),
        (made(Pair, network=SimpleNamespace(cost=2.0, cost_name="cost"), rule=SimpleNamespace(cost=3.0, policy="own-network"), called="own-network"), ("2", "cost, against 3 of own-network")),
        (made(Room, parts=(Part("policy", "better decisions", -0.3, -0.5, -0.1, -0.2),)), ("none", "of the gap to the best plan was found to be better decisions")),
        (made(Room, parts=(Part("gap", "the whole gap", 0.3, 0.1, 0.5, 1.0),)), NONE),
        (object(), NONE),
    ],
)  # fmt: skip
def test_the_figure_is_the_answer_s_own(found, shown):
    assert headline(found) == shown


def test_a_trifle_that_would_follow_has_no_digits():
    go, rest = (
        SimpleNamespace(action=at, name=name, against={"cost": SimpleNamespace(mean=2.4e-4 * at)})
        for at, name in enumerate(("go", "rest"))
    )
    found = made(Consequences, actions=(go, rest), chosen=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Consequences, "as_read", lambda _self, _gap: SimpleNamespace(mean=-2.4e-4, known=True, verdict=-1)
        )
        patch.setattr(Consequences, "cost_title", "reward", raising=False)
        patch.setattr(Consequences, "decision", "go", raising=False)
        assert headline(found) == ("under 0.001", "less reward after rest instead of go")


def test_a_cell_counts_as_won_only_where_nothing_goes_wrong_and_the_interval_is_below():
    class Grid(Transfer):
        done = np.ones((1, 3), dtype=bool)

        def verdict(self, row, column, network=0):
            return ("wins", "unsafe", "even")[column]

    Grid.__name__ = "Transfer"
    assert headline(object.__new__(Grid))[0] == "1 of 3"


def test_a_panel_shows_it_with_its_answer_and_forgets_it_with_the_answer():
    world = make_system("deeprm", slots=2)
    panel = WhiteBoxPanel(world, TorchPolicy(mlp(world, (4,)), world))
    first = panel.result
    value, words = headline(first)
    assert panel.hero == {"value": value, "words": words}
    assert words.startswith(f"{first.pro} minus {first.contra}")
    panel.session.policy = world.rules()["sjf"]
    assert panel.hero == {}
    panel.close()


def test_before_there_is_an_answer_nothing_is_large():
    world = make_system("deeprm", slots=2)
    panel = ReasonPanel(world, TorchPolicy(mlp(world, (4,)), world))
    assert panel.hero == {}
    panel.close()
