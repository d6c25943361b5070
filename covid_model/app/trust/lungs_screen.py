"""Screen 4: the lungs erased, on all test films with lung masks, and on one film of the visitor's choice."""

from __future__ import annotations

from covid_model import settings
from covid_model.app import cache, theme, turnstile, widgets
from covid_model.app.trust import erase_screen, sentences
from covid_model.app.trust.slide import AGAIN, PAPER, slide
from covid_model.charts import trust

ERASE = "erase"  # in the address, by its label
WAYS = {"erased": "Lungs erased", "erased in a box": "Box over the lungs", "only": "Only the lungs left"}


def headline(variant: str = "erased") -> str | None:
    record = cache.audit_record(PAPER, "lungs")
    return sentences.erased(record, _part(record, variant), WAYS[variant]) if record else None


def threshold() -> float:
    """The threshold of the headline: the one that the record states; without a record, the default."""
    record = cache.audit_record(PAPER, "lungs")
    return record["threshold"] if record else settings.THRESHOLD


def _part(record: dict, variant: str) -> dict:
    return next(one for one in record["erased"] if (one["variant"], one["fill"]) == (variant, erase_screen.FILL))


@turnstile.fragment
def show() -> None:
    place = slide()
    with place.control:
        variant = widgets.choice(
            "What is done to the film",
            list(WAYS),
            format_func=WAYS.get,
            default="erased",
            key=ERASE,
            wrap=True,
        )
    record = cache.audit_record(PAPER, "lungs")
    if record:
        _of_all(place, record, variant)
    else:
        place.say(
            "How much of the score is in the lungs?",
            f"This copy has no record of the paper’s network on erased films: `{AGAIN} lungs` makes it.",
        )
    place.check("The check: take the lungs away and see what is left.", "maguolo")
    erase_screen.show(variant, WAYS[variant])


def _of_all(place, record: dict, variant: str) -> None:
    scores = record["films_scores"]
    given = (
        scores["whole"],
        scores[f"{variant} / {erase_screen.FILL}"],
        scores["covid"],
        record["threshold"],
        WAYS[variant].lower(),
    )
    words = (
        f"The {record['films']} test films that have lung masks, read by the paper’s network as they are and erased. "
        f"{sentences.other_fills(record, variant, erase_screen.FILL)}"
    )
    remarks = sentences.blanks(record) if record.get("trained_on_blanks") else ""
    place.say(headline(variant), words, remarks)
    place.show(trust.slopes(*given, ink=theme.ink()), f"slopes_{variant}", trust.slopes_alt(*given))
