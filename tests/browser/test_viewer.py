"""The viewer on the first page: in the first window, by mouse, by keyboard, by touch, and without the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from covid_model.app.components import perturb
from covid_model.formatting import MODEL_SCORE
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]
FILM, OTHER = "rg1", "clear-average"  # a real X-ray and a simulated one, with stored predictions
VIEWER = ".st-key-viewer"


def bottom(box: dict) -> float:
    return box["y"] + box["height"]


def view(page, pane: str = "map") -> tuple[float, float, float]:
    """Where a pane's picture is moved to, in pixels, and how far it is enlarged."""
    style = page.locator(f"{VIEWER} [data-pane={pane}] .frame").get_attribute("style")
    numbers = re.search(r"translate\(([-\d.]+)px, ([-\d.]+)px\) scale\(([\d.]+)\)", style)
    return tuple(float(number) for number in numbers.groups())


def tones(page) -> str:
    return page.locator(f"{VIEWER} [data-pane=film] .film").evaluate("image => image.style.filter")


def divider(page) -> float:
    return float(page.locator(f"{VIEWER} [role=slider]").get_attribute("aria-valuenow"))


def middle(page) -> tuple[float, float]:
    """A point of the stage beside the divider."""
    box = page.locator(f"{VIEWER} .stage").bounding_box()
    return box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"]


def open_film(page, address: str, network: str, more: str = "") -> None:
    sent = page.sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    demo.open_page(page, f"{address}/?film={FILM}&network={network}{more}")
    page.locator(f"{VIEWER} [data-pane=map] .film").wait_for()


@contextmanager
def without_the_server(page) -> Iterator[None]:
    """What is done inside sends nothing to the server."""
    before = len(page.sent)
    assert before  # the page did talk to it
    yield
    page.wait_for_timeout(300)
    assert len(page.sent) == before


def sideways(page) -> int:
    return page.evaluate(
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth - main.clientWidth })()"
    )


def test_verdict_and_pictures_are_in_the_first_window(visitor, address, network_name):
    open_film(visitor, address, network_name)
    score = visitor.locator("[data-testid=stMetric]", has_text=MODEL_SCORE)
    verdict = visitor.get_by_text("calls this X-ray").first
    pictures = [visitor.locator(f"{VIEWER} [data-pane={pane}]") for pane in ("film", "map")]
    for part in (score, verdict, visitor.locator("#what-if"), *pictures):
        assert bottom(part.bounding_box()) <= 900
    assert all(picture.bounding_box()["height"] >= 400 for picture in pictures)
    assert sideways(visitor) <= 1


def test_verdict_and_pictures_are_one_swipe_away_on_a_phone(phone, address, network_name):
    open_film(phone, address, network_name)
    score = phone.locator("[data-testid=stMetric]", has_text=MODEL_SCORE).bounding_box()
    stage = phone.locator(f"{VIEWER} .stage").bounding_box()
    assert bottom(stage) - score["y"] <= 844 and bottom(stage) <= 2 * 844  # in one window, after one swipe
    assert stage["width"] >= 350 and sideways(phone) <= 1


def test_wheel_and_drag(visitor, address, network_name):
    open_film(visitor, address, network_name)
    whole = view(visitor)
    with without_the_server(visitor):
        visitor.mouse.move(*middle(visitor))
        visitor.mouse.wheel(0, -900)
        zoomed = view(visitor)
        assert zoomed[2] > 3 * whole[2] and view(visitor, "film") == zoomed  # both pictures alike
        visitor.mouse.down()
        visitor.mouse.move(middle(visitor)[0] + 60, middle(visitor)[1] + 40, steps=4)
        visitor.mouse.up()
        moved = view(visitor)
        assert (moved[0] - zoomed[0], moved[1] - zoomed[1], moved[2]) == pytest.approx((60, 40, zoomed[2]), abs=1)
        visitor.locator(VIEWER).get_by_role("button", name="Reset").click()
        assert view(visitor) == whole


def test_the_page_scrolls_over_a_picture_that_is_not_enlarged(visitor, address, network_name):
    open_film(visitor, address, network_name)
    whole = view(visitor)
    visitor.mouse.move(*middle(visitor))
    visitor.mouse.wheel(0, 400)
    visitor.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop > 0")
    assert view(visitor) == whole


def test_window_and_level(visitor, address, network_name):
    open_film(visitor, address, network_name)
    with without_the_server(visitor):
        assert tones(visitor) == "none"
        visitor.locator(f"{VIEWER} [name=preset]").select_option("Lungs")
        lungs = tones(visitor)
        assert lungs != "none"
        x, y = middle(visitor)
        visitor.mouse.move(x, y)
        visitor.mouse.down(button="right")
        visitor.mouse.move(x - 50, y + 50, steps=4)
        visitor.mouse.up(button="right")
        assert tones(visitor) not in ("none", lungs) and view(visitor)[2] == 1
        assert visitor.locator(f"{VIEWER} [name=preset]").input_value() == "Custom"
        visitor.locator(f"{VIEWER} [name=drag]").select_option("tones")
        before = tones(visitor)
        visitor.mouse.down()
        visitor.mouse.move(x, y, steps=4)
        visitor.mouse.up()
        assert tones(visitor) != before
        visitor.locator(VIEWER).get_by_role("button", name="Reset").click()
        assert tones(visitor) == "none"


