"""A small load test: a real server, visitors without a browser, every score checked (see tests/load)."""

from __future__ import annotations

import pytest

from tests.load import films, run
from tests.load.visits import Tally, check
from tests.load.watch import Watch


def test_films_of_the_pool_differ_and_are_reproducible():
    result = films.pool(30)
    assert len(set(result)) == 30 and films.pool(3) == result[:3]


def test_a_wrong_score_is_a_failure():
    tally = Tally()
    check("a.png", {"score": 0.5}, 0.50005, tally)
    assert not tally.failures and tally.off == pytest.approx(5e-5)
    check("a.png", {"score": 0.5}, 0.5002, tally)
    assert len(tally.failures) == 1


def test_growth_of_memory():
    watch = Watch(0, lambda: 0)
    watch.rows = [(n, 800 + 0.03 * n) for n in range(100)]
    assert watch.growth(20) == pytest.approx(30) and watch.peak == pytest.approx(802.97)
    assert watch.growth(1000) is None


@pytest.mark.long
@pytest.mark.measured
def test_visitors_come_and_go():
    """Six at a time for some seconds, a bad file among nine, one in five leaves in the middle; then all at once."""
    result = run.soak(minutes=0.1, sessions=4, pool=10, patient=False)
    assert result["failures"] == [] and result["readings"] == result["wanted"] > 0
    assert result["largest_difference"] < 1e-4 and result["refused"] > 0
    assert result["peak_mb"] < run.LIMIT_MB
