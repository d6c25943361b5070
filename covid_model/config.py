"""Define the paths, limits and constants that several rooms share. What one room needs alone is in that room."""

from __future__ import annotations

import os
from pathlib import Path

# --- Paths ---
ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
NETWORKS = ASSETS / "networks"  # NAME.json (describes a network; see model/registry.py) and NAME.npz (its weights)
RESULTS = ASSETS / "results"  # records of runs on real films
SCORES_CSV = RESULTS / "scores.csv"  # id, split, source, covid, network, score
SEEDS_JSON = RESULTS / "paper_seeds.json"  # five runs of the paper's recipe, with and without augmentation
FIRST_EDITION_JSON = RESULTS / "first_edition.json"  # test results before the splits were cleaned
TRIALS_JSON = RESULTS / "trials.json"  # choices of the fine-tuned recipe, each tried without one source
VALIDATION_TRIALS_JSON = RESULTS / "validation_trials.json"  # changes to the fine-tuned model, on validation films
WITHIN_JSON = RESULTS / "within_source.json"  # how well the classes within one source are separated, by patient
READINGS_NPZ = RESULTS / "readings.npz"  # predictions of the sample films (python -m covid_model readings)
SIMILARITY_NPZ = RESULTS / "similarity.npz"  # features of the reported films (python -m covid_model similarity)
SIMILARITY_JSON = RESULTS / "similarity.json"  # what a film's neighbors share
LOAD_JSON = RESULTS / "load.json"  # many users at once (python -m tests.load)
BENCHMARK_JSON = RESULTS / "benchmark.json"  # time and memory of a prediction (python -m covid_model benchmark)
ARCHIVE_JSON = RESULTS / "archive.json"  # scoring 10,000 films (python -m covid_model benchmark --archive all)
DATASET_CSV = ASSETS / "dataset.csv"  # every film: its public source, its split, its ground truth
WORK = Path(os.environ.get("COVID_MODEL_WORK", Path.home() / ".cache" / "covid_model"))  # features, checkpoints

# --- Environment variables (command-line options override them) ---
DATA_VARIABLE = "COVID_MODEL_DATA"  # a data folder: manifest.csv and images/
PRELOAD_VARIABLE = "COVID_MODEL_PRELOAD"  # 0: no network is loaded before anyone asks for a prediction
SERVE_VARIABLE = "COVID_MODEL_SERVE"  # address of a prediction service, which the app asks in place of its own networks
SERVE_TOKEN_VARIABLE = "COVID_MODEL_SERVE_TOKEN"  # the token that the service asks for, and that the app sends
VGG19_VARIABLE = "COVID_MODEL_VGG19"  # a VGG-19 weights file without its top
VGG19_DOWNLOAD = "imagenet"  # Keras' name for the weights that it downloads itself
VGG19_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"  # that download, as keras.applications.vgg19 has it
VGG19_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{VGG19_FILE}"
VGG19_MD5 = "253f8cb515780f3b799900260a226db6"

# --- Task and data set ---
PAPER_MARK = 0.6  # the threshold marked in the paper's Figure 3; runs of its recipe are recorded at it
THRESHOLD = 0.6  # the default: a film that scores above it is positive
HALF = 0.5  # the second threshold at which results are reported
HIGH = 0.9  # "nearly all COVID films above": separates confident scores from narrow ones
SPLITS = ("train", "test", "extra", "extra-test", "external", "graded")
TRAINING_SPLITS = ("train", "extra")  # the others are only reported on: nothing is ever chosen by their results
SPLIT_TITLES = {  # a split's title on a page
    "train": "Training",
    "test": "Test",
    "extra": "Additional training data",
    "extra-test": "Adults-only set",
    "external": "Other hospitals",
    "graded": "Graded readings",
}
SOURCE_TITLES = {
    "cohen": "COVID-19 Image Data Collection",
    "kermany": "Kermany et al. (children)",
    "nih": "NIH ChestX-ray8",
    "radiography": "COVID-19 Radiography Database",
    "siim": "SIIM-FISABIO-RSNA challenge",
    "figure1": "Figure 1 initiative",
    "actualmed": "Actualmed initiative",
}
SOURCE_SHORT = {  # short titles, for cards and legends
    "cohen": "Image Data Collection",
    "kermany": "Kermany (children)",
    "nih": "NIH ChestX-ray8",
    "radiography": "Radiography Database",
    "siim": "SIIM-FISABIO-RSNA",
    "figure1": "Figure 1",
    "actualmed": "Actualmed",
}
CHILDREN = "kermany"  # the source with films of children aged 1 to 5; every other source has adults'

