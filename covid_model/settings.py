"""Every constant, path and limit of the project. Nothing here imports anything of ours."""

from __future__ import annotations

import os
from pathlib import Path

# --- Where things are -------------------------------------------------------------------
ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
NETWORKS = ASSETS / "networks"  # NAME.json (what a network is) and NAME.npz (its weights)
RESULTS = ASSETS / "results"  # what runs on real films left behind
SCORES_CSV = RESULTS / "scores.csv"  # id, split, source, covid, network, score
SEEDS_JSON = RESULTS / "paper_seeds.json"  # five runs of the paper's recipe, with and without jitter
DATASET_CSV = ASSETS / "dataset.csv"  # which film of which public source stands in which split
WORK = Path(os.environ.get("COVID_MODEL_WORK", Path.home() / ".cache" / "covid_model"))  # features, checkpoints

# --- What the environment may name (command-line options beat it) ------------------------
DATA_VARIABLE = "COVID_MODEL_DATA"  # a data folder: manifest.csv and images/
VGG19_VARIABLE = "COVID_MODEL_VGG19"  # a VGG-19 weights file without its top
VGG19_DOWNLOAD = "imagenet"  # what Keras calls the weights that it downloads itself

# --- The task ----------------------------------------------------------------------------
DEFAULT_NETWORK = "fine-tuned"
NETWORK_NAMES = ("fine-tuned", "paper")
THRESHOLD = 0.6  # positive above it: the mark of the paper's Figure 3
HALF = 0.5  # the other threshold that results are given at
SPLITS = ("train", "test", "extra", "extra-test", "external")
TRAINING_SPLITS = ("train", "extra")  # the others are reported and nothing is ever chosen by them
SOURCE_TITLES = {
    "cohen": "COVID-19 Image Data Collection",
    "kermany": "Kermany et al. (children)",
    "nih": "NIH ChestX-ray8",
    "radiography": "COVID-19 Radiography Database",
    "figure1": "Figure 1 initiative",
    "actualmed": "Actualmed initiative",
}
CHILDREN = "kermany"  # the source whose films are of children of 1 to 5 years; every other one is adults'

# --- What the paper reports (Amini, Menhaj, Talebi 2021) -----------------------------------
PAPER_TITLE = "A modified CNN-based Covid-19 detection using CXR"
PAPER_DOI = "10.17352/2455-5479.000154"
PAPER_ACCURACY = 0.98  # abstract
PAPER_TRAIN = (4718, 330)  # films, of them COVID
PAPER_TEST = (1152, 73)
PAPER_EPOCHS = 10

# --- VGG-19 --------------------------------------------------------------------------------
INPUT_SIZE = 224  # pixels a side
LAST_CONV = "block5_conv4"  # Grad-CAM's layer, 14 x 14 x 512 at 224 pixels
IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # what Keras' VGG-19 preprocessing takes off each channel

# --- Training ----------------------------------------------------------------------------------
SEED = 2021
VALIDATION_PARTS = 8  # one film in eight is held out, whole patients at a time

# --- What a film may be (issue: hostile files) -----------------------------------------------
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000
MIN_SIDE = 64
MAX_ASPECT = 4.0  # longer side over shorter
UPLOAD_TYPES = ("png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom")
GREY_LEVELS = 255

# --- Words that stand on every page ------------------------------------------------------------
NOTICE = (
    "Not a medical device. A teaching demo: a model score says how much a film looks like the COVID-19 films "
    "this network was trained on. It must not be used to decide about anyone's health."
)
