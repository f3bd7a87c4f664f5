"""The training panel in a page: curves that grow while a process trains, stop, go on, explain."""

from __future__ import annotations

import threading

import pytest

from dnnexplain_widgets import TrainingPanel
from tests.browser.harness import until
from tests.widgets.test_training_panel import FakeCourse, FakeSchool


class SlowCourse(FakeCourse):
    """Waits before each iteration until it is let go, and obeys a stop."""

    def __init__(self, policy, lesson):
        super().__init__(policy, lesson)
        self.go = threading.Semaphore(0)

    def follow(self, tell):
        def heard(said):
            tell(said)
            if said["kind"] in {"begin", "step"} and self.done < 6:
                self.go.acquire()
                if self.stopped:
                    self.stopped, self.stop_at = False, self.done

        return super().follow(heard)

    def stop(self):
        super().stop()
        self.go.release()


class SlowSchool(FakeSchool):
    def course(self, policy, lesson):
        self.courses.append(SlowCourse(policy, lesson))
        return self.courses[-1]


@pytest.fixture
def opened(open_panels, deeprm, drawn, start):
    """Opens a page with the panel."""

    def show(**look):
        panel = TrainingPanel(deeprm, drawn, start, school=SlowSchool())
        return panel, open_panels(panel, **look)

    return show


@pytest.mark.parametrize(("width", "theme"), [(1100, "light"), (390, "dark")])
def test_curves_grow_while_it_trains_and_it_stops_and_goes_on(opened, width, theme):
    panel, harness = opened(width=width, theme=theme)
    page = harness.page
    assert not page.locator(".dx-lessons").is_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    until(harness, lambda: page.locator(".dx-lessons svg.dx-chart").count() == 2)
    lines = page.locator("path.dx-lesson-line")
    assert "L" not in lines.first.get_attribute("d")
    course = panel.school.courses[0]
    course.go.release(2)
    until(harness, lambda: lines.first.get_attribute("d").count("L") == 1)
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    assert "After 2 iterations" in page.locator(".dx-sentence").inner_text()
    page.get_by_role("button", name="Cancel").click()
    until(harness, lambda: not panel.busy)
    page.get_by_role("button", name="Go on").click()
    course.go.release(10)
    until(harness, lambda: lines.first.get_attribute("d").count("L") == 3)
    until(harness, lambda: not panel.busy)
    assert not page.get_by_role("button", name="Go on").is_visible()  # there is nothing left to go on with
    assert "after 6 iterations" in page.locator(".dx-lessons table").inner_text()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    boxes = [text.bounding_box() for text in page.locator(".dx-lessons svg.dx-chart text").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    course.begun_from = panel.worker_policy()
    page.get_by_role("button", name="Explain this network").click()
    until(harness, lambda: panel.session.policy is course.begun_from)
    for control in page.locator(".dx-controls [data-name]").all():
        assert control.evaluate("(el) => Boolean(el.labels?.length || el.textContent.trim())")
