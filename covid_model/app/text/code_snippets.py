"""The code behind "Show the code": 5 to 25 lines of plain Keras for each step, with the settings on the screen.

Only functions that return Python; no Streamlit here. The snippets of *How it works* build on one another, as their
comments say; tests/unit/test_code_snippets.py runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Template
from typing import TYPE_CHECKING, Any

from covid_model import config
from covid_model.model.activations import STRONGEST
from covid_model.model.registry import IMAGENET, Head, NetworkSpec

if TYPE_CHECKING:
    from covid_model.imaging.preprocessing import Preprocessing
    from covid_model.training.playground import Recipe

SHOW = "Show the code"
LEFT_OUT = {  # of a training run's code, by the setting in the network's recipe
    "augment": "data augmentation",
    "jitter": "data augmentation",
    "shares": "drawing the sources by share",
    "stages": "the smaller images of the first stages",
}


def fill(template: str, **values: object) -> str:
    """Fill the `$name`s of a template.

    A `$name` alone on its line takes a value of several lines, indented as it is; None leaves the line out.
    """
    lines: list[str] = []
    for line in template.strip("\n").splitlines():
        alone = re.fullmatch(r"( *)\$(\w+)", line)
        if not alone:
            lines.append(Template(line).substitute(values))
        elif (value := values[alone[2]]) is not None:
            lines += [alone[1] + part for part in str(value).splitlines()]
    return "\n".join(lines)


# --- How it works ---

PREPROCESSING = """
import cv2
import numpy as np
from keras.applications.vgg19 import preprocess_input


def preprocess(path):
    gray = cv2.imread(path, cv2.IMREAD_GRAYSCALE)  # (height, width), 0 to 255
    $crop
    shrink = max(gray.shape) > $size
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    gray = cv2.resize(gray, ($size, $size), interpolation=method)
    $blur
    $equalize
    rgb = np.stack([gray, gray, gray], axis=-1).astype(np.float32)
    return preprocess_input(rgb)  # ($size, $size, 3): BGR, minus ImageNet's mean


x = preprocess("xray.png")[None]  # (1, $size, $size, 3)
"""
CROP = """
top, left = round(gray.shape[0] * $border), round(gray.shape[1] * $border)
gray = gray[top : gray.shape[0] - top, left : gray.shape[1] - left]
"""


def preprocessing(settings: Preprocessing) -> str:
    """Return the code from a file to the network's input `x`, (1, size, size, 3)."""
    return fill(
        PREPROCESSING,
        size=settings.size,
        crop=fill(CROP, border=f"{settings.border:g}") if settings.border else None,
        blur=f"gray = cv2.GaussianBlur(gray, (0, 0), {settings.blur:g})" if settings.blur else None,
        equalize="gray = cv2.equalizeHist(gray)" if settings.equalize else None,
    )


TRAINED = """
# Made by: python -m covid_model export --network $name --to $name.keras
model = keras.models.load_model("$name.keras")
"""
FEATURE_MAPS = """
import keras
import numpy as np

$trained
layer = model.get_layer("$layer")
maps = keras.Model(model.input, layer.output).predict(x)[0]  # x: step 1
means = maps.mean(axis=(0, 1))
brightest = np.argsort(-means)[:$shown]
print(layer.name, maps.shape, brightest, means[brightest])
"""


def feature_maps(name: str, layer: str) -> str:
    """Return the code of the brightest feature maps of a layer of the network `name`."""
    return fill(FEATURE_MAPS, trained=fill(TRAINED, name=name), layer=layer, shown=STRONGEST)


VGG19 = """
base = keras.applications.VGG19(
    include_top=False, weights=$weights, input_shape=($size, $size, 3)
)
"""
LAYERS = """
hidden = keras.layers.$pooling()(base.output)
hidden = keras.layers.Dense($units, activation="relu")(hidden)
hidden = keras.layers.Dropout($dropout)(hidden)
logit = keras.layers.Dense(1, name="logit")(hidden)
score = keras.layers.Activation("sigmoid", name="score")(logit)
model = keras.Model(base.input, score)
"""
HEAD = """
import keras

$vgg19
$layers

# The dense layers are untrained: step 7 trains them. The trained network:
# model = keras.models.load_model("$name.keras"), made by
# python -m covid_model export --network $name --to $name.keras
score = float(model.predict(x)[0, 0])  # x: step 1
print(score, "positive" if score > $threshold else "negative")
"""


def layers(head: Head) -> str:
    """Return the head on `base.output`, as lines that end with `model`."""
    pooling = {"flatten": "Flatten", "average": "GlobalAveragePooling2D"}[head.pooling]
    return fill(LAYERS, pooling=pooling, units=head.units, dropout=f"{head.dropout:g}")


