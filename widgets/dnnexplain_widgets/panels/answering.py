"""What a panel shows is an answer: worked out beside the page, cancelled one way, never posing as a newer one's."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any, ClassVar

import traitlets as t

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.results import Question
from dnnexplain_widgets.jobs import Jobs, Task
from dnnexplain_widgets.panels.sparing import SparingControls
from dnnexplain_widgets.panels.subject import Subject
from dnnexplain_widgets.session import Session
from dnnexplain_widgets.words import error_sentence

__all__ = ["Answering"]

STOPPING = "Stopping, with what there is so far"
SO_FAR = "Stopped early: this is what there was by then."
STOPPED_BEFORE = "Stopped: nothing of it is kept, and what is shown is from before."
STOPPED_EMPTY = "Stopped: nothing of it is kept."


class Answering(SparingControls):
    """The base of :class:`Panel`: what it answers, for whom, and whether that is still what is asked.

    One rule for all panels: what was answered about another network, state or settings than the present ones
    stays, dimmed, with one note that says so and a button that asks anew. Work that began for another network
    goes on and says for which. After a cancel it is said that the work was stopped, and what is kept of it.
    """

    session: Session
    jobs: Jobs

    ABOUT: ClassVar[tuple[str, ...]] = ("policy",)
    """What an answer of :meth:`start` depends on: ``"policy"``, ``"state"``. It is outdated when that changes."""
    SETTINGS: ClassVar[tuple[str, ...]] = ()
    """The controls that an answer depends on, by name, or by the beginning of their names if it ends in a space."""

    answers = t.Dict(help="What the controls are at, by name.").tag(sync=True, echo_update=False)
    sentence = t.Unicode(help="Reads the picture; the live message's if empty.").tag(sync=True)
    badge = t.Dict(help="How far to trust it: {level, text, figures: [{name, value, meaning}]}.").tag(sync=True)
    error = t.Unicode(help="What went wrong, in one sentence; empty when all is well.").tag(sync=True)
    busy = t.Dict(help="What it is working on: {text, fraction, cancel (what else its button says)}.").tag(sync=True)
    outdated = t.Dict(
        help="What is shown answers an earlier question: {text, again (the button that asks anew), label}; or nothing."
    ).tag(sync=True)
    stopped = t.Unicode(help="After a cancel: that it was stopped, and what is kept.").tag(sync=True)
    figure = t.Dict(help="What a part of the panel's own draws.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._for: Subject | None = None
        self._answer_for: Subject | None = None
        self._keeps = False
        self._quick = False
        self._doing = ""
        super().__init__(**traits)

    def __del__(self) -> None:
        """A panel that could not be made has nothing of its own to close."""
        SparingControls.close(self)

    def watch_age(self) -> None:
        """Look at what is shown, whenever that or what is asked changes."""
        self.observe(self._judge_age, ["answers", "figure", "sentence", "badge", "controls"])
        self.session.observe(self._judge_age, "live")

    @property
    def result(self) -> Any:
        """The answer."""
        raise NotImplementedError

    def guarded(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call; a failure is shown in the error area instead of vanishing."""
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - shown to the user
            self.error = error_sentence(error)

    def start(
        self,
        work: Callable[[Task], Any],
        done: Callable[[Any], None],
        text: str,
        *,
        keeps: bool = False,
        part: bool = False,
        quick: bool = False,
    ) -> Task:
        """Work on a heavy question beside the page; shows progress, offers to cancel, reports a failure.

        Args:
            work: computes the answer in a thread; calls ``task.progress`` now and then.
            done: draws the answer.
            text: what is being done.
            keeps: whether the work watches ``task.enough`` (or hears :meth:`ending`) and then ends with what it has;
                ``None``, or an error that says so, is nothing.
            part: whether this only adds to the answer that is shown, rather than answering anew.
            quick: whether it will be over before anybody can read that it runs, so that only the answer is told, and
                the shown one passes for the present one until then.
        """
        self.error = self.stopped = ""
        self._for, self._keeps, self._quick = (None if part else self.subject()), keeps, quick
        if not quick:
            self._tell_busy(text, None)

        enough = Event()

        def watched(task: Task) -> Any:
            nonlocal enough
            enough = task.enough
            return work(task)

        def report(fraction: float | None, now: str) -> None:
            if not quick and not enough.is_set():  # what is said while it stops is that
                self._tell_busy(now or text, fraction)

        def finish(result: Any) -> None:
            self.busy = {}
            early = keeps and enough.is_set()
            if early and result is None:
                self._for = None
                self._say_nothing_kept()
                return
            self.stopped = SO_FAR if early else ""
            if self._for is not None:
                self._answer_for, self._for = self._for, None
            self.guarded(done, result)
            self._judge_age()

        def fail(error: BaseException) -> None:
            self.busy, self._for = {}, None
            if enough.is_set() and isinstance(error, DnnExplainError):  # it had nothing yet
                self._say_nothing_kept()
            else:
                self.error = error_sentence(error)

        return self.jobs.start(watched, finish, fail, report)

    def cancel(self) -> None:
        """End the work with what it has, if it can; else, or a second time, without an answer. It is said which."""
        task = self.jobs.current
        if task is None or not self._keeps or task.enough.is_set():
            working = task is not None and bool(self.busy)
            self.drop()
            if working:
                self._say_nothing_kept()
            return
        task.enough.set()
        self._tell_busy(STOPPING, None)  # no time left is told
        self.ending()

    def _say_nothing_kept(self) -> None:
        """The work was stopped, before it had anything or without waiting for it."""
        self.stopped = STOPPED_BEFORE if self.has_answer() else STOPPED_EMPTY

    def ending(self) -> None:
        """The work is to end with what it has; for work that cannot watch ``task.enough``."""

    def drop(self) -> None:
        """Stop working, without an answer."""
        self.jobs.cancel()
        self.busy, self._for = {}, None

    # --- whose answer it is ---

    @property
    def about(self) -> tuple[str, ...]:
        """What an answer depends on now; :attr:`ABOUT`, unless a control says otherwise."""
        return self.ABOUT

    def subject(self) -> Subject:
        """What an answer would be about, if it were asked for now."""
        policy = self.session.policy
        settings = {name: value for name, value in self.answers.items() if self._sets(name)}
        key = Subject.key_of(policy) if "policy" in self.about else None
        return Subject(policy.name, key, self.session.state if "state" in self.about else None, settings)

    def belongs(self, state: State) -> bool:
        """Whether a state is one that the answer itself found, so that looking at it makes nothing old."""
        del state
        return False

    def has_answer(self) -> bool:
        """Whether there is anything that could be old."""
        return self.result is not None and bool(self.figure or self.sentence or self.badge)

    def answered_before(self, question: Question) -> None:
        """A saved answer is shown: whose it is says its question."""
        now = self.subject()
        about_state = now.state is not None and question.state is not None
        state = self.session.system.state_from_json(question.state or {}) if about_state else None
        same = now.key == question.checkpoint or (not question.checkpoint and question.policy == now.policy)
        key = now.key if same else question.checkpoint or question.policy
        self._answer_for = Subject(question.policy, None if now.key is None else key, state, now.settings)
        self._judge_age()

    def _sets(self, name: str) -> bool:
        return any(name == item or (item.endswith(" ") and name.startswith(item)) for item in self.SETTINGS)

    def _judge_age(self, _change: object = None) -> None:
        """Say so when what is shown answers an earlier question, and when what runs does."""
        now, answered = self.subject(), self._answer_for
        text = ""
        coming = self._quick and self._for is not None and not self._for.differences(now, same_state=True)
        if answered is not None and self.has_answer() and not coming:
            same = answered.state is None or answered.state == now.state or self.belongs(self.session.state)
            text = answered.differences(now, same_state=same)
        again: dict[str, Any] = next((control for control in self.controls if control.get("strong")), {})
        age = (
            {"text": f"An earlier answer, {text}.", "again": again.get("name", ""), "label": "Run again"}
            if text
            else {}
        )
        if age != self.outdated:
            self.outdated = age
        if self.busy:
            self._tell_busy(self._doing, self.busy.get("fraction"))

    def _tell_busy(self, text: str, fraction: float | None) -> None:
        """What is being done; for whom, once another network was chosen."""
        self._doing = text
        other = self._for is not None and self._for.about_other_network(self.subject())
        whose = f" (for the network {self._for.policy})" if other and self._for is not None else ""
        busy = {"text": f"{text}{whose}", "fraction": fraction}
        if text == STOPPING:
            busy["cancel"] = "Do not wait, keep nothing"  # what the button does now
        if busy != self.busy:
            self.busy = busy