def test_parts_and_opacity(visitor, address, network_name):
    open_film(visitor, address, network_name)
    heat = [visitor.locator(f"{VIEWER} .heat[data-side={side}]") for side in ("for", "against")]
    shown = lambda: [float(layer.evaluate("image => image.style.opacity")) for layer in heat]  # noqa: E731
    with without_the_server(visitor):
        assert shown() == [0.45, 0]
        visitor.locator(VIEWER).get_by_role("button", name="Both").click()
        assert shown() == [0.45, 0.45]
        visitor.locator(f"{VIEWER} [name=opacity]").press("End")
        assert shown() == [1, 1]
        visitor.locator(VIEWER).get_by_role("button", name="Side by side").click()
        film, cam = (visitor.locator(f"{VIEWER} [data-pane={pane}]").bounding_box() for pane in ("film", "map"))
        assert film["x"] + film["width"] < cam["x"] and film["width"] == pytest.approx(cam["width"], abs=1)
        visitor.locator(VIEWER).get_by_role("button", name="Grad-CAM").click()
        assert not visitor.locator(f"{VIEWER} [data-pane=film]").is_visible()


def test_the_keyboard_does_it_all(visitor, address, network_name):
    open_film(visitor, address, network_name)
    stage = visitor.locator(f"{VIEWER} .stage")
    whole = view(visitor)
    with without_the_server(visitor):
        stage.focus()
        for _ in range(3):
            visitor.keyboard.press("+")
        zoomed = view(visitor)
        assert zoomed[2] > 2
        visitor.keyboard.press("ArrowRight")
        visitor.keyboard.press("ArrowUp")
        moved = view(visitor)
        assert moved[0] < zoomed[0] and moved[1] > zoomed[1]
        visitor.keyboard.press("-")
        assert view(visitor)[2] < zoomed[2]
        visitor.keyboard.press("0")
        assert view(visitor) == whole
        assert stage.evaluate("stage => getComputedStyle(stage).outlineStyle") == "solid"  # the focus is seen
        visitor.keyboard.press("Tab")  # on to the divider
        assert divider(visitor) == 50
        visitor.keyboard.press("ArrowRight")
        visitor.keyboard.press("PageDown")
        assert divider(visitor) == 42
        visitor.keyboard.press("Home")
        assert divider(visitor) == 0
        names = []
        for _ in range(14):
            visitor.keyboard.press("Tab")
            names.append(
                visitor.evaluate(
                    "() => { let at = document.activeElement; while (at.shadowRoot?.activeElement)"
                    " at = at.shadowRoot.activeElement; return at.value + (at.name ?? '') }"
                )
            )
        assert {"wipe", "map", "for", "against"} <= set(names)
        assert {"opacity", "window", "level", "in", "out", "reset"} <= {re.sub(r"^[\d.]+", "", name) for name in names}


def test_two_fingers_zoom(phone, address, network_name):
    open_film(phone, address, network_name)
    phone.locator(f"{VIEWER} .stage").scroll_into_view_if_needed()
    x, y = middle(phone)
    touches = phone.context.new_cdp_session(phone)
    for kind, apart in (("touchStart", 30), ("touchMove", 50), ("touchMove", 80), ("touchEnd", None)):
        points = [] if apart is None else [{"x": x + side * apart, "y": y, "id": side + 1} for side in (-1, 1)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert view(phone)[2] == pytest.approx(80 / 30, rel=0.3)


def test_the_view_is_kept_when_the_picture_changes(visitor, address, network_name):
    open_film(visitor, address, network_name)
    stage = visitor.locator(f"{VIEWER} .stage")
    stage.focus()
    visitor.keyboard.press("+")
    visitor.keyboard.press("+")
    zoomed = view(visitor)
    source = visitor.locator(f"{VIEWER} [data-pane=map] .film").get_attribute("src")
    visitor.locator(f".st-key-try-{OTHER} button").click()
    visitor.wait_for_function(
        "([viewer, source]) => { const root = document.querySelector(viewer); if (!root) return false;"
        " const all = [root, ...root.querySelectorAll('*')].map(one => one.shadowRoot).filter(Boolean);"
        " return all.some(one => one.querySelector('[data-pane=map] .film')?.getAttribute('src') !== source) }",
        arg=[VIEWER, source],
    )
    demo.settle(visitor)
    assert view(visitor)[2] == zoomed[2]


def test_a_click_moves_the_marker(visitor, address, network_name):
    open_film(visitor, address, network_name, f"&change={perturb.LABELS['arrow'].replace(' ', '+')}")
    visitor.locator(VIEWER).get_by_role("button", name="Changed").wait_for()
    demo.settle(visitor)
    box = visitor.locator(f"{VIEWER} .stage").bounding_box()
    visitor.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.25 * box["height"])
    visitor.wait_for_url(re.compile(rf"{perturb.ARROW_AT}="), timeout=demo.PATIENCE)
    demo.settle(visitor)
    clicked = re.search(rf"{perturb.ARROW_AT}=([\d.]+)(?:,|%2C)([\d.]+)", visitor.url)
    assert 0.2 < float(clicked[1]) < 0.5 and float(clicked[2]) == pytest.approx(0.25, abs=0.02)

    visitor.locator(f"{VIEWER} .stage").focus()  # and by keyboard: the crosshair starts in the middle
    visitor.keyboard.press("ArrowDown")
    visitor.keyboard.press("Enter")
    visitor.wait_for_url(re.compile(rf"{perturb.ARROW_AT}=0\.5(,|%2C)0\.52"), timeout=demo.PATIENCE)
