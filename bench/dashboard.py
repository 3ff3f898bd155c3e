"""Rows of the dashboard in a real browser: first paint, and what an open page costs a server."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

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
