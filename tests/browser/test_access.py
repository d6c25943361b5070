"""Who sees badly: every page by axe-core; and nothing jumps while a score arrives."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import demo

pytestmark = pytest.mark.browser

FILM = "ground-glass-2"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
FORMULAS = ".katex-display"  # Streamlit lets them scroll by a pixel, which axe takes for hidden text
PAGES = {
    "read": "",
    "a film": f"?film={FILM}",
    "test set": "test_set",
    "films": "films",
    "how it works": "how_it_works",
    "how it works, run": f"how_it_works?film={FILM}&run=1",
    "train": "train",
    "trust": "trust",
    "about": "about",
}
JUMP = 0.1  # the most that a page may shift, in all, to be called steady (web.dev/cls)
WATCH = """() => {
  window.shifts = [], window.waiting = null;  // what moved, and since when a placeholder has stood there
  new MutationObserver(() => {
    if (document.querySelector("[data-testid=stSkeleton]")) window.waiting ??= performance.now();
  }).observe(document.body, {childList: true, subtree: true});
  new PerformanceObserver(list => list.getEntries().forEach(one => window.shifts.push(
    [one.startTime, one.value, one.sources.map(at => at.node?.outerHTML?.slice(0, 120)).join(" | ")]
  ))).observe({type: "layout-shift"});
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visitor, address, network_name, name, scheme):
    visitor.emulate_media(color_scheme=scheme)
    separator = "&" if "?" in PAGES[name] else "?"
    demo.open_page(visitor, f"{address}/{PAGES[name]}{separator}network={network_name}")
    demo.grow(visitor)  # axe passes over what is scrolled out of sight
    found = Axe().run(visitor, context={"exclude": [[FORMULAS]]}, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    unnamed = visitor.locator("[data-testid=stPlotlyChart], [data-testid=stImage] img").evaluate_all(
        "all => all.filter(one => !(one.alt ?? one.querySelector('[aria-label]') ?? one.ariaLabel)"
        " && one.alt !== '').map(one => one.outerHTML.slice(0, 200))"
    )
    assert unnamed == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_while_a_score_arrives(visitor, address, network_name, width):
    visitor.set_viewport_size({"width": width, "height": 900})
    demo.open_page(visitor, f"{address}/?network={network_name}&film={FILM}")  # what jumps is not the loading of code
    visitor.evaluate(WATCH)
    visitor.locator(".st-key-try-clear-average button").click()
    demo.settle(visitor)
    since = visitor.evaluate("window.waiting")
    assert since is not None and demo.score(visitor) is not None
    moved = [one for one in visitor.evaluate("window.shifts") if one[0] > since]
    assert sum(value for _, value, _ in moved) < JUMP, moved
