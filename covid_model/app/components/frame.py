"""Draw what surrounds every page: the footer with the notice, presenter mode, and the name of the page on a phone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from covid_model import config
from covid_model.app import state, widgets

NOTICE_KEY, PRESENT_KEY = "notice", "presenter"  # keys of the footer's chip and of the presenter's switch
BACK_KEY, NEXT_KEY = "page_back", "page_next"
PREVIOUS, FOLLOWING = "page-before", "page-after"  # in the session: the pages next to this one
BACK_SHORTCUT, NEXT_SHORTCUT = "PageUp", "PageDown"  # what a presenter's remote sends
STORY = "can_you_trust_it"  # the path of the page whose screens use the same keys: it goes on to its neighbors itself
PRESENTED = round(16 * widgets.PRESENTED)  # pixels: the size of text in presenter mode

# On a phone Streamlit keeps the pages behind a bare arrow: write the open page's name there instead. The footer is
# pushed to the end of the window if the page is shorter.
# The whole surface of a card is its link, that of a tile its button, stretched over it; other links stay above it.
# The segments of a control are drawn apart: joined, they look torn where they wrap onto a second line.
STYLE = """<style>
[data-testid=stExpandSidebarButton] {{width: auto; padding: 0.25rem 0.75rem; border: 1px solid currentColor}}
[data-testid=stExpandSidebarButton] > span {{display: none}}
[data-testid=stExpandSidebarButton]::after {{content: "{title} \\25BE"; font-weight: 600; white-space: nowrap}}
.st-key-page h1 {{padding: 0 0 0.5rem}}
.st-key-uploader section {{max-height: 9rem; overflow-y: auto}}
.st-key-samples [class*=st-key-try-] button {{min-height: 4rem; height: auto; padding-inline: 0.4rem}}
h1, h2, h3 {{text-wrap: balance}}
p, li {{text-wrap-style: pretty}}
@media (max-width: 640px) {{.katex-display {{font-size: 0.85em; overflow-x: auto; overflow-y: hidden}}}}
:is([data-testid=stMetricLabel], [data-testid=stMetricDelta], [data-testid=stMetricDeltaDescription])
 :is(div, p) {{white-space: normal; overflow: visible}}
[class*=st-key-section_] {{border-bottom: 1px solid color-mix(in srgb, currentColor 40%, transparent)}}
:is([class*=st-key-card_], [class*=st-key-tile_]) {{position: relative}}
:is([class*=st-key-card_], [class*=st-key-tile_]) > .stElementContainer:has(.stPageLink, .stButton) {{position: static}}
:is([class*=st-key-card_], [class*=st-key-tile_]) :is(.stPageLink a, .stButton button)::after {{content: "";
 position: absolute; inset: 0; z-index: 1}}
:is([class*=st-key-card_], [class*=st-key-tile_])  .stHtml a {{position: relative; z-index: 2}}
:is([class*=st-key-card_], [class*=st-key-tile_]) [data-testid=stElementToolbar] {{display: none}}
.st-key-models [role=radiogroup] {{flex-direction: column}}
[role=radiogroup]:has(> button[data-variant=segmented_control]) {{gap: 0.25rem; flex-wrap: wrap}}
button[data-variant=segmented_control] {{margin: 0; border-radius: 0.375rem}}
button[data-variant=segmented_control][aria-checked=false] {{
 border-color: color-mix(in srgb, currentColor 25%, transparent) !important}}
[class*=st-key-tile_] button p {{hyphens: auto; overflow-wrap: normal}}
[data-testid=stFileUploaderDropzone] span {{white-space: normal}}
.st-key-samples_compact img {{height: 4rem; object-fit: cover}}
.st-key-samples_compact button {{min-height: 0; padding: 0.1rem 0.3rem}}
.st-key-samples_compact [class*=st-key-tile_] button {{height: 2.2rem; vertical-align: top}}
@media (max-width: 640px) {{
 .st-key-samples_compact [class*=st-key-tile_] button {{height: 3.75rem; padding-inline: 0}}
 .st-key-samples_compact button p {{-webkit-line-clamp: 4 !important}}}}
