"""The decision: how probable each action is, what each rule would do, and what is best."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import Decision, DecisionOracle, Judgement, State
from dnnexplain.explain.decisions.record import DecisionRecord, record
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import joined, with_unit

__all__ = ["DecisionPanel"]

_SECONDS = 10.0


class DecisionPanel(Panel):
    """What does the network do here, and what would the rules do?"""

    QUESTION = "What does it do here?"
    PARTS = ({"part": "probabilities"},)
    SAYS = "decision"
    WANTS = ("decision",)
    COMPARES = True

    def setup(self) -> None:
        """A button for the optimum, if the system knows it."""
        self.judgement: Judgement | None = None
        if isinstance(self.session.system, DecisionOracle):
            self.controls = [
                {
                    "kind": "button", "name": "judge", "label": "Solve for the optimum",
                    "hint": f"What each action costs at best from here on; takes up to {_SECONDS:g} seconds.",
                }
            ]  # fmt: skip
            self.session.observe(self._forget, "state")
            self.session.observe(self._judge_again, "live")

    @property
    def result(self) -> Decision | None:
        """What the network does in the present state."""
        return self.session.live.decision

    @property
    def kept(self) -> DecisionRecord | None:
        """The decision with its question, as it is saved."""
        session = self.session
        decision = self.result
        return None if decision is None else record(session.system, session.policy, decision)

    def code_lines(self) -> tuple[str, ...]:
        """The decision by itself."""
        return ("from dnnexplain.explain import decide", "decision = decide(system, policy, state)")

    def on_press(self, name: str) -> None:
        """Ask the oracle, beside the page."""
        assert name == "judge"
        system, state = self.session.system, self.session.state
        assert isinstance(system, DecisionOracle)

        def work(task: Task) -> Judgement:
            task.progress(None, "Solving for the best continuation of each action")
            return system.judge(state, seconds=_SECONDS)

        self.start(work, lambda judgement: self._show(state, judgement), "Solving for the best continuation", part=True)

    def _show(self, state: State, judgement: Judgement) -> None:
        if state is self.session.state:
            self.judgement = judgement
            self.badge = self._badge(judgement)

    def _forget(self, _change: object) -> None:
        if self.busy:
            self.cancel()
        if self.judgement is not None:
            self.judgement = None
            self.badge = {}

    def _judge_again(self, _change: object) -> None:
        """What each action costs holds for every network; which of them is chosen does not."""
        if self.judgement is not None:
            self.badge = self._badge(self.judgement)

    def _badge(self, judgement: Judgement) -> dict[str, Any]:
        names = self.session.system.output.names
        decision = self.session.live.decision
        if decision is None or decision.action is None:
            return {}
        action = decision.action
        best = joined(names[index] for index in judgement.best)
        proof = "proved" if judgement.exact else "not proved within the time given"
        if action in judgement.best:
            text, level = f"The network's choice is optimal here: best is {best} ({proof}).", "green"
        else:
            loss = with_unit(float(judgement.loss[action]), judgement.unit)
            text, level = f"Best is {best} ({proof}); the network's choice costs {loss} more.", "red"
        figures = [
            {"name": name, "value": f"+{with_unit(float(loss), judgement.unit)}", "meaning": "more than the best, continued as well as possible"}
            for name, loss in zip(names, judgement.loss, strict=True)
            if loss == loss  # noqa: PLR0124 - NaN marks an action that is not possible
        ]  # fmt: skip
        return {"level": level if judgement.exact else "amber", "text": text, "figures": figures}
