"""A panel answers one question: its picture, a sentence that reads it, and everything around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import traitlets as t

from dnnexplain.contract import Choice, DnnExplainError, Policy, State, System
from dnnexplain.results import Result
from dnnexplain.twins import worker_copy
from dnnexplain_widgets.headlines import Headline, headline
from dnnexplain_widgets.jobs import Jobs
from dnnexplain_widgets.messages import scene
from dnnexplain_widgets.panels.answering import Answering
from dnnexplain_widgets.panels.compared import compared, read_result
from dnnexplain_widgets.python_code import panel_code
from dnnexplain_widgets.served import is_served, result_text
from dnnexplain_widgets.session import Session
from dnnexplain_widgets.stills import display_after_still
from dnnexplain_widgets.uploads import checked
from dnnexplain_widgets.web import FRAME
from dnnexplain_widgets.words import error_sentence

__all__ = ["Panel"]


class Panel(Answering):
    """The base of all panels: alone in a notebook cell, or joined to others by a session.

    A subclass names its question and its parts, and reads its answer from :attr:`result`::

        class Mine(Panel):
            QUESTION = "How far is the queue from full?"
            PARTS = ({"part": "picture"},)

    Args:
        system, policy, state: what to explain, for a panel that stands alone.
        session: what to share with other panels, instead.
        options: a subclass's own options, listed in ``OPTIONS``.

    Raises:
        DnnExplainError: neither a system and policy nor a session, or both; an unknown option.
    """

    QUESTION: ClassVar[str] = ""
    PARTS: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """What the page draws, from top to bottom; see MAKERS in widgets/page/src/entries/dashboard.js."""
    SAYS: ClassVar[str] = ""
    """The sentence of the live message that reads the picture, and the failure that belongs to it."""
    WANTS: ClassVar[tuple[str, ...]] = ()
    """The parts of live.PARTS that must be computed at each step."""
    OPTIONS: ClassVar[tuple[str, ...]] = ()
    COPYABLE: ClassVar[bool] = True
    WRITES: ClassVar[bool] = True
    """Whether the button "save" writes to the kernel's disk; on a page for other people it is a download instead."""

    PROMISE: ClassVar[str] = ""
    """What an answer will show and how long it takes, in a sentence: shown until there is one."""
    LATER: ClassVar[tuple[str, ...]] = ("seed",)
    """Controls that a first answer does not need, which wait behind "More": by name, or by the beginning of their names
    if it ends in a space."""
    COMPARES: ClassVar[bool] = False
    """Whether a saved result can be put beside :attr:`kept`; see ``explain.compare_with_saved``."""
    OPENS: ClassVar[str] = ""
    """The name under which :meth:`on_file` takes a saved result, for the menu "Save"."""

    _esm = FRAME

    kind = t.Unicode(help="The name of its class, by which the page finds it.").tag(sync=True)
    hub = t.Unicode(help="The model of the session in the page.").tag(sync=True)
    question = t.Unicode(help="The title.").tag(sync=True)
    parts: Any = t.List(help="What is drawn.").tag(sync=True)
    says = t.Unicode(help="Which sentence of the live message is shown.").tag(sync=True)
    presses = t.Dict(help="How often each button was pressed.").tag(sync=True, echo_update=False)
    upload = t.Dict(help="The newest file from a file control: {name, file, content}.").tag(
        sync=True, echo_update=False
    )
    code = t.Dict(help="The panel as Python, when asked for: {text, count}.").tag(sync=True)
    download = t.Dict(help="A file for the page to save: {name, text, count}.").tag(sync=True)
    comparison = t.Dict(help="A saved result beside the present one: {file, sentence, changes}; or nothing.").tag(
        sync=True
    )
    comparable = t.Bool(default_value=False, help="Whether a saved result can be compared with.").tag(sync=True)
    opens = t.Unicode(help="The file control's name that opens a saved result, or nothing.").tag(sync=True)
    hero = t.Dict(help="The one figure of the answer that is drawn large: {value, words}; or nothing.").tag(sync=True)
    promise = t.Unicode(help="What an answer will show; shown until there is one.").tag(sync=True)
    copyable = t.Bool(default_value=True, help="Whether the panel offers itself as Python.").tag(sync=True)
    on_page = t.Bool(
        default_value=True, help="Whether the panel is on the page now; work for each step may wait until it is."
    )
    child = t.Unicode(help="The model of another Jupyter widget that is the picture.").tag(sync=True)

    def __init__(
        self,
        system: System | None = None,
        policy: Policy | None = None,
        state: State | None = None,
        *,
        session: Session | None = None,
        **options: Any,
    ) -> None:
        for name in options:
            if name not in self.OPTIONS:
                raise Choice(f"option of {type(self).__name__}", name, ("session", *self.OPTIONS)).error()
        self.session = _session(type(self).__name__, system, policy, state, session)
        self.jobs = Jobs()
        self.options = options
        self.session.want(*self.WANTS)
        super().__init__(
            kind=type(self).__name__,
            hub=self.session.hub.model_id,
            question=self.QUESTION,
            parts=[dict(part) for part in self.PARTS],
            says=self.SAYS,
            promise=self.PROMISE,
            copyable=self.COPYABLE,
            comparable=self.COMPARES,
            opens=self.OPENS,
        )
        self._own_session = session is None
        self._then: tuple[Result, str] | None = None
        self._shown_beside: Any = None
        self.setup()
        self._show_hero()
        self.observe(self._show_hero, ["figure", "sentence"])
        self.observe(self._on_answers, "answers")
        self.observe(self._on_presses, "presses")
        self.observe(self._on_upload, "upload")
        self.watch_age()
        if self.COMPARES:
            self.observe(self._compare_again, ["figure", "sentence"])
            self.session.observe(self._compare_again, "live")

    def __repr__(self) -> str:
        """What stands where widgets cannot be drawn: a saved notebook in a reader without them, a terminal."""
        return f"“{self.question}”: a panel on {self.session.system.name}, {self.session.policy.name}; run the cell in Jupyter to see it"

    def _ipython_display_(self) -> None:
        """As the last expression of a cell: the panel, and what stands in its place where no widget can be drawn."""
        display_after_still(self, [self])

    # --- what a subclass may say ---

    def setup(self) -> None:
        """Make controls and observe the session; called once, when ``self.options`` are known."""

    def on_answer(self, name: str, value: Any) -> None:
        """A control was changed by the user."""

    def on_press(self, name: str) -> None:
        """A button was pressed."""

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A file was chosen."""

    @property
    def result(self) -> Any:
        """What the panel draws: the explainer's frozen result, to be saved, compared or plotted elsewhere."""
        return self.session.live

    @property
    def kept(self) -> Any:
        """What "Result, JSON" saves, and what a saved result is compared with."""
        return self.result

    def headline(self) -> Headline:
        """The one figure of :attr:`result` that is drawn large, and what it is."""
        return headline(self.result)

    def compare_with(self, then: Result, file: str) -> None:
        """Put a saved result beside the present one, and keep it there as that changes.

        Raises:
            DnnExplainError: there is no present result, or the two have nothing in common.
        """
        colours = scene(self.session.system)["colours"]
        self.comparison = compared(then, self.kept, file, colours)
        self._then, self._shown_beside = (then, file), self.kept

    def code_lines(self) -> tuple[str, ...]:
        """The Python that computes :attr:`result`, given ``system``, ``policy`` and ``state``."""
        return ()

    # --- what a subclass may use ---

    def close(self) -> None:
        """Stop working, and free what the panel has in the page; a panel that stands alone frees its session too."""
        self.drop()
        self.unobserve_all()
        self.layout.close()
        if self._own_session:
            self.session.close()
        super().close()

    def worker_policy(self) -> Policy:
        """The session's policy with a network of its own on the same weights: hooks are not thread-safe."""
        return worker_copy(self.session.policy)

    def set_answers(self, **answers: Any) -> None:
        """Put controls at values from Python."""
        self.answers = {**self.answers, **answers}

    def offer(self, name: str, text: str) -> None:
        """Have the page save a text as a file on the user's own disk."""
        self.download = {"name": name, "text": text, "count": self.download.get("count", 0) + 1}

    def copy_as_python(self) -> str:
        """A script that makes this panel, and computes what it shows, on its own."""
        return panel_code(type(self), self.session, self.code_lines())

    # --- the page's side ---

    def _show_hero(self, _change: object = None) -> None:
        value, words = self.headline() if self.figure and not self.SAYS else ("", "")
        self.hero = {"value": value, "words": words} if value else {}

    def _on_answers(self, change: Mapping[str, Any]) -> None:
        old, new = change["old"], change["new"]
        for name, value in new.items():
            if old.get(name) != value:
                self.error = ""
                self.guarded(self.on_answer, name, value)

    def _on_presses(self, change: Mapping[str, Any]) -> None:
        for name, count in change["new"].items():
            if change["old"].get(name) == count:
                continue
            self.error = ""
            if name == "cancel":
                self.cancel()
            elif name == "copy":
                self.guarded(self._copy)
            elif name == "uncompare":
                self._then, self.comparison = None, {}
            elif name == "result" or (name == "save" and self.WRITES and is_served()):
                self.guarded(self._offer_result)
            else:
                self.guarded(self.on_press, name)

    @t.validate("controls")
    def _valid_controls(self, proposal: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Nobody names files on the disk of a server; what can wait is marked so."""
        controls: list[dict[str, Any]] = proposal["value"]
        hide = self.WRITES and is_served()
        kept = [
            control
            for control in controls
            if not (hide and control.get("kind") == "text" and control.get("name") == "file")
        ]
        return [{**item, "more": True} if self._waits(str(item.get("name", ""))) else item for item in kept]

    def _waits(self, name: str) -> bool:
        """Whether a control waits behind "More"."""
        return any(name.startswith(late) if late.endswith(" ") else name == late for late in self.LATER)

    def _copy(self) -> None:
        self.code = {"text": self.copy_as_python(), "count": self.code.get("count", 0) + 1}

    def _offer_result(self) -> None:
        self.offer(f"dnnexplain-{type(self).__name__}.json", result_text(self.kept, self.session))

    def _on_upload(self, change: Mapping[str, Any]) -> None:
        given = change["new"]
        if not given:
            return
        self.error = ""
        self.guarded(self._receive, given)

    def _receive(self, given: Mapping[str, Any]) -> None:
        name, file, content = checked(given)
        if self.COMPARES and name == "compare":
            self.compare_with(read_result(content, file), file)
        else:
            self.on_file(name, file, content)

    def _compare_again(self, _change: object) -> None:
        """The present result is another one: so is what changed; a pair with nothing in common says so."""
        if self._then is None or self.busy or self.kept is self._shown_beside:
            return
        self._shown_beside = self.kept
        try:
            self.compare_with(*self._then)
        except DnnExplainError as error:
            self.comparison = {"file": self._then[1], "sentence": error_sentence(error), "changes": []}


def _session(
    name: str, system: System | None, policy: Policy | None, state: State | None, session: Session | None
) -> Session:
    if session is not None:
        if system is not None or policy is not None or state is not None:
            msg = f"{name} takes either system and policy, or session=; a session has its own system and policy"
            raise DnnExplainError(msg)
        return session
    if system is None or policy is None:
        msg = f"{name} needs what to explain: {name}(system, policy) or {name}(session=session)"
        raise DnnExplainError(msg)
    return Session(system, policy, state)
