"""What can it never do? Ready properties of the system, proved or refuted; a witness opens in the editor."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError, NetworkPolicy, State
from dnnexplain.counts import counted
from dnnexplain.explain.proofs.prover import prove
from dnnexplain.explain.proofs.ready import ROBUST, named_property, property_names
from dnnexplain.explain.proofs.verdicts import ProofBudget, Verdict
from dnnexplain.numbers import number
from dnnexplain.registry import spec_of
from dnnexplain_widgets.headlines import Headline
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import error_sentence

__all__ = ["NeverPanel"]

_ALL = "all"
_SHADES = {"holds": -0.5, "fails": 0.5}
_WORDS = {"holds": "proved", "fails": "refuted", "open": "open"}
_HOW = {
    "found": "by search", "listed": "all states listed", "program": "by a program", "bounds": "by bounds",
    "excluded": "never possible",
}  # fmt: skip


class NeverPanel(Panel):
    """What can it never do?

    Each ready property of the system is proved over all valid states, refuted with a state that the network itself was
    run in, or left open with the bound that was reached. A click on a refuted one opens that state in the editor.

    Args:
        seconds: at most about so long for each property.
        parts: of each case's states that are bounded one by one, at most.
    """

    QUESTION = "What can it never do?"
    PROMISE = "Press “Prove”: whether the property holds in every valid state, with a proof, or a state where it fails; seconds to a minute."
    PARTS = ({"part": "cells"},)
    OPTIONS = ("seconds", "parts")
    SETTINGS = ("property", "within")
    ABOUT = ("policy",)

    def setup(self) -> None:
        """Controls: which property, steps around the present state, prove."""
        self.finding: dict[str, Verdict] = {}
        self.failures: dict[str, str] = {}
        self.names = property_names(spec_of(self.session.system))
        self.answers = {"property": _ALL, "within": 3, "chosen": None}
        self._show_controls()

    @property
    def about(self) -> tuple[str, ...]:
        """The network; and the state, where its own decision is asked about."""
        return ("policy", "state") if self.answers.get("property") == ROBUST else ("policy",)

    @property
    def result(self) -> dict[str, Verdict]:
        """The verdicts so far, by the names of the properties."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The proofs by themselves."""
        wanted = self.answers["property"]
        names = [name for name in self.names if name != ROBUST] if wanted == _ALL else [wanted]
        return (
            "from dnnexplain.explain.proofs.prover import prove",
            "from dnnexplain.explain.proofs.ready import named_property",
            "from dnnexplain.registry import spec_of",
            f"for name in {names!r}:",
            f"    claim = named_property(spec_of(system), system, policy, name, {'state' if wanted == ROBUST else None}, {self.answers['within']})",
            "    print(prove(system, policy, claim).sentence())",
        )

    def run(self) -> None:
        """Prove what is chosen, beside the page.

        Raises:
            DnnExplainError: the policy is no network.
        """
        system, policy, state = self.session.system, self.worker_policy(), self.session.state
        if not isinstance(policy, NetworkPolicy):
            msg = "only networks can be proved about; this policy is a rule"
            raise DnnExplainError(msg)
        wanted, within = str(self.answers["property"]), float(self.answers["within"])
        names = [name for name in self.names if name != ROBUST] if wanted == _ALL else [wanted]
        seconds, parts = float(self.options.get("seconds", 30.0)), int(self.options.get("parts", 4000))
        spec = spec_of(system)

        def work(task: Task) -> tuple[dict[str, Verdict], dict[str, str]] | None:
            verdicts: dict[str, Verdict] = {}
            failures: dict[str, str] = {}
            for place, name in enumerate(names):
                if task.enough.is_set():
                    break
                task.progress(place / len(names), f"Proving {name}")
                about = state if name == ROBUST else None
                try:
                    claim = named_property(spec, system, policy, name, about, within)
                    verdicts[name] = prove(
                        system, policy, claim, background=None if about is None else state.background,
                        budget=ProofBudget(seconds=seconds, parts=parts), cancel=task.enough,
                    )  # fmt: skip
                except DnnExplainError as error:
                    failures[name] = error_sentence(error)
            return (verdicts, failures) if verdicts or failures else None

        self.start(work, self._take, "Proving", keeps=True)

    def on_press(self, name: str) -> None:
        """Prove."""
        if name == "run":
            self.run()

    def headline(self) -> Headline:
        """How many properties hold."""
        proved = sum(item.verdict == "holds" for item in self.finding.values())
        what = "property is" if len(self.finding) == 1 else "properties are"
        return (f"{proved} of {len(self.finding)}", f"{what} proved for all states") if self.finding else ("", "")

    def on_answer(self, name: str, value: Any) -> None:
        """Another property, or a row was clicked."""
        if name == "property":
            self._show_controls()
        if name == "chosen" and value is not None:
            self.show_case(int(value[0] if isinstance(value, list | tuple) else value))

    def show_case(self, place: int) -> None:
        """Tell a verdict; where it is refuted, open its witness in the editor.

        Args:
            place: among the verdicts, from 0.
        """
        verdicts = list(self.finding.values())
        if not 0 <= place < len(verdicts):
            return
        verdict = verdicts[place]
        self.sentence = self._verdict_words(verdict)
        if verdict.witness is not None:
            pair = verdict.witness.ndim > 1
            self.session.state = State(verdict.witness[0] if pair else verdict.witness, self._background(verdict))
            if pair:
                moved = (verdict.witness[0] != verdict.witness[1]).nonzero()[0]
                knobs = self.session.system.knobs
                then = ", ".join(f"{knobs[at].name} = {number(float(verdict.witness[1][at]))}" for at in moved)
                self.sentence += f" The editor shows the first state; in the second, {then}."

    def _background(self, verdict: Verdict) -> Any:
        return self.session.state.background if verdict.claim.name == ROBUST else None

    def _verdict_words(self, verdict: Verdict) -> str:
        assumed = "".join(f" Assumed: {item}." for item in verdict.assumed)
        return f"{verdict.claim.text}. {verdict.sentence()}{assumed}"

    def _take(self, settled: tuple[dict[str, Verdict], dict[str, str]]) -> None:
        self.finding, self.failures = settled
        self.set_answers(chosen=None)
        self.figure = {"cells": self._table()}
        counts = {word: sum(item.verdict == kind for item in self.finding.values()) for kind, word in _WORDS.items()}
        told_ones = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        several = f"Of {counted(len(self.finding), 'property', 'properties')}: {told_ones}. A click on a row tells it; a refuted one opens in the editor."
        only = next(iter(self.finding.values()), None)
        self.sentence = (
            self._verdict_words(only)
            if len(self.finding) == 1 and only is not None
            else several
            if self.finding
            else ""
        )
        self.error = " ".join(f"{name}: {text}" for name, text in self.failures.items())

    def _table(self) -> dict[str, Any]:
        rows = []
        for item in self.finding.values():
            how = ", ".join(
                sorted({_HOW.get(case.how, case.how) for case in item.cases if case.verdict == item.verdict})
            )
            bound = (
                number(item.bound)
                if abs(item.bound) < float("inf")
                else ("no bound known" if item.bound > 0 else "nothing")
            )
            cells = [
                {"text": _WORDS[item.verdict], "shade": _SHADES.get(item.verdict, 0.0), "hint": item.sentence()},
                {"text": how if item.verdict != "open" or abs(item.bound) < float("inf") else "nothing settled it"},
                {"text": bound},
                {"text": f"{number(item.seconds)} s"},
            ]
            rows.append({"label": item.claim.text, "cells": cells})
        return {
            "caption": "Properties and what became of them", "corner": "Property",
            "columns": ["verdict", "how", "violated at most by, in raw outputs", "time"], "rows": rows, "pick": "row",
        }  # fmt: skip

    def _show_controls(self) -> None:
        options = [[_ALL, "all that are ready"], *[[name, name] for name in self.names]]
        controls: list[dict[str, Any]] = [
            {"kind": "select", "name": "property", "label": "Property", "options": options}
        ]
        if self.answers["property"] == ROBUST:
            controls.append(
                {
                    "kind": "number",
                    "name": "within",
                    "label": "Steps around this state",
                    "low": 1,
                    "high": 20,
                    "step": 1,
                }
            )
        self.controls = [*controls, {"kind": "button", "name": "run", "label": "Prove", "strong": True}]
