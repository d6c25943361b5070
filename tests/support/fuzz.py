"""Endless damaged PNG, JPEG, TIFF and DICOM files: `python -m tests.support.fuzz KIND CASES SEED`.

Each file must end in a film that a network can take, or in a refusal in one sentence; in under SLOWEST seconds, with
under PEAK megabytes. A process of its own, so that a decoder that crashes or hangs is seen for what it is: the file
that it was at lies in build/fuzz. The same KIND, CASES and SEED make the same files.
"""

from __future__ import annotations

import resource
import struct
import sys
import time
import zlib
from collections import Counter

import cv2
import numpy as np
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as how
from hypothesis import strategies as draw_from
from PIL import Image
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from covid_model import config, imaging
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input
from tests.support import bad_inputs, peak_memory, synthetic_images

KINDS = ("PNG", "JPEG", "TIFF", "DICOM")
SLOWEST = 5.0  # seconds a file
PEAK = 400  # megabytes above rest
ALLOWED = 3 * 2**30  # bytes that the process may have at most, so that no decoder takes the machine along
LONGEST = 300  # letters of a refusal
HEADER = 400  # bytes of a file's beginning, where half of the damage is done
NUMBERS = (0, 1, 2, 7, 8, 16, 63, 64, 255, 256, 4096, 32_767, 32_768, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
FILM = synthetic_images.film(72, 80)
DEEP = synthetic_images.deep_film(0, 4095, 72, 80)
HOW = Preprocessing(border=0.08, blur=1.0, equalize=True)


def whole_files(kind: str) -> list[bytes]:
    """Undamaged files of a kind, small, of every sort that its decoder tells apart."""
    gray, color = Image.fromarray(FILM), Image.fromarray(synthetic_images.color(72, 80))
    if kind == "PNG":
        palette = synthetic_images.save(gray.convert("P"))
        alpha = synthetic_images.save(Image.merge("LA", [gray, gray]))
        deep_color = synthetic_images.deep_color_png(np.dstack([DEEP] * 3))
        turned = synthetic_images.save(gray, exif=_exif(6))
        return [
            synthetic_images.save(gray),
            synthetic_images.save(DEEP),
            palette,
            alpha,
            deep_color,
            turned,
            synthetic_images.save(color),
        ]
    if kind == "JPEG":
        plain, progressive = (
            synthetic_images.save(gray, "JPEG"),
            synthetic_images.save(color, "JPEG", progressive=True),
        )
        cmyk = synthetic_images.save(color.convert("CMYK"), "JPEG")
        return [plain, progressive, cmyk, synthetic_images.save(gray, "JPEG", restart_marker_rows=1, exif=_exif(3))]
    if kind == "TIFF":
        packings = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group4", "jpeg")
        grays = [
            synthetic_images.save(gray.convert("1") if p == "group4" else gray, "TIFF", compression=p) for p in packings
        ]
        deep_color = cv2.imencode(".tiff", np.dstack([DEEP] * 3))[1].tobytes()
        real = synthetic_images.save((DEEP / 4095).astype(np.float32), "TIFF")
        return [
            *grays,
            synthetic_images.save(DEEP, "TIFF"),
            real,
            synthetic_images.save(color.convert("CMYK"), "TIFF"),
            deep_color,
        ]
    shown = {"RescaleSlope": "2", "RescaleIntercept": "-9", "WindowCenter": "2000", "WindowWidth": "3000"}
    table = synthetic_images.lookup_table(np.arange(4096), 0, 16)
    lossless = bad_inputs.jpeg_2000(DEEP)
    return [
        synthetic_images.dicom(FILM),
        synthetic_images.dicom(DEEP, 12, **shown),
        synthetic_images.dicom(DEEP, 12, VOILUTSequence=[table], PhotometricInterpretation="MONOCHROME1"),
        bad_inputs.with_syntax("1.2.840.10008.1.2.1.99", pixels=DEEP),
        bad_inputs.with_syntax(RLELossless, True, DEEP),
        synthetic_images.packed(synthetic_images.save(FILM, "JPEG"), JPEGBaseline8Bit, FILM),
        synthetic_images.packed(lossless, JPEG2000Lossless, DEEP),
        synthetic_images.packed(synthetic_images.half_and_half_jpeg_ls(), JPEGLSLossless, synthetic_images.film()),
    ]


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# --- Damage --------------------------------------------------------------------------------------------


@draw_from.composite
def damaged(draw, files: list[bytes], others: list[bytes]) -> bytes:
    """A file of `files` with one to six wounds; a PNG's checksums are mostly put right again behind them."""
    data = bytearray(draw(draw_from.sampled_from(files)))
    for _ in range(draw(draw_from.sampled_from((1, 1, 1, 2, 2, 6)))):
        top = min(len(data), HEADER) if draw(draw_from.booleans()) else len(data)
        at = draw(draw_from.integers(0, max(0, top - 1)))
        length = draw(draw_from.sampled_from((1, 2, 3, 4, 8, 12, 40, 200, 1000)))
        wound = draw(draw_from.sampled_from(("bit", "bytes", "number", "cut", "drop", "insert", "repeat", "graft")))
        if wound == "bit" and data:
            data[at] ^= 1 << draw(draw_from.integers(0, 7))
        elif wound == "bytes":
            data[at : at + length] = draw(draw_from.binary(min_size=1, max_size=8))
        elif wound == "number":
            number, form = draw(draw_from.sampled_from(NUMBERS)), draw(draw_from.sampled_from((">H", "<H", ">I", "<I")))
            packed = struct.pack(form, number & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
            data[at : at + len(packed)] = packed
        elif wound == "cut":
            del data[at:]
        elif wound == "drop":
            del data[at : at + length]
        elif wound == "insert":
            data[at:at] = draw(draw_from.sampled_from((bytes(length), b"\xff" * length)))
        elif wound == "repeat":
            data[at:at] = data[at : at + length] * draw(draw_from.sampled_from((1, 2, 50)))
        else:  # a piece of a file of another kind
            other = draw(draw_from.sampled_from(others))
            start = draw(draw_from.integers(0, len(other) - 1))
            data[at : at + length] = other[start : start + length]
    return checksums_right(bytes(data)) if draw(draw_from.integers(0, 3)) else bytes(data)


def checksums_right(data: bytes) -> bytes:
    """A PNG whose chunks carry the checksums of what is in them now; any other file as it is."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        mended += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return mended + data[at:]


# --- What must come of it --------------------------------------------------------------------------------


def check(data: bytes, received: Counter) -> None:
    """Decode one file and see that it ends as it must."""
    rest, started = peak_memory.reset_peak(), time.perf_counter()
    try:
        film = imaging.decode(data)
    except imaging.FilmError as error:
        film, sentence = None, str(error)
    taken, grown = time.perf_counter() - started, peak_memory.peak() - rest
    assert taken < SLOWEST, f"{taken:.1f} s"
    assert grown < PEAK, f"{grown:.0f} MB"
    received["read" if film else "refused"] += 1
    if film is None:
        assert sentence[0].isupper() and sentence.endswith(".") and "\n" not in sentence, sentence
        assert len(sentence) < LONGEST, sentence
        return
    height, width = film.pixels.shape
    assert film.pixels.dtype == np.uint8 and film.pixels.max() > film.pixels.min()
    assert min(height, width) >= config.MIN_SIDE and height * width <= config.MAX_PIXELS
    assert all(warning.endswith(".") and "\n" not in warning for warning in film.warnings)
    assert np.isfinite(to_input(prepare(film.pixels, HOW)[None])).all()


def run(kind: str, cases: int, start: int) -> Counter:
    """`cases` damaged files of a kind; how many were read and how many refused. AssertionError or worse for a bug."""
    last = config.ROOT / "build" / "fuzz" / f"last.{kind.lower()}"
    last.parent.mkdir(parents=True, exist_ok=True)
    received: Counter = Counter()
    files = whole_files(kind)
    others = [whole_files(other)[0] for other in KINDS if other != kind]
    for data in files:
        assert imaging.decode(data).kind == kind  # each is a film before it is damaged; and the decoders are loaded
    resource.setrlimit(resource.RLIMIT_AS, (ALLOWED, ALLOWED))

    @seed(start)
    @how(max_examples=cases, deadline=None, database=None, derandomize=False, print_blob=True,
         suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(damaged(files, others))
    def decode(data: bytes) -> None:
        last.write_bytes(data)
        check(data, received)

    decode()
    last.unlink()
    return received


def main(kind: str, cases: str, start: str) -> None:
    began = time.perf_counter()
    received = run(kind, int(cases), int(start))
    files, taken = received.total(), time.perf_counter() - began
    print(f"{kind}, seed {start}: {files} files, {received['read']} read, {received['refused']} refused, {taken:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
