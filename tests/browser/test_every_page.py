"""One visitor walks once through every page: the quick tests' part in the browser."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.browser import demo

pytestmark = pytest.mark.browser

CARRIED = "ground-glass-2"  # a film that the project carries
SHOWN = {  # path: what stands on the page at least
    "/results": "[data-testid=stPlotlyChart]",
    "/browse": "[data-testid=stImage], [class*=st-key-no-picture-]",
    "/how_it_works": "[data-testid=stImage] img",
    "/train_it_yourself": "[data-testid=stButton] button",
    "/can_you_trust_it": "[data-testid=stHeading] h2",
    "/about": "[data-testid=stMarkdown] a[href^=http]",
}


def test_a_walk_through_every_page(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/?film={CARRIED}&network={network_name}&threshold=0.55")
    score = demo.score(visitor)
    assert score is not None and visitor.get_by_alt_text("Grad-CAM").count()
    links = visitor.locator("[data-testid=stTopNavLink]")
    paths = [urlsplit(link.get_attribute("href")).path for link in links.all()]
    assert paths[0] in ("", "/") and set(paths[1:]) == set(SHOWN)
    titles = {visitor.locator("h1").first.inner_text()}
    for number, path in enumerate(paths[1:], 1):
        links.nth(number).click()
        visitor.wait_for_url(f"**{path}*")
        visitor.wait_for_function("titles => !titles.includes(document.querySelector('h1')?.innerText)", arg=[*titles])
        demo.settle(visitor)
        titles.add(visitor.locator("h1").first.inner_text())
        assert visitor.locator(SHOWN[path]).first.is_visible(), path
        assert visitor.locator("[data-testid=stException]").count() == 0, path
    assert len(titles) == len(paths)
    links.first.click()
    visitor.get_by_alt_text("Grad-CAM").first.wait_for()
    demo.settle(visitor)
    assert demo.score(visitor) == score and demo.threshold(visitor) == 0.55  # the scene came along
