"""Rows on bfloat16 against float32: speedup, changes of scores, changes of verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.model.predictor import Predictor
from covid_model.tools.benchmark.subject import Subject
from covid_model.tools.benchmark.timing import Row, interleaved, missing

FASTER, OFF = 1.6, 0.01  # goals: times float32; how far a score may move
ROUNDING = (
    "The change comes from rounding in the convolutions to 8 bits; the logit is already computed in float32. So the "
    "app uses float32, and bfloat16 serves training and passes over whole data sets."
)


def rows(subject: Subject, data: dataset.Dataset | None, rounds: int, most: int | None) -> tuple[list[Row], dict]:
    """Speed, and scores of the test films.

    Args:
        subject: in float32.
        data: a data folder with test films; None measures the speed alone.
        rounds: as for `interleaved`.
        most: test films that are compared; None for all.
    """
    fast = config.fast_precision()
    if fast == "float32":
        return [missing("bfloat16 against float32", "this processor does not multiply bfloat16 natively: off")], {}
    predictor = Predictor(subject.name, subject.vgg19, precision=fast)
    timed = interleaved({"float32": subject.whole, "bfloat16": lambda: subject.whole(predictor)}, rounds)
    speed = Row(
        "A prediction in bfloat16: speedup over float32",
        timed.ratio("float32", "bfloat16"),
        least=FASTER,
        detail=f"{1000 * timed.median('float32'):.0f} ms against {1000 * timed.median('bfloat16'):.0f} ms; "
        f"{timed.work_ratio('float32', 'bfloat16'):.2f} in processor time",
    )
    if data is None:
        title = "Scores in bfloat16 on the test set"
        return [speed, missing(title, f"no data folder: {config.DATA_VARIABLE} is not set")], {}
    ids = list(data.split("test").index)
    ids = [ids[n] for n in np.linspace(0, len(ids) - 1, min(most or len(ids), len(ids))).round().astype(int)]
    plain, quick = (
        np.array(list(candidate.scores(imaging.read(data.path(film)).pixels for film in ids)))
        for candidate in (subject.predictor, predictor)
    )
    off, mark = np.abs(plain - quick), subject.predictor.spec.threshold
    changed = int(((plain > mark) != (quick > mark)).sum())
    told = f"{len(ids)} test X-rays; {int((off > OFF).sum())} changed by more than {OFF:g}, half by less than "
    told += f"{np.median(off):.1e}"
    moved = Row(
        "Largest change of a test score in bfloat16", float(off.max()), "", most=OFF, detail=told, note=ROUNDING
    )
    verdicts = Row("Verdicts changed by bfloat16 at the network's threshold", changed, "X-rays", most=0, detail=told)
    use = speed.reached and moved.reached and verdicts.reached
    told = "may read in bfloat16" if use else "reads in float32 everywhere"
    verdicts = replace(verdicts, note=f"By these rows the app {told}.")
    record = {"app_may_use_it": bool(use), "films": len(ids), "changed": changed, "largest": float(off.max())}
    return [speed, moved, verdicts], record
