"""Rows about where and how precisely the app computes: bfloat16, a GPU, and what a user waits for with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.model import device, registry, robustness
from covid_model.model.predictor import Predictor, usual_precision
from covid_model.tools.benchmark.timing import Row, Subject, interleaved, missing
from covid_model.training.score_dataset import OutputStore

FASTER, OFF = 1.6, 0.01  # goals of bfloat16: times float32; how far a score may move
ROUNDING = "The change comes from rounding in the convolutions to 8 bits; the logit is computed in float32."
HEATMAPS = 24  # X-rays on one page of Browse
CPU = "/CPU:0"  # as TensorFlow names it


def rows(subject: Subject, data: dataset.Dataset | None, rounds: int, most: int | None) -> tuple[list[Row], dict]:
    """Measure bfloat16 against float32 on the CPU: speed, and every network's scores of the test films.

    Once all of them are compared, each network's JSON says whether the app may use it.

    Args:
        subject: in float32.
        data: a data folder with test films; None measures the speed alone.
        rounds: as for `interleaved`.
        most: test films that are compared; None for all.
    """
    if device.fast_precision() == device.FLOAT32:
        return [missing("bfloat16 against float32", "this processor does not multiply bfloat16 natively: off")], {}
    predictor = Predictor(subject.name, subject.vgg19, precision=device.BFLOAT16)
    speed = _speedup(
        "A prediction in bfloat16: speedup over float32", subject.whole, lambda: subject.whole(predictor), rounds
    )
    quick = {}
    for name in registry.names() if data else ():
        if registry.spec(name).base != registry.IMAGENET or subject.vgg19 or config.vgg19_available():
            quick[name] = OutputStore(registry.spec(name), data, subject.vgg19, device.BFLOAT16).scores
    measured, record = _scores("bfloat16", quick, data, most)
    if not record:
        return [speed, *measured], record
    for name, one in record["networks"].items():
        one["app_may_use_it"] = bool(speed.reached and one["largest"] <= OFF and not one["changed"])
        if most is None:  # all test films
            replace(registry.spec(name), bfloat16=one["app_may_use_it"]).save()
    usable = [name for name, one in record["networks"].items() if one["app_may_use_it"]]
    note = f"The app predicts in bfloat16 with {' and '.join(usable) or 'no network'}, with others in float32."
    measured[-1] = replace(measured[-1], note=note)
    return [speed, *measured], record


def gpu_rows(subject: Subject, data: dataset.Dataset | None, rounds: int, most: int | None) -> tuple[list[Row], dict]:
    """Measure the GPU against the CPU, and mixed precision on the GPU. Arguments as for `rows`."""
    name = device.gpu_name()
    if name is None:
        return [missing("A prediction on a GPU: speedup over the CPU", "TensorFlow finds no GPU here")], {}
    import tensorflow as tf

    with tf.device(CPU):
        on_cpu = Predictor(subject.name, subject.vgg19)

    def read_on_cpu() -> None:
        with tf.device(CPU):
            subject.whole(on_cpu)

    mixed = Predictor(subject.name, subject.vgg19, precision=device.BFLOAT16)
    speed = _speedup(f"A prediction on {name}: speedup over the CPU", read_on_cpu, subject.whole, rounds)
    faster = _speedup(
        f"A prediction in bfloat16 on {name}: speedup over float32",
        subject.whole,
        lambda: subject.whole(mixed),
        rounds,
    )

    def score(ids: Sequence[str]) -> np.ndarray:
        return np.array(list(mixed.scores(imaging.read(data.path(film)).pixels for film in ids)))

    measured, record = _scores(f"bfloat16 on {name}", {subject.name: score}, data, most)
    return [speed, faster, *measured], record | {"gpu": name}


def waiting_rows(subject: Subject, rounds: int) -> tuple[list[Row], dict]:
    """Measure what a user waits for once the network is loaded, in the precision that the app uses."""
    precision = usual_precision(subject.name)
    started = time.perf_counter()
    predictor = Predictor(subject.name, subject.vgg19, precision=precision)
    loaded = time.perf_counter() - started
    films = [np.roll(subject.film.pixels, shift, axis=1) for shift in range(HEATMAPS)]
    candidates: dict[str, Callable[[], object]] = {
        "first": lambda: subject.whole(predictor),
        "page": lambda: [predictor.predict(imaging.Film(film, (), "PNG")) for film in films],
        "robustness": lambda: robustness.copy_scores(predictor, subject.film.pixels),
    }
    timed = interleaved(candidates, rounds, warm=1)
    detail = f"{precision}; the fastest of {rounds} took {{:.2f}} s"
    goals = {
        "first": ("A prediction, once the network has been loaded in the background", 1.5),
        "page": (f"Scores and heatmaps of {HEATMAPS} X-rays, none of them stored", 3.0),
        "robustness": (f"The robustness test: {robustness.COPIES} changed copies of an X-ray", 1.5),
    }
    measured = [
        Row(title, timed.median(name), "s", most=goal, detail=detail.format(min(timed.seconds[name])))
        for name, (title, goal) in goals.items()
    ]
    return measured, {"seconds": timed.seconds, "load_seconds": loaded}


def _speedup(title: str, slow: Callable[[], object], fast: Callable[[], object], rounds: int) -> Row:
    timed = interleaved({"slow": slow, "fast": fast}, rounds)
    return Row(
        title,
        timed.ratio("slow", "fast"),
        least=FASTER,
        detail=f"{1000 * timed.median('slow'):.0f} ms against {1000 * timed.median('fast'):.0f} ms; "
        f"{timed.work_ratio('slow', 'fast'):.2f} in processor time",
    )


def _scores(
    how: str, quick: dict[str, Callable[[Sequence[str]], np.ndarray]], data: dataset.Dataset | None, most: int | None
) -> tuple[list[Row], dict]:
    """Compare up to `most` committed scores of test films, in float32, with `quick`, by network: ids to scores (n,).

    No record without a data folder.
    """
    if data is None:
        return [missing(f"Scores in {how} on the test set", f"no data folder: {config.DATA_VARIABLE} is not set")], {}
    ids = list(data.split("test").index)
    ids = [ids[n] for n in np.linspace(0, len(ids) - 1, min(most or len(ids), len(ids))).round().astype(int)]
    committed, networks = dataset.read_scores(config.SCORES_CSV), {}
    for name, score in quick.items():
        before = committed[committed["network"] == name].set_index("id")["score"].loc[ids].to_numpy()
        after, spec = score(ids), registry.spec(name)
        off, threshold = np.abs(before - after), spec.threshold
        networks[name] = {
            "weights_sha256": spec.sha256,
            "largest": float(off.max()),
            "median": float(np.median(off)),
            "beyond": int((off > OFF).sum()),
            "changed": int(((before > threshold) != (after > threshold)).sum()),
        }
    largest, changed = (max(each[key] for each in networks.values()) for key in ("largest", "changed"))
    moved = ", ".join(f"{name} {one['largest']:.4f}" for name, one in networks.items())
    verdicts = ", ".join(f"{name} {one['changed']}" for name, one in networks.items())
    measured = [
        Row(
            f"Largest change of a test score in {how}",
            largest,
            "",
            most=OFF,
            detail=f"{len(ids):,} test X-rays; {moved}",
            note=ROUNDING,
        ),
        Row(f"Verdicts changed by {how} at the network's threshold", changed, "X-rays", most=0, detail=verdicts),
    ]
    return measured, {"films": len(ids), "changed": changed, "largest": largest, "networks": networks}