def head(spec: NetworkSpec, threshold: float) -> str:
    """Return the code that builds the network, scores an X-ray, and calls it positive or negative."""
    return fill(
        HEAD,
        vgg19=fill(VGG19, weights='"imagenet"', size=spec.preprocessing.size),
        layers=layers(spec.head),
        name=spec.name,
        threshold=f"{threshold:g}",
    )


LOSS = """
import keras
import tensorflow as tf

z = tf.constant([$logit])  # the logit
y = tf.constant([$truth])  # the ground truth
with tf.GradientTape() as tape:
    tape.watch(z)
    loss = keras.losses.binary_crossentropy(y, z, from_logits=True)
slope = tape.gradient(loss, z)[0]  # h(X) - y
print(float(loss), float(slope))
"""


def loss(logit: float, truth: bool) -> str:
    """Return the code of the loss of a logit, and of its slope."""
    return fill(LOSS, logit=f"{logit:.3f}", truth=float(truth))


GRADCAM = """
import keras
import tensorflow as tf

$trained


def make_gradcam_heatmap(img_array, model, last_conv_layer_name):
    names = last_conv_layer_name, "logit"
    outputs = [model.get_layer(name).output for name in names]
    inputs = tf.constant(img_array)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        maps, logit = keras.Model(model.input, outputs)(inputs)
    gradients = tape.gradient(logit, maps)[0]
    weights = tf.reduce_mean(gradients, axis=(0, 1))  # a. a weight for each map
    heatmap = tf.tensordot(maps[0], weights, axes=1)  # b. and c. weighted and added
    return heatmap / tf.reduce_max(tf.abs(heatmap))


heatmap = make_gradcam_heatmap(x, model, "$layer")  # x: step 1
gradcam = tf.nn.relu(heatmap)  # what is below 0 lowers the score
"""


def gradcam(name: str) -> str:
    """Return the code of Grad-CAM for the network `name`."""
    return fill(GRADCAM, trained=fill(TRAINED, name=name), layer=config.LAST_CONV)


PRETRAINED = """
import keras

# Trained on ImageNet; without its last three layers
$vgg19
base.trainable = False  # frozen: training does not change its weights

features = base.predict(x)  # x: step 1
print(f"{base.count_params():,} frozen parameters, features {features.shape}")
"""


def pretrained(size: int) -> str:
    """Return the code that loads VGG-19 and freezes it; `size`: pixels a side of its input."""
    return fill(PRETRAINED, vgg19=fill(VGG19, weights='"imagenet"', size=size))


TRAINING_RUN = """
from pathlib import Path

import keras
import tensorflow as tf


def load(folder, shuffle=False):  # folder/covid/*.png, folder/other/*.png
    paths = sorted(map(str, Path(folder).glob("*/*.png")))
    truth = [[float(Path(path).parent.name == "covid")] for path in paths]
    data = tf.data.Dataset.from_tensor_slices((paths, truth))
    data = data.shuffle(len(paths)) if shuffle else data

    def read(path, y):  # preprocess: step 1
        x = tf.numpy_function(lambda p: preprocess(p.decode()), [path], tf.float32)
        return tf.ensure_shape(x, ($size, $size, 3)), y

    return data.map(read).batch($batch)


$fit
"""
FIT = """
$freeze
adam = keras.optimizers.Adam($rate)
model.compile(adam, loss="binary_crossentropy", metrics=["accuracy"])  # model: step 3
model.fit(load("train", shuffle=True), epochs=$epochs)
"""
FIT_STAGES = """
for frozen, rate, steps in $stages:
    for layer in base.layers:  # base and model: step 3
        layer.trainable = layer.name[:6] > f"block{frozen}"
    adam = keras.optimizers.AdamW(rate, weight_decay=$decay)
    model.compile(adam, loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(load("train", shuffle=True).repeat(), steps_per_epoch=steps)
"""


def training_run(spec: NetworkSpec) -> str:
    """Return the code that reads a folder of X-rays and trains the model of `head`, by the network's recipe."""
    recipe = _recipe(spec)
    return fill(
        TRAINING_RUN,
        size=spec.preprocessing.size,
        batch=recipe.get("batch") or config.BATCH,
        fit=_stages(recipe) if recipe.get("stages") else _fit(recipe, frozen=spec.base == IMAGENET),
    )


def left_out(spec: NetworkSpec) -> str | None:
    """Return which settings of the network's recipe `training_run` leaves out; None if it has them all."""
    parts = dict.fromkeys(text for name, text in LEFT_OUT.items() if _recipe(spec).get(name))
    return f"Left out for brevity: {', '.join(parts)}." if parts else None


def _recipe(spec: NetworkSpec) -> Mapping[str, Any]:
    own = spec.recipe.get("ours")
    return own if isinstance(own, Mapping) else spec.recipe


def _fit(recipe: Mapping[str, Any], frozen: bool) -> str:
    rate = recipe.get("learning_rate")
    return fill(
        FIT,
        freeze="base.trainable = False" if frozen else None,
        rate=f"{rate:g}" if rate else "",
        epochs=recipe.get("epochs") or config.PAPER_EPOCHS,
    )


