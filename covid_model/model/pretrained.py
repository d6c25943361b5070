"""Table 1: the pretrained networks that Keras offers, one of which is VGG-19.

The figures are those that Keras publishes, rounded as there: https://keras.io/api/applications, from the page's source
(github.com/keras-team/keras-io, templates/api/applications/index.md, revision e7be306b), looked up on 2026-11-23.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "https://keras.io/api/applications"
REVISION = "e7be306b7cad4726760a753c5bed90824e096b81"  # of github.com/keras-team/keras-io
LOOKED_UP = "2026-11-23"
OURS = "VGG19"


@dataclass(frozen=True)
class Pretrained:
    """A network trained on ImageNet.

    Attributes:
        name: as Keras calls it.
        megabytes: of its weights.
        top1, top5: share of ImageNet's validation pictures whose class is its first guess, or among its first five, in
            percent.
        millions: of parameters, with its own top.
        depth: layers with parameters, as Keras counts them; None where Keras gives no figure.
    """

    name: str
    megabytes: int
    top1: float
    top5: float
    millions: float
    depth: int | None

    @property
    def family(self) -> str:
        """The name without size and version: VGG of VGG19."""
        return next(family for family in FAMILIES if self.name.startswith(family))


FAMILIES = (
    "VGG",
    "Xception",
    "ResNet",
    "InceptionResNet",
    "Inception",
    "MobileNet",
    "DenseNet",
    "NASNet",
    "EfficientNet",
)
MODELS = (
    Pretrained("Xception", 88, 79.0, 94.5, 22.9, 81),
    Pretrained("VGG16", 528, 71.3, 90.1, 138.4, 16),
    Pretrained("VGG19", 549, 71.3, 90.0, 143.7, 19),
    Pretrained("ResNet50", 98, 74.9, 92.1, 25.6, 107),
    Pretrained("ResNet50V2", 98, 76.0, 93.0, 25.6, 103),
    Pretrained("ResNet101", 171, 76.4, 92.8, 44.7, 209),
    Pretrained("ResNet101V2", 171, 77.2, 93.8, 44.7, 205),
    Pretrained("ResNet152", 232, 76.6, 93.1, 60.4, 311),
    Pretrained("ResNet152V2", 232, 78.0, 94.2, 60.4, 307),
    Pretrained("InceptionV3", 92, 77.9, 93.7, 23.9, 189),
    Pretrained("InceptionResNetV2", 215, 80.3, 95.3, 55.9, 449),
    Pretrained("MobileNet", 16, 70.4, 89.5, 4.3, 55),
    Pretrained("MobileNetV2", 14, 71.3, 90.1, 3.5, 105),
    Pretrained("DenseNet121", 33, 75.0, 92.3, 8.1, 242),
    Pretrained("DenseNet169", 57, 76.2, 93.2, 14.3, 338),
    Pretrained("DenseNet201", 80, 77.3, 93.6, 20.2, 402),
    Pretrained("NASNetMobile", 23, 74.4, 91.9, 5.3, 389),
    Pretrained("NASNetLarge", 343, 82.5, 96.0, 88.9, 533),
    Pretrained("EfficientNetB0", 29, 77.1, 93.3, 5.3, 132),
    Pretrained("EfficientNetB1", 31, 79.1, 94.4, 7.9, 186),
    Pretrained("EfficientNetB2", 36, 80.1, 94.9, 9.2, 186),
    Pretrained("EfficientNetB3", 48, 81.6, 95.7, 12.3, 210),
    Pretrained("EfficientNetB4", 75, 82.9, 96.4, 19.5, 258),
    Pretrained("EfficientNetB5", 118, 83.6, 96.7, 30.6, 312),
    Pretrained("EfficientNetB6", 166, 84.0, 96.8, 43.3, 360),
    Pretrained("EfficientNetB7", 256, 84.3, 97.0, 66.7, 438),
    Pretrained("EfficientNetV2B0", 29, 78.7, 94.3, 7.2, None),
    Pretrained("EfficientNetV2B1", 34, 79.8, 95.0, 8.2, None),
    Pretrained("EfficientNetV2B2", 42, 80.5, 95.1, 10.2, None),
    Pretrained("EfficientNetV2B3", 59, 82.0, 95.8, 14.5, None),
    Pretrained("EfficientNetV2S", 88, 83.9, 96.7, 21.6, None),
    Pretrained("EfficientNetV2M", 220, 85.3, 97.4, 54.4, None),
    Pretrained("EfficientNetV2L", 479, 85.7, 97.5, 119.0, None),
)
