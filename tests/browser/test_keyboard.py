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


def test_the_code_of_a_step_is_opened_copied_and_closed_by_keyboard(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/how_it_works?network={network_name}")
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.locator(".st-key-code_preparation button").focus()
    visitor.keyboard.press("Enter")
    visitor.locator("[role=dialog] code").wait_for()
    for _ in range(6):
        visitor.keyboard.press("Tab")
        if visitor.evaluate("() => document.activeElement.dataset.testid") == "stCodeCopyButton":
            break
    visitor.keyboard.press("Enter")
    visitor.wait_for_function("async () => (await navigator.clipboard.readText()).includes('def preprocess(path):')")
    visitor.keyboard.press("Escape")
    visitor.locator("[role=dialog]").wait_for(state="detached")
    visitor.wait_for_function("() => document.activeElement.closest('.st-key-code_preparation')")
