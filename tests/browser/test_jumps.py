"""Nothing moves unexpectedly while a score arrives, by Chromium's layout shifts."""

from __future__ import annotations

import pytest

from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]

GOOD = 0.1  # cumulative layout shift up to which a page stands still (web.dev/articles/cls)
WATCH = """() => {
    const film = () => document.querySelector(".st-key-film_alone, .st-key-viewer");
    window.moved = [], window.shown = Infinity;
    new MutationObserver((_, self) => {
        if (film()) { window.shown = performance.now(); self.disconnect(); }
    }).observe(document.body, {childList: true, subtree: true});
    new PerformanceObserver(list => {
        for (const one of list.getEntries()) window.moved.push([one.startTime, one.value]);
    }).observe({type: "layout-shift"});
}"""
FRAME = 250  # milliseconds after which what the film itself moved is on the screen, on a busy machine too
MOVED = """frame => window.moved.filter(([time, _]) => time > window.shown + frame).map(([_, value]) => value)"""
PUSH = """() => document.querySelector("[data-testid=stMainBlockContainer] h1").style.marginTop = "300px" """


def moved(page) -> float:
    """How much of the window moved how far since the film that was given stands there, until now."""
    page.wait_for_timeout(200)
    return sum(page.evaluate(MOVED, FRAME))


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_while_a_score_arrives(visitor, address, network_name, film, width):
    visitor.set_viewport_size({"width": width, "height": 900})
    demo.open_page(visitor, f"{address}/?network={network_name}")
    visitor.evaluate(WATCH)
    demo.upload(visitor, film)
    assert demo.score(visitor) is not None
    assert moved(visitor) < GOOD
    visitor.evaluate(PUSH)  # a jump is seen where there is one
    assert moved(visitor) > GOOD
