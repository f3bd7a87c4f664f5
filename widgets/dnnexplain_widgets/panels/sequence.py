"""The workload on which the network falls furthest behind: search, then watch it beside the rule."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError, Policy, Replay, Replayable, cost_is_ratio
from dnnexplain.explain.decisions.limits import parts_of, spans_of
from dnnexplain.explain.sequence.gap import BEST_RULE, MEASURES, OPTIMUM, Mutable
from dnnexplain.explain.sequence.result import SequenceAttack
from dnnexplain.explain.sequence.search import attack_sequence
from dnnexplain.explain.verdict.kept import best_known_rule
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.saved import OPEN_SAVED, same_system
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, run_pair
from dnnexplain_widgets.uploads import text_of
from dnnexplain_widgets.words import label, number

__all__ = ["WorstSequencePanel"]

STARTS = 24
ORACLE_SECONDS = 5.0


class WorstSequencePanel(WatchPanel):
    """On which workload does it fall furthest behind?"""

    QUESTION = "On which workload does it fall furthest behind?"
    PROMISE = "Press “Search”: the workload on which the network falls furthest behind, decision by decision beside the rule; it takes the time that “At most” says."
    LATER = ("measure", "limits", "seed", "saved")
    PARTS = ({"part": "timeline"},)
    SETTINGS = ("work", "against", "measure", "seed", "limits")

    def setup(self) -> None:
        """Controls: where to start, what to be held against, for how long."""
        system = self.session.system
        if not isinstance(system, Mutable) or not isinstance(system, Replayable):
            msg = f"workloads of {system.name} cannot be changed and watched (it needs mutate, scramble, combine and replay)"
            raise DnnExplainError(msg)
        self.finding: SequenceAttack | None = None
        self.best: Replay | None = None
        self.answers = {
            "work": next(iter(system.workload_names)), "against": best_known_rule(system, self.session.policy), "measure": _measures(system)[0],
            "seconds": 30, "seed": 1, "limits": "", "decision": 0, "follow": False,
        }  # fmt: skip
        self._show_controls()

    @property
    def result(self) -> SequenceAttack | None:
        """What the last search found."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The search by itself."""
        a = self.answers
        return (
            "from dnnexplain.explain.sequence import attack_sequence",
            f"starts = system.workloads({a['work']!r}, {STARTS}, {int(a['seed'])})",
            (
                f"found = attack_sequence(system, policy, starts, against={a['against']!r}, measure={a['measure']!r}, "
                f"limits={self.limits!r}, "
                f"seconds={float(a['seconds'])}, seed={int(a['seed'])})"
            ),
            "print(found.words)",
        )

    @property
    def limits(self) -> dict[str, tuple[int, int]]:
        """The bounds that are asked for, by what a workload is made of."""
        spans = spans_of(parts_of(self.answers["limits"]), "Bounds")
        return {name: (int(low), int(high)) for name, (low, high) in spans.items()}

    def search(self, resume: SequenceAttack | None = None) -> None:
        """Search, or go on from an earlier result, beside the page."""
        system: Any = self.session.system
        policy, answers, limits = self.worker_policy(), dict(self.answers), self.limits
        seed = int(answers["seed"])

        def work(task: Task) -> Watched:
            starts = system.workloads(answers["work"], STARTS, seed)
            attack = attack_sequence(
                system,
                policy,
                starts,
                against=answers["against"],
                measure=answers["measure"],
                limits=limits,
                seconds=float(answers["seconds"]),
                oracle_seconds=ORACLE_SECONDS,
                seed=seed,
                resume=resume,
                cancel=task.enough,
                progress=task.progress,
            )
            return _watched(system, policy, attack, task)

        self.start(work, self._show, "Searching", keeps=True)

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A saved result was given: run its workload, ready to be gone on with."""
        assert name == "saved"
        attack = SequenceAttack.from_json(text_of(file, content))
        same_system(self.session.system, attack.question, file)
        policy = self.worker_policy()
        settings = attack.question.settings
        limits = ", ".join(f"{name}={low}:{high}" for name, (low, high) in settings["limits"].items())
        self.set_answers(against=settings["against"], measure=settings["measure"], limits=limits)

        def shown(parts: Watched) -> None:
            self._show(parts)
            self.answered_before(attack.question)

        self.start(lambda task: _watched(self.session.system, policy, attack, task), shown, "Running the workload")

    def on_press(self, name: str) -> None:
        """Search, go on, open a decision, save."""
        if name == "search":
            self.search()
        elif name == "more":
            self.search(resume=self.finding)
        else:
            super().on_press(name)

    def on_answer(self, name: str, value: Any) -> None:
        """The scrubber moved."""
        if name == "decision" and self.pair is not None:
            self._say()
            self.step_to(int(value))

    @property
    def _others(self) -> tuple[Replay, ...]:
        return () if self.best is None else (self.best,)

    def _show(self, parts: Watched) -> None:
        self.finding, pair, self.best = parts
        self.figure = self.watch(pair, *self._others)
        self.badge = _badge(self.finding)
        self._show_controls()
        self._say()

    def _say(self) -> None:
        assert self.finding is not None
        assert self.pair is not None
        words = decision_words(self.system, self.pair, int(self.answers["decision"]), *self._others)
        self.sentence = f"{self.finding.words} {words}"

    def _show_controls(self) -> None:
        system: Any = self.session.system
        rules = [name for name in system.rules() if name != "random"]
        against = [[name, label(name)] for name in rules] + [[BEST_RULE, "the best rule"], [OPTIMUM, "the optimum"]]
        done = self.finding is not None
        self.controls = [
            {"kind": "select", "name": "work", "label": "Start from", "options": [[n, n] for n in system.workload_names]},
            {"kind": "select", "name": "against", "label": "Behind", "options": against},
            {"kind": "select", "name": "measure", "label": "Measured as", "options": [[name, name] for name in _measures(self.session.system)]},
            {"kind": "text", "name": "limits", "label": "Bounds", "placeholder": "none, or length=1:15, ...", "hint": "Lowest and highest value that a workload may have; the system's own if nothing is said."},
            {"kind": "number", "name": "seconds", "label": "At most", "unit": "s", "low": 1, "high": 3600, "step": 1},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "search", "label": "Search", "strong": True},
            {"kind": "button", "name": "more", "label": "Go on", "disabled": not done},
            OPEN_SAVED,
            *self.watch_controls(),
        ]  # fmt: skip


def _measures(system: Any) -> list[str]:
    """Ways to compare costs, the system's own first; no ratio where the cost is no ratio scale."""
    return [name for name in MEASURES if name != "ratio" or cost_is_ratio(system)]


