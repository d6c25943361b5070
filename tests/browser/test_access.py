"""Accessibility of every page, by axe-core."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]

FILM = "ground-glass-2"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
FORMULAS = ".katex-display"  # Streamlit lets them scroll by a pixel, which axe takes for hidden text
PAGES = {
    "read": "",
    "a film": f"?film={FILM}",
    "similar": "?film=rg1&tool=Similar+X-rays",
    "results": "results",
    "browse": "browse",
    "map": "browse?map=true",
    "how it works": f"how_it_works?film={FILM}",
    "lab": "how_it_works?film=rg1&half=Explanation+lab",
    "train": "train_it_yourself",
    "trust": "can_you_trust_it",
    "about": "about",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visitor, address, network_name, name, scheme):
    visitor.emulate_media(color_scheme=scheme)
    separator = "&" if "?" in PAGES[name] else "?"
    demo.open_page(visitor, f"{address}/{PAGES[name]}{separator}network={network_name}")
    demo.grow(visitor)  # axe passes over what is scrolled out of sight
    violations = Axe().run(visitor, context={"exclude": [[FORMULAS]]}, options=RULES)
    assert violations.violations_count == 0, violations.generate_report()
    unnamed = visitor.locator("[data-testid=stPlotlyChart], [data-testid=stImage] img").evaluate_all(
        "all => all.filter(one => !(one.alt ?? one.querySelector('[aria-label]') ?? one.ariaLabel)"
        " && one.alt !== '').map(one => one.outerHTML.slice(0, 200))"
    )
    assert unnamed == []
