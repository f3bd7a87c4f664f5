"""All panels of one session on one page, for a laptop or a phone."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from dnnexplain.contract import Choice, DnnExplainError, Policy, State, System
from dnnexplain.memory import give_back, hand_large_blocks_back
from dnnexplain.registry import spec_of
from dnnexplain_widgets.contents import Contents
from dnnexplain_widgets.masthead import Loader, Masthead
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.editor import Preset
from dnnexplain_widgets.panels.guide import GuidePanel
from dnnexplain_widgets.panels.strip import StripPanel
from dnnexplain_widgets.panels.verdict import VerdictPanel
from dnnexplain_widgets.presets import presets_for
from dnnexplain_widgets.sections import LIVE, SECTIONS, Entry, kind_of, make_panel
from dnnexplain_widgets.session import MANY, Session
from dnnexplain_widgets.stills import display_after_still

__all__ = ["Dashboard"]

ADDS_UP = "integrated-gradients"
"""The method that a page opens with: its parts sum to what is explained, as a newcomer expects of them."""

_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")


class Dashboard(ipywidgets.Box):  # type: ignore[misc] # ipywidgets ships no types
    """State editor, decision, map and neurons of one system, and below them a section for each further question.

    In a notebook, one line shows it: ``Dashboard(make_system("deeprm"), policy)``.

    Args:
        system, policy, state: what to explain; without a state the page opens on the one that the system offers first, as
            the app does.
        title: of the page.
        lead: what is controlled and how the picture is read, a short paragraph for newcomers.
        policies: further networks to choose from, by name.
        loader: reads a file of weights; offers to bring your own network.
        presets: states to start from, by name; those that the system offers if not given.
        rules: names of the rules to compare with.
        options: a panel's own options by the name of its class, see ``OPTIONS`` of each.
        section: the key of the section that is open at first, see ``sections.SECTIONS``.
        leave_out: panels that this page does not have, by the names of their classes.
        link: what "Copy link" copied; the page opens as it was then.
        still: whether a notebook keeps a picture of it, for where widgets cannot be drawn.

    Raises:
        DnnExplainError: not a policy, an unknown section, a link that is damaged or of another system.
    """

    def __init__(
        self,
        system: System,
        policy: Policy,
        state: State | None = None,
        *,
        title: str = "",
        lead: str = "",
        policies: Mapping[str, Policy | Callable[[], Policy]] | None = None,
        loader: Loader | None = None,
        presets: Mapping[str, Preset] | None = None,
        rules: Sequence[str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        section: str = "",
        leave_out: Sequence[str] = (),
        link: str = "",
        still: bool = True,
    ) -> None:
        if not hasattr(policy, "outputs"):
            msg = f"a Dashboard explains a policy, not a {type(policy).__name__}; wrap a torch module: TorchPolicy(module, system)"
            raise DnnExplainError(msg)
        self._still = still
        if state is None or presets is None:
            first, offered = presets_for(system, policy)
            state, presets = first if state is None else state, offered if presets is None else presets
        if len(system.knobs) > MANY:
            hand_large_blocks_back()
            give_back()  # before: what system and policy left behind would be cut into pieces that cannot be given back
        self.session = session = Session(system, policy, state, rules=rules)
        session.question(method=ADDS_UP)
        session.want(*(part for entry in _fitting(LIVE, system) for part in kind_of(entry).WANTS))  # all at once
        self.masthead = Masthead(
            session=session,
            title=title or spec_of(system).question or f"What moves {system.name}?",
            policies=policies,
            loader=loader,
            lead="" if "GuidePanel" not in leave_out else lead,
        )
        self.masthead.add_class("dx-top")
        self.verdict = None if "VerdictPanel" in leave_out else VerdictPanel(session=session)
        self.guide = None if "GuidePanel" in leave_out else GuidePanel(session=session, lead=lead)
        self.strip = None if "StripPanel" in leave_out else StripPanel(session=session)
        for head in self._heads():
            head.add_class("dx-top")
        if self.strip is not None:
            self.strip.add_class("dx-strip-host")
        if self.verdict is not None and self.guide is not None:
            self.verdict.judged = self.guide.heard
        session.bring = self._bring
        editors = ("StateEditor", "GraphPanel", "TopologyPanel")
        self._options = {**{name: {"presets": presets} for name in editors}, **(options or {})}
        kept = {
            part.key: [entry for entry in part.entries if entry.name not in leave_out and entry.is_given(self._options)]
            for part in SECTIONS
        }
        self.fitting = {key: entries for key, those in kept.items() if (entries := _fitting(those, system))}
        session.at_hand = frozenset(entry.name for entries in self.fitting.values() for entry in entries)
        self.opened: dict[str, ipywidgets.Box] = {}
        self.live = self._make(_fitting(LIVE, system))
        self.contents = Contents(session=session, sections=[part for part in SECTIONS if part.key in self.fitting])
        self.contents.add_class("dx-top")
        super().__init__()
        self.add_class("dx-page")
        self.columns = self._columns(_fitting(LIVE, system))
        self.contents.observe(lambda _change: self.show(self.contents.section), "section")
        session.observe(self._on_section, "section")
        self.show(section or next(iter(self.fitting), ""))
        if link:
            self.open_link(link)
        if len(system.knobs) > MANY:
            gc.collect()
            give_back()  # making such a page leaves much memory behind that nobody uses

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels that were made so far, in reading order."""
        below = [panel for box in self.opened.values() for panel in box.children]
        return (self.masthead, *self._heads(), *self.live, *below)

    def panel(self, name: str) -> Panel:
        """The panel of a class by its name, ``board.panel("WhiteBoxPanel")``; its section is opened if need be.

        Raises:
            DnnExplainError: no panel of that name fits the system.
        """
        homes = {entry.name: key for key, entries in self.fitting.items() for entry in entries}
        if name in homes and homes[name] not in self.opened:
            self.show(homes[name])
        for panel in self.panels:
            if type(panel).__name__ == name:
                return panel
        raise Choice("panel", name, (*(type(panel).__name__ for panel in self.live), *homes)).error()

    def open_link(self, link: str) -> None:
        """Bring the page to the state, network, questions, section and appearance that "Copy link" kept.

        Raises:
            DnnExplainError: the link is damaged, or of another system.
        """
        self.masthead.follow(link)

    def close(self) -> None:
        """Stop all work and free everything that the page has of the dashboard: each panel, box and layout."""
        boxes = [*self.opened.values(), *self.columns.children, self.columns]
        for panel in (*self.panels, self.contents):
            panel.close()
        self.session.close()
        for box in boxes:
            box.layout.close()
            box.close()
        self.layout.close()
        super().close()

    def _ipython_display_(self) -> None:
        """As the last expression of a cell: the page, and what stands in its place where no widget can be drawn."""
        display_after_still(self, [panel for panel in self.live if panel.SAYS] if self._still else [])

    def __repr__(self) -> str:
        """What stands where widgets cannot be drawn: a saved notebook in a reader without them, a terminal."""
        return f"Dashboard of {self.session.system.name}, {self.session.policy.name}; run the cell in Jupyter to see it"

    def __del__(self) -> None:
        """A dashboard that could not be made has nothing of its own to close."""
        ipywidgets.Box.close(self)

    def show(self, section: str) -> None:
        """Show the panels of a section, which are made when it is opened for the first time."""
        if self.fitting and section not in self.fitting:
            raise Choice("section", section, tuple(self.fitting)).error()
        if section and section not in self.opened:
            self.opened[section] = _column(*self._make(self.fitting[section]))
        for key, box in self.opened.items():
            for panel in box.children:
                panel.on_page = key == section
        self.contents.section = self.session.section = section
        rows = [self.masthead, *self._heads(), self.columns]
        self.children = [*rows, self.contents, self.opened[section]] if section else rows

    def _heads(self) -> tuple[Panel, ...]:
        return tuple(item for item in (self.strip, self.guide, self.verdict) if item is not None)

    def _bring(self, name: str) -> Panel | None:
        """A panel is asked for by name: its section is opened."""
        for key, entries in self.fitting.items():
            if any(entry.name == name for entry in entries):
                self.show(key)
                return self.panel(name)
        return None

    def _on_section(self, _change: object) -> None:
        """A file or a link may name a section that this system does not have."""
        if self.session.section in self.fitting:
            self.show(self.session.section)
        elif self.fitting:
            self.session.section = self.contents.section

    def _make(self, entries: Sequence[Entry]) -> list[Panel]:
        return [make_panel(entry, self.session, self._options) for entry in entries]

    def _columns(self, entries: Sequence[Entry]) -> ipywidgets.Box:
        sides: dict[str, list[Panel]] = {"left": [], "right": [], "below": []}
        for entry, panel, place in zip(entries, self.live, _PLACES, strict=False):
            panel.add_class(f"dx-{place}")  # the order on a phone, where the two columns become one
            sides[entry.side].append(panel)
        boxes = {side: _column(*panels) for side, panels in sides.items() if panels}
        if "below" in boxes:
            boxes["below"].add_class("dx-wide-row")
        columns = ipywidgets.Box(list(boxes.values()))
        columns.add_class("dx-columns")
        return columns


def _fitting(entries: Sequence[Entry], system: System) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.fits(system))


def _column(*panels: Panel) -> ipywidgets.Box:
    box = ipywidgets.Box(list(panels))
    box.add_class("dx-column-box")
    return box
