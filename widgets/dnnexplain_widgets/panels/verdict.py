"""The verdict on top of a page: how good the network is, what goes wrong, where it loses, this decision, what is proved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dnnexplain.contract import EpisodeSystem, NetworkPolicy, Policy, PromptOptimum
from dnnexplain.explain.verdict.kept import find_standing, keep_standing
from dnnexplain.explain.verdict.optimality import Optimality, judged, optimality
from dnnexplain.explain.verdict.standing import Standing, stand
from dnnexplain.registry import fair_rules, spec_of
from dnnexplain_widgets.jobs import Jobs, Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.verdict_words import NOT_RUN, Item, beside_rule, loses, now, proofs, went_wrong_item
from dnnexplain_widgets.served import is_served

__all__ = ["VerdictPanel"]

_REST = 1.2
"""Seconds without a change after which a decision is judged."""
_SECONDS = 4.0
_FIRST = 3.0
"""Seconds that the page has for itself before whole workloads are run for the first time."""


class VerdictPanel(Panel):
    """May this network be trusted? One line, each part of which opens the panel that shows it.

    Whole workloads are run beside the page, once for each network: the figures of shipped networks lie beside their
    weights, those of others are kept on this machine. The present decision is judged when the state has come to rest.
    """

    QUESTION = "May it be trusted?"
    PARTS = ({"part": "verdict"},)
    COPYABLE = False
    WRITES = False

    def setup(self) -> None:
        """Look for what is known; work out the rest when the page is at rest."""
        self.standing: Standing | None = None
        self.optimality: Optimality | None = None
        self.judged: Callable[[Optimality | None], object] | None = None
        self._why = ""
        self._judged_for: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._oracle = Jobs()
        self._shown: Any = None
        self.session.observe(self._on_live, "live")
        self._on_live(None)

    @property
    def result(self) -> Standing | None:
        """How the network stands, once that is known."""
        return self.standing

    def has_answer(self) -> bool:
        """The strip always speaks of the present network; there is nothing old in it."""
        return False

    def on_press(self, name: str) -> None:
        """An item was pressed, or the report is wanted."""
        if name == "run":
            self.work_out()
        elif name == "report":
            self._report()
        elif name.startswith("open "):
            self.session.show_panel(name.removeprefix("open "))

    def work_out(self) -> None:
        """Run the workloads, beside the page."""
        system, policy = self.session.system, self.worker_policy()
        assert isinstance(system, EpisodeSystem)

        def work(task: Task) -> Standing:
            return stand(system, policy, report=task.progress)

        def done(standing: Standing) -> None:
            keep_standing(standing)
            self.standing = standing
            self._show()

        self.start(work, done, "Running workloads for the verdict, about a minute")

    def judge_now(self) -> None:
        """Judge the present decision, beside the page."""
        session = self.session
        system, policy, state = session.system, self.worker_policy(), session.state
        about = (session.policy, state)

        def done(optimality: Optimality | None) -> None:
            if about == (self.session.policy, self.session.state):
                self.optimality = optimality
                self._show()
                if self.judged is not None:
                    self.judged(optimality)

        self._oracle.start(lambda _task: optimality(system, policy, state, seconds=_SECONDS), done, self._unjudged)

    def close(self) -> None:
        """Stop what is waiting, too."""
        self._oracle.cancel()
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _unjudged(self, _error: BaseException) -> None:
        """The decision stays without a word; the decision's own panel says why when it is asked."""
        self.optimality = None
        self._show()

    def _on_live(self, _change: object) -> None:
        policy = self.session.policy
        if policy is not self._shown:
            self._shown = policy
            self._on_policy(policy)
        about = (policy, self.session.state)
        if about == self._judged_for:
            return
        self._judged_for = about
        self._oracle.cancel()
        if self.optimality is not None or not self.figure:
            self.optimality = None
            self._show()
        if judged(self.session.system):
            self._soon(_REST, self.judge_now)

    def _on_policy(self, policy: Policy) -> None:
        self.drop()
        self.standing, self._why = None, self._cannot(policy)
        if not self._why:
            self.standing = find_standing(self.session.system, policy)
            if self.standing is None:
                self._why = NOT_RUN
                self._later(policy)
        self._show()

    def _cannot(self, policy: Policy) -> str:
        system = self.session.system
        if not isinstance(policy, NetworkPolicy):
            return "a rule; choose a network"
        if not (isinstance(system, EpisodeSystem) and spec_of(system).families):
            return "no whole workloads to run here"
        return "" if fair_rules(system) else "no rules to compare with"

    def _later(self, policy: Policy) -> None:
        """Whole workloads wait until the page is there; on other people's servers, and of a large system, until asked for."""
        system = self.session.system
        if is_served() or (isinstance(system, PromptOptimum) and not system.optimum_prompt):
            return
        loop = _loop()
        if loop is not None:
            loop.call_later(_FIRST, lambda: self.guarded(self.work_out) if self.session.policy is policy else None)

    def _soon(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = _loop()
        if loop is not None:
            self._timer = loop.call_later(seconds, lambda: self.guarded(call))

    def _show(self) -> None:
        system = self.session.system
        spec = spec_of(system)
        standing = self.standing
        items: list[Item | None] = (
            [beside_rule(standing, spec), went_wrong_item(standing, spec), loses(standing, spec)]
            if standing is not None
            else [{"key": "gain", "label": "Against the best rule", "value": self._why, "level": ""}]
        )
        if judged(system):
            items.append(now(self.optimality))
        items.append(proofs(standing, spec))
        ready = standing is None and self._why == NOT_RUN
        self.figure = {"items": [item for item in items if item], "run": ready, "report": standing is not None}

    def _report(self) -> None:
        if self.standing is not None:
            from dnnexplain.explain.verdict.report import report_html  # noqa: PLC0415 - only when it is asked for

            text = report_html(self.standing, self.optimality, self.session.system, self.session.state)
            self.offer(f"dnnexplain-{self.session.system.name}-report.html", text)


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
