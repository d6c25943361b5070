"""A score and a verdict in words, the same on a page and on paper."""

from __future__ import annotations


def score_text(score: float) -> str:
    """A score to three places; what is neither 0 nor 1 never looks as if it were."""
    if 0 < score < 0.001:
        return "< 0.001"
    if 0.999 < score < 1:
        return "> 0.999"
    return f"{score:.3f}"


def verdict(score: float, threshold: float) -> str:
    """What the network makes of a film, in one sentence."""
    if score > threshold:
        return f"Above the threshold of {threshold:.2f}: the network calls this film positive."
    return f"Not above the threshold of {threshold:.2f}: the network calls this film negative."
