"""Nothing jumps while a score arrives: Chromium's own account of what moved without being asked."""

from __future__ import annotations

import pytest

from tests.browser import demo

pytestmark = pytest.mark.browser

GOOD = 0.1  # cumulative layout shift up to which a page stands still (web.dev/articles/cls)
WATCH = """() => {
    window.moved = [];
    new PerformanceObserver(list => {
        for (const one of list.getEntries())
            window.moved.push([one.value, ...one.sources.map(source => source.node?.outerHTML?.slice(0, 120))]);
    }).observe({type: "layout-shift"});
}"""
PUSH = """() => document.querySelector("[data-testid=stMainBlockContainer] h1").style.marginTop = "300px" """


def moved(page) -> list:
    """What moved since WATCH: the share of the window times the way, and what it was."""
    page.wait_for_timeout(200)
    return page.evaluate("window.moved")


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_while_a_score_arrives(visitor, address, network_name, film, width):
    visitor.set_viewport_size({"width": width, "height": 900})
    demo.open_page(visitor, f"{address}/?network={network_name}")
    visitor.evaluate(WATCH)
    demo.upload(visitor, film)
    assert demo.score(visitor) is not None
    seen = moved(visitor)
    assert sum(value for value, *_ in seen) < GOOD, seen
    visitor.evaluate(PUSH)  # a jump is seen where there is one
    assert sum(value for value, *_ in moved(visitor)) > GOOD
