"""What would guard it? A short list of rules that step in, with what they buy and cost; on and off, episode by episode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dnnexplain.contract import DnnExplainError, GuardedPolicy, Mutable, Policy, Replayable
from dnnexplain.explain.guards import Guard, Guarded, GuardReport, compile_guard, evaluate_guard, export_guard
from dnnexplain.registry import fair_rules
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.guard_words import figures_of, rules_told, stepped_words
from dnnexplain_widgets.panels.subject import Subject
from dnnexplain_widgets.panels.time_limit import TimeLimit
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, pair_sentence, run_pair
from dnnexplain_widgets.uploads import text_of

__all__ = ["GuardPanel"]

FILES = {"json": "guard.json", "python": "guard.py", "c": "guard.c", "javascript": "guard.js"}
"""What a guard is kept as, and the file's name."""
SIZES = {
    "quick": ("quick: 4 batches", {"sets": 40, "rounds": 4, "cycles": 1, "tries": 6}),
    "usual": ("usual: 6 batches", {"sets": 100, "rounds": 6, "cycles": 2, "tries": 20}),
    "thorough": ("thorough: 10 batches", {"sets": 100, "rounds": 10, "cycles": 3, "tries": 40}),
}
"""How much is tried: a label, and the counts; the middle one is what ``dnnexplain guard`` does."""
SECONDS = {"quick": 600.0, "usual": 1800.0, "thorough": 6000.0}
"""After so long, by the clock, the best guard until then is taken and measured, or what was measured of it is told."""
MADE = 0.75
"""Of the work and of that time, the share that making a guard takes; measuring it is the rest."""
EPISODES = 6
"""Usual workloads that can be looked at, beside the two worst ones."""


