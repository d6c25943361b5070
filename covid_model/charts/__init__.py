"""Plotly figures from plain values, each with an alternative text (`*_alt`): one sentence that says what it shows.

Every figure has a transparent background, keeps the font family of the page's theme, and tells COVID-19 (vermilion
diamonds) from non-COVID (blue circles) by color, shape and label. No Streamlit in this room.
"""

from __future__ import annotations

from covid_model.charts.evaluation import (
    clicked_cell,
    clicked_film,
    clicked_group,
    confusion_matrix,
    confusion_matrix_alt,
    cost_curve,
    cost_curve_alt,
    precision_recall,
    precision_recall_alt,
    predictive_value,
    predictive_value_alt,
    reliability,
    reliability_alt,
    roc,
    roc_alt,
)
from covid_model.charts.films import score_distribution_alt, score_strip, score_strip_alt
from covid_model.charts.style import CONFIG, enlarged
from covid_model.charts.training import (
    learning_curve,
    learning_curve_alt,
    run_look,
    small_confusion_matrix,
)
