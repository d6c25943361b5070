"""Every constant, path and limit of the project. Nothing here imports anything of ours."""

from __future__ import annotations

import os
from pathlib import Path

# --- Where things are -------------------------------------------------------------------
ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
NETWORKS = ASSETS / "networks"  # NAME.json (what a network is; see registry.py) and NAME.npz (its weights)
RESULTS = ASSETS / "results"  # what runs on real films left behind
SCORES_CSV = RESULTS / "scores.csv"  # id, split, source, covid, network, score
SEEDS_JSON = RESULTS / "paper_seeds.json"  # five runs of the paper's recipe, with and without jitter
LEFT_OUT_JSON = RESULTS / "leave_one_out.json"  # trials of the fine-tuned recipe with one source left out
PUT_ASIDE_JSON = RESULTS / "put_aside.json"  # a further stage of the fine-tuned recipe, trained and not taken
WITHIN_JSON = RESULTS / "within_source.json"  # how well the classes of one source can be told apart, by patient
LOAD_JSON = RESULTS / "load.json"  # many visitors at once (python -m tests.load)
BENCHMARK_JSON = RESULTS / "benchmark.json"  # what reading costs (python -m covid_model benchmark)
DATASET_CSV = ASSETS / "dataset.csv"  # which film of which public source stands in which split
WORK = Path(os.environ.get("COVID_MODEL_WORK", Path.home() / ".cache" / "covid_model"))  # features, checkpoints

# --- What the environment may name (command-line options beat it) ------------------------
DATA_VARIABLE = "COVID_MODEL_DATA"  # a data folder: manifest.csv and images/
VGG19_VARIABLE = "COVID_MODEL_VGG19"  # a VGG-19 weights file without its top
VGG19_DOWNLOAD = "imagenet"  # what Keras calls the weights that it downloads itself

