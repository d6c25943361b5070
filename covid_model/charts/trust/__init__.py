"""Figures of the page that asks whether a score can be trusted: one a screen of its story, and one a further check."""

from __future__ import annotations

from covid_model.charts.trust.ages import Row, ages, ages_alt
from covid_model.charts.trust.attention import attention, attention_alt
from covid_model.charts.trust.faithfulness import MAP, RANDOM, faithfulness, faithfulness_alt
from covid_model.charts.trust.groups import Group, groups, groups_alt
from covid_model.charts.trust.severity import severity, severity_alt
from covid_model.charts.trust.shares import Share, shares, shares_alt
from covid_model.charts.trust.slopes import slopes, slopes_alt

__all__ = [
    "MAP",
    "RANDOM",
    "Group",
    "Row",
    "Share",
    "ages",
    "ages_alt",
    "attention",
    "attention_alt",
    "faithfulness",
    "faithfulness_alt",
    "groups",
    "groups_alt",
    "severity",
    "severity_alt",
    "shares",
    "shares_alt",
    "slopes",
    "slopes_alt",
]
