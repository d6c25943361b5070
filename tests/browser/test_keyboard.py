"""The demo without a mouse: the Tab key reaches every control, or one of its group, where arrow keys go on."""

from __future__ import annotations

import pytest

from tests.browser import demo
from tests.browser.test_access import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.long]

MOST = 400  # presses of the Tab key
# Marks the control that has the focus; gives whether it is the first one again: once round.
STEP = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return false;
    window.first ??= one;
    const again = one === window.first && one.dataset.reached !== undefined;
    one.dataset.reached = "";
    return again;
}"""
# Controls that can be seen and used, and were not reached; of a group it is enough to reach one, arrows do the rest.
MISSED = """() => {
    const groups = ["radiogroup", "group", "toolbar", "tablist", "grid"].map(role => `[role=${role}]`).join();
    const group = one => one.closest(groups);
    const all = [...document.querySelectorAll("button, a[href], input, select, textarea, [role=slider], summary")];
    return all.filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled)
        .filter(one => one.getBoundingClientRect().width > 0 && one.ariaHidden !== "true")
        .filter(one => one.dataset.reached === undefined && !group(one)?.querySelector("[data-reached]"))
        .map(one => one.outerHTML.slice(0, 200));
}"""

HELD = "() => document.activeElement.outerHTML.slice(0, 200)"


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_key_reaches_every_control(visitor, address, network_name, name):
    separator = "&" if "?" in PAGES[name] else "?"
    demo.open_page(visitor, f"{address}/{PAGES[name]}{separator}network={network_name}")
    for _ in range(MOST):
        visitor.keyboard.press("Tab")
        if visitor.evaluate(STEP):
            break
    else:
        pytest.fail(f"{MOST} presses of Tab do not lead round the page: {visitor.evaluate(HELD)}")
    assert visitor.evaluate(MISSED) == []