# --- The task ----------------------------------------------------------------------------
PAPER_MARK = 0.6  # the threshold that the paper's Figure 3 marks, and that the runs of its recipe are recorded at
THRESHOLD = PAPER_MARK  # the default: a film that scores above it is called positive
HALF = 0.5  # the other threshold that results are given at
HIGH = 0.9  # "nearly all COVID films above": the mark that tells sure scores from narrow ones
SPLITS = ("train", "test", "extra", "extra-test", "external", "graded")
TRAINING_SPLITS = ("train", "extra")  # the others are reported and nothing is ever chosen by them
UNLABELLED_SPLITS = ("extra", "graded")  # that hold films of doubtful reading: their `covid` is empty
SPLIT_TITLES = {  # what a page calls a split; the files call it by its name
    "train": "Training",
    "test": "Test",
    "extra": "Additional training data",
    "extra-test": "Adult test set",
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
SOURCE_SHORT = {  # where there is little room: on a card, in a legend
    "cohen": "Image Data Collection",
    "kermany": "Kermany (children)",
    "nih": "NIH ChestX-ray8",
    "radiography": "Radiography Database",
    "siim": "SIIM-FISABIO-RSNA",
    "figure1": "Figure 1",
    "actualmed": "Actualmed",
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

NORMAL_FINDINGS = ("normal", "no finding", "negative for pneumonia")  # what sources call a clear film, in small letters
BATCH = 32  # films a step, and a forward pass over a data set
READ_AHEAD = 2  # threads that decode films while the network works

# --- What a film may be (issue: hostile files) -----------------------------------------------
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000
MIN_SIDE = 64
MAX_ASPECT = 4.0  # longer side over shorter
UPLOAD_TYPES = ("png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom")
GREY_LEVELS = 255
MAX_SCANS = 50  # of a progressive JPEG: each one costs the decoder a pass over the whole picture
MAX_TILES = 4096  # of a JPEG 2000 picture: each one costs the decoder kilobytes before anything is decoded
MIN_TONES = 8  # grey levels that a film must span; a picture spanning fewer is constant
COLOUR_LEVELS = 16  # a pixel is coloured where its channels lie further apart than this
COLOUR_SHARE = 0.01  # a picture is in colour where more than this share of its pixels is
INVERTED_BELOW = -0.3  # correlation with the usual layout of a film, below which its tones are called inverted
DICOM_FILM_MODALITIES = ("CR", "DX", "DR", "RG", "XR")  # modality tags of plain films
DICOM_CHEST_WORDS = ("CHEST", "THORAX", "TORAX", "LUNG")  # what a body-part tag of a chest film contains
DICOM_LATERAL_VIEWS = ("LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT")  # view tags of films taken from the side

# --- Fetching films from their public sources (python -m covid_model fetch) -----------------------
FETCH_GITHUB = "https://raw.githubusercontent.com"  # tests put a local server here
FETCH_GITHUB_FOLDERS = {  # the folder that holds a source's original files, one by one
    "cohen": "ieee8023/covid-chestxray-dataset/HEAD/images",
    "figure1": "agchung/Figure1-COVID-chestxray-dataset/HEAD/images",
    "actualmed": "agchung/Actualmed-COVID-chestxray-dataset/HEAD/images",
}
FETCH_GITHUB_MASKS = {"cohen": "ieee8023/covid-chestxray-dataset/HEAD/annotations/lungVAE-masks"}  # STEM_mask.png
FETCH_KAGGLE_SETS = {  # fetched whole (about 1.2 and 0.8 GB), kept in kagglehub's own cache
    "kermany": "praveengovi/coronahack-chest-xraydataset",
    "radiography": "tawsifurrahman/covid19-radiography-database",
}
FETCH_KAGGLE_CHALLENGE = {"siim": "siim-covid19-detection"}  # film by film: the whole is too large for most disks
FETCH_KAGGLE_NIH = "nih-chest-xrays/data/versions/3"  # fetched film by film: the whole is 42 GB
FETCH_NIH_FOLDERS = (  # the first film of images_001 to images_006, which hold all films of ours
    "00000001_000.png",
    "00001336_000.png",
    "00003923_014.png",
    "00006585_007.png",
    "00009232_004.png",
    "00011558_008.png",
)
FETCH_SIDE = 512  # pixels: the longest side of a film in a data folder; shorter films stay as they are
FETCH_SQUASHED = {"kermany": 224, "radiography": 224, "siim": 256}  # sources that are squashed: pixels a side
FETCH_DICOM_BYTES = 64 * 1024 * 1024  # of one original DICOM file: challenge films are larger than uploads may be
FETCH_JPEG_QUALITY = 90
FETCH_WORKERS = 6  # films at a time
FETCH_GIVE_UP = 12  # failures of a source's server in a row, after which its other films are not tried
FETCH_RETRIES = 3
FETCH_BACKOFF = 1.0  # seconds: the first retry comes at once, the next after twice this, then doubled each time
FETCH_LONGEST_WAIT = 60.0  # seconds, whatever a server asks for
FETCH_CONNECT_TIMEOUT = 10.0  # seconds
FETCH_READ_TIMEOUT = 30.0  # seconds without a byte
FETCH_FILM_TIMEOUT = 180.0  # seconds for one film in all
FETCH_AGENT = "covid-model/0.1 (teaching demo)"

# --- Real films that anyone may have, fetched when a visitor asks for them ------------------------
FREE_FILMS = WORK / "films"  # a data folder of their own
FREE_LICENCES = ("CC BY 3.0", "CC BY 4.0")  # as assets/dataset.csv writes them; "CC BY" alone names no version
FREE_TERMS = {"nih": "public (NIH Clinical Center, attribution asked)"}  # the same for a source that is free as a whole
FREE_BACKOFF = 0.5  # seconds before the second attempt at a film: somebody is waiting
FREE_CONNECT_TIMEOUT = 5.0  # seconds
FREE_READ_TIMEOUT = 10.0  # seconds without a byte
FREE_FILM_TIMEOUT = 40.0  # seconds for one film in all

# --- Heatmap over film ----------------------------------------------------------------------------
OVERLAY_SIDE = 1024  # pixels: a film with a longer side is shown reduced to it
OVERLAY_OPACITY = 0.45  # of the heatmap where it is strongest
OVERLAY_DIRECTIONS = ("for", "against", "both")
LEGEND_SIZE = (256, 16)  # pixels, width and height

# --- Films of our own -----------------------------------------------------------------------------
FILMS = ASSETS / "films"  # simulated films, their masks, and a real one that may be carried
FILMS_JSON = FILMS / "films.json"  # what each of them is

# --- The evidence behind the score (python -m covid_model audit) --------------------------------------
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
)
SEGMENTATION = "segmentation"  # one more, of our lung masks: no network takes part
SEGMENTATION_JSON = RESULTS / "segmentation.json"

# --- Train a head ------------------------------------------------------------------------------
LAB = ASSETS / "lab"  # features.npz: block5_pool averaged over the film, for every film of assets/dataset.csv
LAB_RUNS = 3  # that stand side by side
LAB_BASE_SEED = 2021  # of the base that was never trained

# --- Words that stand on every page ------------------------------------------------------------
NOTICE = (
    "Not a medical device. A teaching demo: a model score says how much a film looks like the COVID-19 films "
    "this network was trained on. It must not be used to decide about anyone's health."
)

# --- Colours of truth (Okabe and Ito's vermilion and blue; see charts/style.py) -----------------
COVID_COLOUR = "#D55E00"
OTHER_COLOUR = "#3583C4"

# --- Films, the gallery ------------------------------------------------------------------------
SHEET = 24  # films shown at a time
CARD_SIDE = 320  # pixels of a film's picture there
CARDS_KEPT = 480  # such pictures kept in memory for all visitors, about 20 KB each
CARDS_KEPT_HEATMAP = 48  # under their heatmaps, for one visitor

# --- A film's report, one page of A4 -----------------------------------------------------------
REPORT_BINS = 20  # parts that the line from 0 to 1 is cut into, to draw how the test films scored
REPORT_SENTENCE = 600  # characters of a warning or sentence that are printed

# --- Many visitors -----------------------------------------------------------------------------
DESK_PLACES = 32  # films that may wait for the networks; whoever comes then is asked to try again
DRAWN_AT_ONCE = 4  # pages: each takes some 10 MB meanwhile

# --- The app -----------------------------------------------------------------------------------
MAX_UPLOADS = 50  # films of one upload that are read
THUMBNAIL_SIDE = 240
NEIGHBOUR_BAND = 0.05  # a test film within this much of a score is said to score alike
PAGE_WIDTH = 1280  # pixels that a page takes up at most


def fast_precision() -> str:
    """The precision to train in: bfloat16 where the processor multiplies it natively, float32 elsewhere."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "amx_bf16" in flags or "avx512_bf16" in flags else "float32"


# --- The splits of the data set as pages name them: a label, and what the films are ---
# `graded` is not among them: its films have no truth to hold a verdict against.

_SPLIT_HELP = {
    "test": "The paper's test films, which no network here was trained on",
    "extra-test": "Adults' films that no network here was trained on",
    "external": "Films of hospitals that no network here was trained on",
    "train": "Films that every network here was trained on, so their figures flatter them",
    "extra": "Adults' films that the fine-tuned network was trained on, and the paper's was not",
}
SPLIT_LABELS = {name: (SPLIT_TITLES[name], what) for name, what in _SPLIT_HELP.items()}


def split_title(split: str) -> str:
    """A split's label; its own name where it has none."""
    return SPLIT_TITLES.get(split, split)


CELL_NAMES = {"tp": "True positives", "fn": "False negatives", "fp": "False positives", "tn": "True negatives"}


BASELINE_SIDE = 8  # pixels a side
