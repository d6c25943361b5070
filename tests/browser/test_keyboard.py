"""The demo without a mouse: Tab reaches every control, arrow keys the rest of its group, and the focus is seen."""

from __future__ import annotations

import pytest

from tests.browser import demo

pytestmark = pytest.mark.browser

FILM = "ground-glass-2"
PAGES = {
    "read": "",
    "a film": f"?film={FILM}",
    "test set": "test_set",
    "films": "films",
    "how it works": "how_it_works",
    "train": "train",
    "trust": "trust",
    "about": "about",
}
MOST = 400  # presses of the Tab key
# Marks the control that has the focus; gives whether it was marked before, and whether a sighted visitor sees it there.
STEP = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return {again: false, shown: true, what: ""};
    const again = one.dataset.reached !== undefined;
    one.dataset.reached = "";
    const rung = part => {
        const style = getComputedStyle(part);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    };
    const near = [one, ...one.querySelectorAll("*")];
    for (let up = one.parentElement, n = 0; up && n < 3; up = up.parentElement, n++) near.push(up);
    return {again, shown: near.some(rung), what: one.outerHTML.slice(0, 200)};
}"""
# Controls that can be seen and used, and were not reached; of a group it is enough to reach one, arrows do the rest.
MISSED = """() => {
    const group = one => one.closest("[role=radiogroup], [role=group], [role=tablist], [role=grid]");
    const all = [...document.querySelectorAll("button, a[href], input, select, textarea, [role=slider], summary")];
    return all.filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled)
        .filter(one => one.getBoundingClientRect().width > 0 && one.ariaHidden !== "true")
        .filter(one => one.dataset.reached === undefined && !group(one)?.querySelector("[data-reached]"))
        .map(one => one.outerHTML.slice(0, 200));
}"""


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_key_reaches_every_control(visitor, address, network_name, name):
    separator = "&" if "?" in PAGES[name] else "?"
    demo.open_page(visitor, f"{address}/{PAGES[name]}{separator}network={network_name}")
    unseen, reached = [], 0
    for _ in range(MOST):
        visitor.keyboard.press("Tab")
        step = visitor.evaluate(STEP)
        if step["again"]:
            break
        reached += 1
        if not step["shown"]:
            unseen.append(step["what"])
    assert reached > 5
    assert visitor.evaluate(MISSED) == []
    assert unseen == []