.st-key-samples_compact button p {{font-size: 0.75rem; line-height: 1.2; display: -webkit-box; overflow: hidden;
 -webkit-box-orient: vertical; -webkit-line-clamp: 3}}
@media (max-width: 640px) {{.st-key-page h1 {{font-size: 1.7rem}}}}
.st-key-page .st-key-promise_compact h1 {{font-size: 1.75rem; padding-bottom: 1rem}}
[data-testid=stMetric] div:has(> [data-testid=stMetricDelta]) {{flex-wrap: wrap; row-gap: 0.25rem}}
@media (max-width: 640px) {{.stGrid [data-testid=stMetricValue] {{font-size: 1.9rem}}}}
[class*=st-key-cards_] [data-testid=stMetricValue] {{font-size: 1.6rem}}
@media (max-width: 640px) {{.st-key-page .st-key-promise_compact h1 {{font-size: 1.4rem}}}}
.st-key-notice button {{border: 1px solid; border-radius: 1rem; padding: 0.1rem 0.75rem}}
.st-key-page {{min-height: calc(100dvh - 9rem)}}
.st-key-page > :has(> .st-key-footer) {{margin-top: auto; padding-top: 1.5rem}}
{more}</style>"""
LARGER = (
    "html {{font-size: {size}px}} [data-testid=stButtonGroup] button p {{white-space: normal; text-align: left}}"
    "[data-testid=stButtonGroup] button {{height: auto}}"
)


def style(page: StreamlitPage) -> None:
    """Write the style sheet of the page `page`."""
    more = LARGER.format(size=PRESENTED) if state.presenting() else ""
    st.html(STYLE.format(title=page.title, more=more))


def footer(pages: Sequence[StreamlitPage], page: StreamlitPage) -> None:
    """Draw the footer of `page`, one of `pages` in their order."""
    at = pages.index(page)
    neighbors = {PREVIOUS: pages[at - 1] if at else None, FOLLOWING: pages[at + 1] if at + 1 < len(pages) else None}
    st.session_state.update(neighbors)
    with st.container(key="footer", horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Not a medical device", icon=":material/info:", type="tertiary", key=NOTICE_KEY):
            st.markdown(config.NOTICE)
        presenting = state.presenting()
        st.button(
            "Leave presenter mode" if presenting else "Presenter mode",
            key=PRESENT_KEY,
            icon=":material/slideshow:",
            type="tertiary",
            on_click=state.present,
            args=(not presenting,),
            help=f"Larger type. {NEXT_SHORTCUT} and {BACK_SHORTCUT}, or a presentation remote, move between pages and "
            "screens.",
        )
        if presenting and page.url_path != STORY:
            _step(BACK_KEY, neighbors[PREVIOUS], ":material/arrow_back:", BACK_SHORTCUT)
            _step(NEXT_KEY, neighbors[FOLLOWING], ":material/arrow_forward:", NEXT_SHORTCUT)


def story_ends() -> tuple[StreamlitPage | None, StreamlitPage | None]:
    """Return the pages to which Back and Next lead at the ends of the story; None outside presenter mode."""
    if not state.presenting():
        return None, None
    return st.session_state.get(PREVIOUS), st.session_state.get(FOLLOWING)


def open_page(page: StreamlitPage) -> None:
    """Go on to another page in presenter mode."""
    st.switch_page(page, query_params={state.PRESENT: "1"})  # given, since what a widget holds cannot be cleared


def _step(key: str, page: StreamlitPage | None, icon: str, shortcut: str) -> None:
    """Draw a button that opens a neighboring page, if there is one."""
    if page and st.button(page.title, key=key, icon=icon, type="tertiary", shortcut=shortcut):
        open_page(page)
