"""Sentences about the sample X-rays: the real ones of the strip, and the simulated ones of the stress test."""

from __future__ import annotations

from covid_model.app.text.prediction import plain

LABELS = {  # of an example, by `films.Kind`
    "tp": "COVID-19, detected",
    "tn": "No COVID-19, negative",
    "fn": "COVID-19, missed",
    "fp": "No COVID-19, false positive",
    "marker": "Heat on a marker",
}
NOT_HERE = "Real X-rays are not on this computer yet."
STRESS_TITLE = "Stress test: simulated from one CT"
STRESS = (
    "These X-rays are rendered from one CT scan, and the opacities in them were added for this demo. They are unlike "
    "the training data of every network, so their scores say nothing about a patient and get no verdict. They show "
    "how a network reacts to a change, and whether Grad-CAM points at the opacity: here its true outline is known."
)
OUTLINE = "The outline marks the opacity that was added."


def download(count: int) -> str:
    """Return the label of the button that downloads this many X-rays."""
    return f"Download {count} real X-rays" if count > 1 else "Download a real X-ray"


def heading(title: str) -> str:
    """Return what the strip shows, for the network with this title; Markdown."""
    return f"Real X-rays that no network was trained on, chosen to show what **{plain(title)}** gets right and wrong"


def label(kind: str, marker: str = "") -> str:
    """Return what an example shows in a few words, from its `films.Kind` and its marker."""
    return f"Heat on the {marker}" if marker else LABELS[kind]


def truth(covid: bool) -> str:
    """Return the ground truth in a few words."""
    return f"Ground truth: {'COVID-19' if covid else 'no COVID-19'}."


def on_marker(label: str, share: float, area: float) -> str:
    """Return how much of the heat is on a marker; both shares are in [0, 1]."""
    return (
        f"{100 * share:.0f} % of what raises the score is on the {label}, "
        f"which covers {max(100 * area, 0.1):.{0 if area >= 0.01 else 1}f} % of what the network sees."
    )


def in_lesion(share: float, area: float) -> str:
    """Return how much of the heat is in the added opacity; both shares are in [0, 1]."""
    return (
        f"{100 * share:.0f} % of what raises the score is in the opacity, "
        f"which covers {100 * area:.0f} % of what the network sees."
    )
