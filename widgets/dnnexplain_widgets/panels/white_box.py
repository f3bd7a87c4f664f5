"""The white box: from knob groups through the neurons to the difference of two outputs, to the last digit."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import Discrete, DnnExplainError
from dnnexplain.explain.probing.account import Account, account
from dnnexplain_widgets.messages import scene
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import error_sentence

__all__ = ["WhiteBoxPanel"]


class WhiteBoxPanel(Panel):
    """Which neurons made the choice, and what feeds them? For networks with one hidden ReLU layer.

    Args:
        neurons: how many neurons are shown one by one, those with the largest effect; the others as one sum.
        groups: how many knob groups are named per neuron; the others as one sum.
    """

    QUESTION = "Which neurons made the choice, and what feeds them?"
    PARTS = ({"part": "account"},)
    WANTS = ("decision",)
    OPTIONS = ("neurons", "groups")
    COMPARES = True

    def setup(self) -> None:
        """Controls: which two outputs are compared."""
        self.shown = int(self.options.get("neurons", 6))
        self.drivers = int(self.options.get("groups", 3))
        self.finding: Account | None = None
        self.colours = {group["name"]: group["colour"] for group in scene(self.session.system)["groups"]}
        self.answers = {"pro": "", "contra": "", "unit": -1}
        self.session.observe(self._refresh, "live")
        self._refresh()

    @property
    def result(self) -> Account | None:
        """The account of the present state; ``None`` for a network of another form."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The account by itself."""
        given = "".join(f", {name}={self.answers[name]!r}" for name in ("pro", "contra") if self.answers[name])
        return (
            "from dnnexplain.explain import account",
            f"found = account(system, policy, state{given})",
            r"print(*found.sentences(), sep='\n')",
        )

    def on_answer(self, name: str, value: Any) -> None:
        """Other outputs are compared, or a neuron was chosen, which the other panels then show too."""
        if name != "unit":
            self._refresh()
        elif value is not None and int(value) >= 0:
            self.session.unit = int(value)

    def _refresh(self, _change: object = None) -> None:
        with self.hold_sync():  # one message per step
            self._account()

    def _account(self) -> None:
        session = self.session
        pro, contra = (self.answers[name] or None for name in ("pro", "contra"))
        try:
            self.finding = account(session.system, session.policy, session.state, pro=pro, contra=contra)
        except DnnExplainError as error:
            self.finding = None
            self.figure = {"account": {"note": error_sentence(error)}}
            self.sentence = ""
            chosen = pro is not None or contra is not None
            self.controls = self._choices() if chosen else []
            return
        self.figure = {"account": self._picture(self.finding)}
        self.sentence = self.finding.sentence()
        choices = self._choices()
        if choices != self.controls:
            self.controls = choices

    def _choices(self) -> list[dict[str, Any]]:
        output = self.session.system.output
        choice = isinstance(output, Discrete)
        names = [[name, name] for name in output.names]
        first = [["", "the chosen action" if choice else output.names[0]], *names[0 if choice else 1 :]]
        against = [["", "the next best" if choice else "nothing"], *names]
        return [
            {"kind": "select", "name": "pro", "label": "What speaks for", "options": first},
            {"kind": "select", "name": "contra", "label": "and against", "options": against},
        ]

    def _picture(self, account: Account) -> dict[str, Any]:
        """The rows of the table; what is not named is summed, so that the column adds up to the contrast."""
        effects = account.effects
        order = np.argsort(-np.abs(effects), kind="stable")
        top = [int(n) for n in order[: self.shown] if effects[n] != 0]
        rest = [int(n) for n in order if int(n) not in top]
        return {
            "rows": [self._row(account, n) for n in top],
            "others": {
                "count": len(rest),
                "on": int((account.activation[rest] > 0).sum()),
                "effect": float(effects[rest].sum()),
            },
            "offset": account.offset,
            "total": float(effects.sum() + account.offset),
            "pro": account.pro,
            "contra": account.contra,
            "sentences": list(account.sentences(self.shown)[1:]),
        }

    def _row(self, account: Account, n: int) -> dict[str, Any]:
        inputs = account.inputs[n]
        order = [int(g) for g in np.argsort(-np.abs(inputs), kind="stable") if inputs[g] != 0]
        named, rest = order[: self.drivers], order[self.drivers :]
        return {
            "neuron": n,
            "activation": float(account.activation[n]),
            "weight": float(account.weight[n]),
            "effect": float(account.effects[n]),
            "drivers": [
                {"name": account.groups[g], "colour": self.colours.get(account.groups[g]), "value": float(inputs[g])}
                for g in named
            ],
            "others": float(inputs[rest].sum()) if rest else None,
            "bias": float(account.bias[n]),
        }