def _stages(recipe: Mapping[str, Any]) -> str:
    stages = [
        (stage["frozen_blocks"], stage["learning_rate"], stage["epochs"] * stage["steps"]) for stage in recipe["stages"]
    ]
    return fill(FIT_STAGES, stages=stages, decay=f"{recipe.get('weight_decay') or 0:g}")


METRICS = """
import numpy as np

test = load("test")
truth = np.concatenate([y for _, y in test])[:, 0] == 1
positive = model.predict(test)[:, 0] > $threshold
tp, fn = np.sum(positive & truth), np.sum(~positive & truth)
fp, tn = np.sum(positive & ~truth), np.sum(~positive & ~truth)
print(f"true positives {tp}, false negatives {fn}")
print(f"false positives {fp}, true negatives {tn}")
print(f"accuracy {(tp + tn) / len(truth):.3f}, majority class {np.mean(~truth):.3f}")
print(f"sensitivity {tp / (tp + fn):.3f}, specificity {tn / (tn + fp):.3f}")
"""


def metrics(threshold: float) -> str:
    """Return the code of the metrics on a test set at a threshold."""
    return fill(METRICS, threshold=f"{threshold:g}")


COMPARED = """
import keras

# load and preprocess: steps 7 and 1, with $size pixels per side
for weights, trainable in [("imagenet", False), ("imagenet", True), (None, True)]:
    keras.utils.set_random_seed($seed)
    $vgg19
    base.trainable = trainable
    $layers
    adam = keras.optimizers.Adam($rate)
    model.compile(adam, loss="binary_crossentropy", metrics=["accuracy"])
    train, validation = load("train", shuffle=True), load("validation")
    run = model.fit(train, validation_data=validation, epochs=$epochs, verbose=0)
    print(weights, trainable, run.history["val_accuracy"])
"""


def compared(about: Mapping[str, Any]) -> str | None:
    """Return the code of the runs compared, from what their record says of them; None if it does not say enough."""
    try:
        size = about["preprocessing"]["size"]
        return fill(
            COMPARED,
            size=size,
            seed=about["seed"],
            vgg19=fill(VGG19, weights="weights", size=size),
            layers=layers(Head(**about["head"])),
            rate=f"{about['learning_rate']:g}",
            epochs=about["epochs"],
        )
    except (KeyError, TypeError):
        return None


# --- Train it yourself ---

RUN = """
import keras
import numpy as np

$films
# test_x, test_y: the same for other patients
keras.utils.set_random_seed($seed)
base = keras.applications.VGG19(include_top=False, weights=$weights, pooling="avg")
train, test = base.predict(train_x), base.predict(test_x)  # (n, 512) features
$marker
mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-7
head = keras.Sequential()
$hidden
$dropout
head.add(keras.layers.Dense(1, activation="sigmoid"))
head.compile(keras.optimizers.Adam($rate), loss="binary_crossentropy")
weight = {0: 1, 1: $weight}
head.fit(
    (train - mean) / deviation, train_y, batch_size=$batch, epochs=$epochs, class_weight=weight
)
positive = head.predict((test - mean) / deviation)[:, 0] > $threshold
matrix = [[np.sum(positive[test_y == y] == call) for call in (1, 0)] for y in (1, 0)]
print(matrix)  # rows: COVID-19, non-COVID; columns: positive, negative
"""
FILMS = """
# train_x: $covid COVID-19 and $other non-COVID X-rays, preprocessed,
# (n, 224, 224, 3); train_y: their ground truth, 1 or 0
"""
MARKER = """
train = np.column_stack([train, train_y])  # the leaked label
test = np.column_stack([test, $marker])
"""
MARKERS = {"same": "test_y", "absent": "0 * test_y", "swapped": "1 - test_y"}  # by Recipe.marker


def playground_run(recipe: Recipe, covid: int, other: int, threshold: float) -> str:
    """Return the code of a run on `covid` and `other` training films, with its confusion matrix at `threshold`."""
    marker = MARKERS.get(recipe.marker)
    return fill(
        RUN,
        films=fill(FILMS, covid=f"{covid:,}", other=f"{other:,}"),
        seed=recipe.seed,
        weights='"imagenet"' if recipe.base == "imagenet" else None,
        marker=fill(MARKER, marker=marker) if marker else None,
        hidden=f'head.add(keras.layers.Dense({recipe.units}, activation="relu"))' if recipe.units else None,
        dropout=f"head.add(keras.layers.Dropout({recipe.dropout:g}))" if recipe.dropout else None,
        rate=f"{recipe.rate:g}",
        weight=recipe.weight,
        batch=config.BATCH,
        epochs=recipe.epochs,
        threshold=f"{threshold:g}",
    )