Watched = tuple[SequenceAttack, Pair, Replay | None]


def _watched(system: Any, policy: Policy, attack: SequenceAttack, task: Task) -> Watched:
    """A result with its runs: network, rule, and the best schedule that the oracle knows."""
    workload = system.workload_from_json(attack.workload)
    pair = run_pair(system, policy, system.rules()[attack.rule_name], workload, task=task)
    best = system.replay_optimum(workload, seconds=ORACLE_SECONDS) if hasattr(system, "replay_optimum") else None
    return attack, pair, best


def _badge(attack: SequenceAttack) -> dict[str, Any]:
    interval = f"{number(attack.optimum_lower)} to {number(attack.optimum_upper)}"
    figures = [
        {"name": "Optimum", "value": number(attack.optimum_upper) if attack.proved_optimum else interval, "meaning": "proved, with all jobs known beforehand"},
        {"name": "Where the search started", "value": f"{number(attack.start_network)} against {number(attack.start_rule)}", "meaning": f"{attack.cost_name}, network against rule"},
        {"name": "Workloads run", "value": f"{attack.evaluated:,}", "meaning": f"in {number(attack.seconds)} s"},
    ]  # fmt: skip
    text = "Re-run from the saved workload; the optimum is bounded" + (" and proved" if attack.proved_optimum else "")
    return {"level": "green" if attack.proved_optimum else "amber", "text": text, "figures": figures}
