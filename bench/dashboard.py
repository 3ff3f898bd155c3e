"""Rows of the dashboard in a real browser: first paint, long lists, what an open page costs."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, sync_playwright

from bench.harness import Size, percentile, row
from bench.http import first_result, served
from bench.process import share_of_a_core

FINDER = Path(__file__).parents[1] / "scripts" / "chromium"

PAINT = """() => new Promise(resolve => new PerformanceObserver(found => {
  const paint = found.getEntries().find(each => each.name === "first-contentful-paint");
  if (paint) resolve(paint.startTime);
}).observe({type: "paint", buffered: true}))"""


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium, as the tests have it."""
    program = subprocess.run([FINDER], capture_output=True, text=True, check=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@row("first paint of the dashboard", "ms", "a page of text of the same server")
def first_paint(folder: Path, size: Size) -> Mapping[str, float]:
    """First contentful paint, counted from the click; each in a browser that has cached nothing.

    `drawn`: until its headline stands there, with what the API has said.
    """
    count = size.of(15)
    with served(folder) as server:
        asyncio.run(first_result(server.port))
        address = f"http://127.0.0.1:{server.port}"
        with browsing() as browser:
            opened = [_opened(browser, address) for _ in range(count)]
            bare = [_opened(browser, f"{address}/problems/not-finished") for _ in range(count)]
    paints, drawn = [each[0] for each in opened], [each[1] for each in opened]
    return {
        "p50": percentile(paints, 0.5),
        "p99": percentile(paints, 0.99),
        "drawn, p50": percentile(drawn, 0.5),
        "raw": percentile([each[0] for each in bare], 0.5),
    }


def _opened(browser: Browser, address: str) -> tuple[float, float]:
    context = browser.new_context()
    try:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator("h1").first.wait_for()
        seconds = time.perf_counter() - began
        return page.evaluate(PAINT), seconds * 1000
    finally:
        context.close()


@row("an idle dashboard that is open", "% CPU", "the same server without one")
def idle(folder: Path, size: Size) -> Mapping[str, float]:
    """Share of one core that the server and its worker use while one looks and nothing happens."""
    with served(folder) as server:
        asyncio.run(first_result(server.port))
        bare = share_of_a_core(server, size.of(20))
        with browsing() as browser:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.port}")
            page.locator("h1").first.wait_for()
            return {"offload": share_of_a_core(server, size.of(20)), "raw": bare}


AT_ONCE = 1000
STEPS = 30

WATCH = """() => {
  window.tasks = [0];
  new PerformanceObserver(found => found.getEntries().forEach(each => tasks.push(each.duration)))
    .observe({type: "longtask"});
}"""

STEP = """async (share) => {
  scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * share);
  for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
}"""


@row("a step through 10,000 jobs", "ms", "a step through 100 jobs")
def scrolling(folder: Path, size: Size) -> Mapping[str, float]:
    """What the page's thread works for each of 30 steps through the whole list, four frames each.

    `longest task`: 0 where none took 50 ms, the browser's own bound for a long one.
    """
    with served(folder, "--capacity", "20000") as server, browsing() as browser:
        address = f"http://127.0.0.1:{server.port}"
        _start(browser, address, 100)
        bare, _ = _scrolled(browser, address, 100)
        _start(browser, address, size.of(10_000) - 100)
        steps, longest = _scrolled(browser, address, size.of(10_000))
    return {
        "p50": percentile(steps, 0.5),
        "longest": max(steps),
        "longest task": longest,
        "raw": percentile(bare, 0.5),
    }


def _start(browser: Browser, address: str, jobs: int) -> None:
    page = browser.new_page()
    assert page.request.post(f"{address}/v1/queues/default/pause", data={}).ok
    for first in range(0, jobs, AT_ONCE):
        made = [{"task": "noop", "params": {"n": 1}}] * min(AT_ONCE, jobs - first)
        assert page.request.post(f"{address}/v1/jobs", data=made).ok
    page.close()


def _scrolled(browser: Browser, address: str, jobs: int) -> tuple[list[float], float]:
    page = browser.new_page()
    page.goto(f"{address}/#/jobs")
    shown = page.locator(".after .figure")
    while not (shown.text_content() or "").startswith(f"{jobs:,} "):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(WATCH)
    worked = []
    for step in range(STEPS + 1):
        before = _busy_ms(session)
        page.evaluate(STEP, step / STEPS)
        worked.append(_busy_ms(session) - before)
    longest: float = page.evaluate("Math.max(...window.tasks)")
    page.close()
    return worked, longest


def _busy_ms(session: CDPSession) -> float:
    """Return how long the page's thread has worked: other programs of the machine do not count."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    seconds = next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")
    return seconds * 1000