class GuardPanel(WatchPanel):
    """What would guard it?

    A guard is made on one half of the seeds, by tournaments in which guards are attacked and those that stand go on. Its
    figures are from the other half, under an attack that knows the guard. Switched on, every panel of the page is about
    the guarded network.

    Args:
        sets: usual workloads in each half of the seeds; this and what follows go before the size chosen on the page.
        rounds: batches of each attack.
        cycles: tournaments of guards while one is made.
        tries: guards that are attacked in a round of a tournament, at most.
    """

    QUESTION = "What would guard it?"
    PROMISE = "Press “Make a guard”: a few rules that step in where the network loses, and what they save on workloads that it was not made from; one to ten minutes if quick, by the system, and at most half an hour if usual or 100 minutes if thorough: what there is by then is shown."
    LATER = ("seed", "guard", "rule", "leave", "as", "keep")
    PARTS = ({"part": "cells"}, {"part": "timeline"})
    OPTIONS = ("sets", "rounds", "cycles", "tries")
    SETTINGS = ("family", "seed", "size")
    ABOUT = ("policy",)

    @property
    def system(self) -> Any:
        """The session's system; which panels it gets was asked before."""
        return self.session.system

    def setup(self) -> None:
        """Controls: workload, seed, make, open one; once there is one: on and off, episodes, rules, save."""
        self.guard: Guard | None = None
        self.report: GuardReport | None = None
        self._steps: tuple[str, ...] = ()
        families = list(self.system.workload_names)
        self.answers = {
            "family": families[0], "seed": 0, "size": "quick", "chosen": None, "on": False, "episode": "", "decision": 0,
            "follow": False, "rule": "0", "as": "json",
        }  # fmt: skip
        self._families = families
        self.session.observe(self._on_policy, "policy")
        self._show_controls()

    @property
    def result(self) -> GuardReport | None:
        """The guard on the other half of the seeds; ``None`` until one was made."""
        return self.report

    @property
    def bare(self) -> Policy:
        """The network without the guard, whichever of them the page explains."""
        policy = self.session.policy
        return policy.policy if isinstance(policy, GuardedPolicy) else policy

    def worker_policy(self) -> Policy:
        """The network without the guard, with a copy of its own."""
        policy = super().worker_policy()
        return policy.policy if isinstance(policy, GuardedPolicy) else policy

    def subject(self) -> Subject:
        """The bare network: switching the guard on and off makes no answer old."""
        return replace(super().subject(), policy=self.bare.name, key=Subject.key_of(self.bare))

    def code_lines(self) -> tuple[str, ...]:
        """The guard by itself."""
        sets, rounds, cycles, tries = self._sizes()
        seed = int(self.answers["seed"])
        return (
            "from dnnexplain.explain.guards import compile_guard, evaluate_guard",
            "from dnnexplain.registry import fair_rules",
            f"draw = lambda count, seed: system.workloads({self.answers['family']!r}, count, seed)",
            "rules = fair_rules(system)",
            f"guard = compile_guard(system, policy, draw, rules=rules, sets={sets}, rounds={rounds}, cycles={cycles}, tries={tries}, seed={seed})",
            f"print(evaluate_guard(system, policy, guard, draw, rules=rules, sets={sets}, rounds={rounds}, seed={seed}).words)",
        )

    def run(self, guard: Guard | None = None) -> None:
        """Make a guard (or take one) and measure it, beside the page; cancelled, it is the guard made so far."""
        system, policy = self.system, self.worker_policy()
        family, seed = str(self.answers["family"]), int(self.answers["seed"])
        sets, rounds, cycles, tries = self._sizes()
        rules, size = fair_rules(system), str(self.answers["size"])

        def draw(count: int, drawn: int) -> Any:
            return system.workloads(family, count, drawn)

        def work(task: Task) -> tuple[Guard, GuardReport] | None:
            limit = TimeLimit(task, SECONDS[size])
            made = guard or compile_guard(
                system, policy, draw, rules=rules, sets=sets, rounds=rounds, cycles=cycles, tries=tries, seed=seed,
                seconds=MADE * limit.seconds, stop=task.enough, progress=limit.stage(0.0, MADE),
            )  # fmt: skip
            if task.enough.is_set() and not made.rules:
                return None  # no guard was tried by then
            most = 1 if task.enough.is_set() else rounds
            report = evaluate_guard(
                system, policy, made, draw, rules=rules, sets=sets, rounds=most, seed=seed, seconds=limit.left,
                stop=task.enough, progress=limit.stage(MADE if guard is None else 0.0, 1.0),
            )  # fmt: skip
            return made, report

        self.start(work, self._take, "Making a guard", keeps=True)

    def watch_episode(self) -> None:
        """Run one workload with the guard and without, beside the page."""
        guarded, bare = self._guarded(self.worker_policy()), self.worker_policy()
        system, workload, seed = self.system, self._workload(), int(self.answers["seed"])

        def work(task: Task) -> tuple[Pair, tuple[str, ...]]:
            pair = run_pair(system, guarded, bare, workload, seed=seed, task=task)
            guarded.forget()
            return pair, stepped_words(guarded, pair.network.observations)

        self.start(work, self._show_episode, "Running the episode", part=True)

    def on_press(self, name: str) -> None:
        """Make one, look at an episode, leave a rule out, or keep it."""
        if name == "run":
            self.run()
        elif name == "watch":
            self.watch_episode()
        elif name == "leave" and self.guard is not None:
            rules = list(self.guard.rules)
            del rules[int(self.answers["rule"])]
            self.run(replace(self.guard, rules=tuple(rules)))
        elif name == "keep" and self.guard is not None:
            kind = str(self.answers["as"])
            self.offer(FILES[kind], export_guard(self.guard, kind, self.system))
        else:
            super().on_press(name)

    def on_answer(self, name: str, value: Any) -> None:
        """The guard was switched on or off, or the scrubber moved."""
        if name == "on":
            self._switch(on=bool(value))
        elif name == "decision" and self.pair is not None:
            self._say(int(value))
            self.step_to(int(value))

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A guard from a file, perhaps edited, is measured."""
        del name
        guard = Guard.from_json(text_of(file, content, "is no guard"))
        if guard.system != self.session.system.name:
            msg = f"{file} guards {guard.system}, not {self.session.system.name}"
            raise DnnExplainError(msg)
        self.run(guard)

    def _sizes(self) -> tuple[int, int, int, int]:
        usual = SIZES[str(self.answers["size"])][1]
        sets, rounds, cycles, tries = (int(self.options.get(name, value)) for name, value in usual.items())
        return sets, rounds, cycles, tries

    def _guarded(self, policy: Policy) -> Guarded:
        if self.guard is None:
            msg = "make a guard first, or open one"
            raise DnnExplainError(msg)
        wrapped: Any = Guarded(policy, self.guard, self.system)
        *imports, expression = getattr(policy, "python", (f"...  # {policy.name}",))
        mine = "from dnnexplain.explain.guards import Guard, Guarded"
        wrapped.python = (*imports, mine, f"Guarded({expression}, Guard.load('guard.json'), system)")
        guarded: Guarded = wrapped
        return guarded

    def _switch(self, *, on: bool) -> None:
        """Have the page explain the network with the guard, or without it."""
        policy = self._guarded(self.bare) if on else self.bare
        if Subject.key_of(policy) == Subject.key_of(self.session.policy):
            return
        if self.session.adopt is not None:
            self.session.adopt(policy.name, policy)
        else:
            self.session.policy = policy

    def _on_policy(self, _change: object) -> None:
        """Another network was chosen at the top: the switch says whether it is a guarded one."""
        on = isinstance(self.session.policy, GuardedPolicy)
        if on != self.answers["on"]:
            self.set_answers(on=on)

    def _workload(self) -> Any:
        chosen = str(self.answers["episode"])
        assert self.report is not None
        if chosen in ("without", "with"):
            return self.system.workload_from_json(getattr(self.report, f"workload_{chosen}"))
        drawn = self.system.workloads(str(self.answers["family"]), EPISODES, 2 * int(self.answers["seed"]) + 1)
        return drawn[int(chosen or 0)]

    def _take(self, made: tuple[Guard, GuardReport]) -> None:
        self.guard, self.report = made
        self.pair = None
        report = self.report
        self.figure = {"cells": figures_of(report, self.system)}
        rules = " ".join(
            f"Rule {place}: {words}."
            for place, words in enumerate(rules_told(self.guard, report, self.system), start=1)
        )
        timed = self.guard.ended_by == "seconds"
        none = (
            "No rule was found by then: the guard is empty. "
            if timed
            else "No rule makes the worst gap smaller at the nominal cost that is allowed: the guard is empty. "
        )
        ended = f" {self.guard.notes[0]}" if timed and self.guard.notes else ""
        self.sentence = f"{'' if report.guard else none}{report.words} {rules}{ended}".strip()
        worst = "without" if report.workload_without is not None else "0"
        self.set_answers(episode=worst, rule="0")
        self._show_controls()
        if self.answers["on"]:
            self._switch(on=True)

    def _show_episode(self, shown: tuple[Pair, tuple[str, ...]]) -> None:
        pair, self._steps = shown
        self.figure = {"cells": self.figure["cells"], **self.watch(pair)}
        self._show_controls()
        self._say(int(self.answers["decision"]))

    def _say(self, decision: int) -> None:
        assert self.pair is not None
        words = decision_words(self.system, self.pair, decision)
        self.sentence = f"{pair_sentence(self.pair)} {words} {self._steps[decision]}".strip()

    def _show_controls(self) -> None:
        self.controls = [
            {"kind": "select", "name": "family", "label": "Workload", "options": [[name, name] for name in self._families]},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "select", "name": "size", "label": "Size of each attack",
             "options": [[name, label] for name, (label, _) in SIZES.items()],
             "hint": "A batch is 96 workloads. A short attack finds less, and so says less of a guard."},
            {"kind": "button", "name": "run", "label": "Make a guard", "strong": True},
            {"kind": "file", "name": "guard", "label": "Open a guard", "accept": ".json"},
            *self._guard_controls(),
        ]  # fmt: skip

    def _guard_controls(self) -> list[dict[str, Any]]:
        """What can be done with a guard, once there is one."""
        if self.guard is None:
            return []
        hint = "JSON may be edited and opened here again; commands that run the network take it as a guard around it."
        controls: list[dict[str, Any]] = [
            {"kind": "check", "name": "on", "label": "Guard on",
             "hint": "The whole page is about the guarded network, and every decision says whether a rule stepped in."},
        ]  # fmt: skip
        if isinstance(self.system, Replayable):
            controls += [
                {"kind": "select", "name": "episode", "label": "Episode", "options": self._episodes()},
                {"kind": "button", "name": "watch", "label": "Run with and without"},
                *self.watch_controls(),
            ]
        rules = [[str(place), f"rule {place + 1}"] for place in range(len(self.guard.rules))]
        if rules:
            controls += [
                {"kind": "select", "name": "rule", "label": "Rule", "options": rules},
                {"kind": "button", "name": "leave", "label": "Measure without it"},
            ]
        files = [[kind, name.rpartition(".")[2]] for kind, name in FILES.items()]
        return [
            *controls,
            {"kind": "select", "name": "as", "label": "File", "options": files},
            {"kind": "button", "name": "keep", "label": "Keep as a file", "hint": hint},
        ]

    def _episodes(self) -> list[list[str]]:
        usual = [[str(place), f"usual workload {place + 1}"] for place in range(EPISODES)]
        if not isinstance(self.system, Mutable):
            return usual
        return [["without", "the worst without it"], ["with", "the worst with it"], *usual]