# --- The paper (Amini, Menhaj, Talebi 2021) ---
PAPER_TITLE = "A modified CNN-based Covid-19 detection using CXR"
PAPER_DOI = "10.17352/2455-5479.000154"
PAPER_ACCURACY = 0.98  # abstract
PAPER_TRAIN = (4718, 330)  # films, of them COVID
PAPER_TEST = (1152, 73)
PAPER_EPOCHS = 10

# --- VGG-19 ---
INPUT_SIZE = 224  # pixels a side
LAST_CONV = "block5_conv4"  # Grad-CAM's layer, 14 x 14 x 512 at 224 pixels

# --- Training ---
SEED = 2021
NORMAL_FINDINGS = (
    "normal",
    "no finding",
    "negative for pneumonia",
)  # how sources write "no findings", in lower case
BATCH = 32  # films per training step, and per forward pass over a data set
READ_AHEAD = 2  # threads that decode films while the network works

# --- Limits of an uploaded film ---
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000
MIN_SIDE = 64  # pixels
GRAY_LEVELS = 255  # white in an 8-bit image

# --- Sample films: those in the repository, and real ones that are downloaded ---
FILMS = ASSETS / "films"  # simulated films with their masks, and one real film whose license allows copying
FILMS_JSON = FILMS / "films.json"  # describes each of them
REAL_FILMS_JSON = ASSETS / "real_films.json"  # up to 24 real films; see data/samples.py
REAL_FILMS = WORK / "films"  # where they are downloaded to: a data folder of its own

# --- Heatmap overlay ---
OVERLAY_SIDE = 1024  # pixels: a film with a longer side is shown scaled down to it
OVERLAY_OPACITY = 0.45  # of the heatmap at its strongest
OVERLAY_DIRECTIONS = ("for", "against", "both")

# --- Experiments (python -m covid_model audit) ---
AUDIT = RESULTS / "audit"  # NAME-EXPERIMENT.json
AUDIT_EXPERIMENTS = (
    "elsewhere",
    "lungs",
    "rivals",
    "attention",
    "calibration",
    "novelty",
    "robustness",
    "severity",
    "probe",
    "explanations",
)
SEGMENTATION_JSON = RESULTS / "segmentation.json"
BASELINE_SIDE = 8  # pixels: the side of the small image that one baseline sees

# --- The playground (Train it yourself) ---
LAB = ASSETS / "lab"  # features.npz: block5_pool averaged over the film, for every film of assets/dataset.csv

# --- On screen ---
NOTICE = (
    "Not a medical device. This is a teaching demo: a model score says how much an X-ray resembles the COVID-19 X-rays "
    "that the network was trained on. Do not use it for any decision about anyone's health."
)
COVID_COLOR = "#D55E00"  # Okabe and Ito's vermilion and blue; see charts/style.py
OTHER_COLOR = "#3583C4"
SHEET = 24  # X-rays shown at a time in the gallery
CELL_NAMES = {"tp": "True positives", "fn": "False negatives", "fp": "False positives", "tn": "True negatives"}
SPLIT_LABELS = {  # by split: its title, and what it contains. `graded` has no ground truth to compare a verdict with
    "test": (
        SPLIT_TITLES["test"],
        "Test X-rays like the paper's, from the same sources, that no network here was trained on",
    ),
    "extra-test": (SPLIT_TITLES["extra-test"], "Adults' X-rays that no network here was trained on"),
    "external": (SPLIT_TITLES["external"], "X-rays from hospitals that no network here was trained on"),
    "train": (
        SPLIT_TITLES["train"],
        "X-rays that every network here was trained on, so the results on them are too optimistic",
    ),
    "extra": (
        SPLIT_TITLES["extra"],
        "Adults' X-rays that the fine-tuned network was trained on and the paper's was not",
    ),
}


def vgg19_cache() -> Path:
    """Return where Keras keeps VGG-19's weights, whether or not they have been downloaded."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models" / VGG19_FILE


def vgg19_available() -> bool:
    """Return whether VGG-19's weights are on this computer: COVID_MODEL_VGG19 is set, or Keras has them."""
    return bool(os.environ.get(VGG19_VARIABLE, "").strip()) or vgg19_cache().is_file()


def split_title(split: str) -> str:
    """Return a split's title, or its name if it has none."""
    return SPLIT_TITLES.get(split, split)
