"""Pages below a path: through a proxy that cuts the prefix off, through one that leaves it, and as JupyterHub has it."""

import re
import sys

import pytest

from tests.browser.proxy import reverse_proxy
from tests.browser.servers import STARTING, arrive, start, stop

PREFIX = "/user/ada/tools/"


@pytest.fixture(scope="module")
def ports(chromium):
    """A server below the prefix that was named, and one that found JupyterHub's: process, its port, its prefix."""
    del chromium  # skip before a server is started
    command = [sys.executable, "-m", "dnnexplain"]
    named, url = start([*command, "serve", "--no-browser", "--warm", "0", "--base-url", PREFIX], r"http://\S+")
    found, hub = start([*command, "app", "--no-browser"], r"http://\S+", JUPYTERHUB_SERVICE_PREFIX="/user/ada/")
    yield {"named": (named, *parts(url)), "hub": (found, *parts(hub))}
    stop(named)
    stop(found)


def parts(url):
    port, path = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", url).groups()
    return int(port), path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "cut", "page"), [("named", False, "show/deeprm-5"), ("named", True, "show/deeprm-5"), ("hub", True, "")]
)
def test_a_dashboard_behind_a_prefix_comes_up_and_follows_a_change(ports, chromium, which, cut, page):
    process, port, prefix = ports[which]
    assert prefix == {"named": PREFIX, "hub": f"/user/ada/proxy/{port}/"}[which]
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * STARTING)
    browser = context.new_page()
    wrong = []
    browser.on("response", lambda answer: wrong.append((answer.status, answer.url)) if answer.status >= 400 else None)
    with reverse_proxy(port, prefix, cut=cut) as outside:
        url = f"http://127.0.0.1:{outside}{prefix}"
        arrive(browser, url + page, ".dx-outputs tr", process)
        before = browser.locator(".dx-outputs").first.inner_text()
        slider = browser.locator("input[type=range]").first
        slider.focus()
        slider.press("End")
        browser.wait_for_function("(old) => document.querySelector('.dx-outputs').innerText !== old", arg=before)
        browser.goto("about:blank")
        context.close()
    assert wrong == []


@pytest.mark.slow
def test_the_gallery_behind_a_prefix_leads_to_its_pages(ports, chromium):
    process, port, prefix = ports["named"]
    page = chromium.new_page()
    with reverse_proxy(port, prefix[:-1], cut=False) as outside:
        page.goto(f"http://127.0.0.1:{outside}{prefix[:-1]}")  # without the last slash
        assert page.url.endswith(prefix)
        link = page.locator("a.card").first
        assert link.evaluate("(one) => one.href").endswith(f"{prefix}show/deeprm-5")
    page.close()
    assert process.poll() is None
