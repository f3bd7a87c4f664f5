"""What all tests share: one thread per library, one browser, and no browser test that is skipped unseen."""

import asyncio
import os
import signal
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy and torch are imported
os.environ.setdefault("DASK_DISTRIBUTED__LOGGING__DISTRIBUTED", "error")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a run in the background; children would not hear Ctrl-C either
    signal.signal(signal.SIGINT, signal.default_int_handler)

import hypothesis  # noqa: E402
import pytest  # noqa: E402

from tools import browser  # noqa: E402

# A machine with other work must not decide what passes: examples are counted, not timed.
hypothesis.settings.register_profile("counted", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("counted")

REQUIRE = "DNNEXPLAIN_REQUIRE_BROWSER"
TOGETHER = "tests/browser/"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium (Playwright's ``Browser``); make a page of your own: ``chromium.new_page()``."""
    path = browser.find()
    if path is None:
        pytest.skip(f"no Chromium here: install it, or set {browser.VARIABLE}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests with a browser are marked; those that share one worker come first, for nothing else takes as long."""
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Workers take whole files, and one of them all files with browsers: a server and a browser are started once.

    (Groups, ``--dist loadgroup``, do nothing with pytest 9.2 and xdist 3.8: the suffix is never seen.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class BrowsersTogether(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "browser" if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)

    return BrowsersTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With DNNEXPLAIN_REQUIRE_BROWSER=1 (as `make test` sets it) a skipped browser test is a failure."""
    report = yield
    wanted = os.environ.get(REQUIRE) == "1" and item.get_closest_marker("browser")
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {REQUIRE}=1 wants every browser test: {call.excinfo.value}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Hide the event loop that Playwright keeps in this thread from tests that have nothing to do with it."""
    loop = asyncio._get_running_loop()
    hide = loop is not None and not item.get_closest_marker("browser")
    if hide:
        asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        if hide:
            asyncio._set_running_loop(loop)


@pytest.fixture(autouse=True)
def nothing_assumed():
    """Each test begins as a command does: nothing was assumed yet."""
    from dnnexplain.assumptions import forget

    forget()


_HERE = Path.cwd()


@pytest.fixture(autouse=True)
def nothing_left_here():
    """A test writes into folders of its own: what lies in the project's folder may change what other tests read."""
    before = {item.name for item in _HERE.iterdir()}
    yield
    left = {item.name for item in _HERE.iterdir()} - before - {".hypothesis"}
    assert not left, f"left in {_HERE} by this test, or by one that ran beside it: {sorted(left)}"
