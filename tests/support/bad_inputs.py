"""The list of bad inputs, rows 1 to 29: the files, and what each must get. `python -m tests.support.bad_inputs`
prints which
test stands for which row (rows 30 to 40 are about the server, the session and the network's file, and have no files).
"""

from __future__ import annotations

import ast
import io
import random
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pydicom.filereader import read_dataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from covid_model.formatting import WHY_OUT
from covid_model.imaging import image, raster
from covid_model.verdict import OutOfDistribution
from tests.support import synthetic_images

ROWS = range(1, 41)
FILES = range(1, 30)  # the rows that are files: each goes through films, the command line and the page
REFUSE, READ, WARN, EITHER = "refuse", "read", "warn", "refuse or read"
FILM = synthetic_images.film()
DEEP = synthetic_images.deep_film()
ZIPPED = b"<script>zipped</script>"  # what the archive behind a picture holds


@dataclass(frozen=True)
class Sent:
    """One file that somebody sends.

    Attributes:
        row: in the list.
        name: of the file.
        make: its bytes.
        gets: REFUSE, READ, WARN or EITHER.
        says: what stands in the sentence with which it is refused, or in a warning.
    """

    row: int
    name: str
    make: Callable[[], bytes]
    gets: str
    says: str = ""

    def __str__(self) -> str:
        return f"{self.row:02}-{self.name}"


def cut(file: bytes, share: float = 0.6) -> bytes:
    return file[: int(share * len(file))]


def flipped(file: bytes, seed: int, start: int = 0) -> bytes:
    """Three bytes changed, behind `start`."""
    odds, changed = random.Random(seed), bytearray(file)
    for _ in range(3):
        changed[odds.randrange(start, len(file))] ^= odds.randrange(1, 256)
    return bytes(changed)


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("a.html", ZIPPED)
    return archive.getvalue()


def jpeg_2000(pixels: np.ndarray) -> bytes:
    return synthetic_images.save(Image.fromarray(pixels), "JPEG2000", no_jp2=True)


def with_syntax(syntax: str, compress: bool = False, pixels: np.ndarray | None = None) -> bytes:
    """A DICOM film in another transfer syntax, its pixels packed by pydicom where asked for."""
    ds = synthetic_images.dataset(pixels)
    if compress:
        ds.compress(UID(syntax), generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    return synthetic_images.dicom(ds)


def deflated_bomb() -> bytes:
    file = with_syntax("1.2.840.10008.1.2.1.99")
    start = io.BytesIO(file)
    start.seek(132)
    read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    packer = zlib.compressobj(9, wbits=-15)
    return file[: start.tell()] + b"".join(packer.compress(bytes(10**7)) for _ in range(10)) + packer.flush()


def directory_of_a_disc() -> bytes:
    ds = synthetic_images.dataset(FILM, PixelData=None)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.1.3.10"
    return synthetic_images.dicom(ds)


def with_alpha() -> Image.Image:
    alpha = np.full_like(FILM, 255)
    alpha[:, :40] = 0
    return Image.merge("LA", [Image.fromarray(FILM), Image.fromarray(alpha)])


def not_finite(value: float) -> bytes:
    values = (DEEP / 4095).astype(np.float32)
    values[150, 70] = value
    return synthetic_images.save(values, "TIFF")


def several(kind: str) -> bytes:
    return synthetic_images.save(FILM, kind, save_all=True, append_images=[Image.fromarray(FILM[::-1])])


def bomb(name: bytes, before: bytes) -> bytes:
    return synthetic_images.with_chunk(synthetic_images.save(FILM), name, before + zlib.compress(bytes(50_000_000), 9))


def sent(row: int, name: str, make: Callable[[], bytes] | bytes, gets: str, says: str = "") -> Sent:
    return Sent(row, name, make if callable(make) else lambda: make, gets, says)


EXIF_BROKEN = b"Exif\0\0II*\0\xff\xff\xff\xff"
SENT = [
    sent(1, "empty.png", b"", REFUSE, "empty"),
    sent(2, "text.png", b"not a film at all", REFUSE, "text"),
    sent(2, "page.png", b"<html><body>not a film</body></html>", REFUSE, "text"),
    sent(2, "drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", REFUSE, "text"),
    sent(2, "paper.png", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(300), REFUSE, "PDF"),
    sent(3, "gif.png", lambda: synthetic_images.save(FILM, "GIF"), REFUSE, "GIF"),
    sent(3, "webp.jpg", lambda: synthetic_images.save(FILM, "WEBP"), REFUSE, "WebP"),
    sent(3, "eps.tiff", b"%!PS-Adobe-3.0 EPSF-3.0\n", REFUSE, "PostScript"),
    sent(3, "psd.png", b"8BPS\0\1" + bytes(300), REFUSE, "Photoshop"),
    sent(3, "fits.dcm", b"SIMPLE  =                    T", REFUSE, "FITS"),
    sent(3, "mpo.jpg", lambda: several("MPO"), REFUSE, "several"),
    sent(4, "png.jpg", lambda: synthetic_images.save(FILM), READ),
    sent(5, "cut.png", lambda: cut(synthetic_images.save(FILM)), REFUSE, "cut short"),
    sent(5, "cut.jpg", lambda: cut(synthetic_images.save(FILM, "JPEG")), REFUSE, "cut short"),
    sent(5, "cut.tif", lambda: cut(synthetic_images.save(FILM, "TIFF")), REFUSE, "cut short"),
    *(sent(6, f"flipped-{n}.png", lambda n=n: flipped(synthetic_images.save(FILM), n, 41), REFUSE) for n in range(3)),
    *(
        sent(7, f"flipped-{n}.jpg", lambda n=n: flipped(synthetic_images.save(FILM, "JPEG"), n, 300), EITHER)
        for n in range(6)
    ),
    *(
        sent(8, f"zip-behind.{kind}", lambda kind=kind: synthetic_images.save(FILM, kind) + zipped(), READ)
        for kind in ("PNG", "JPEG", "TIFF")
    ),
    sent(9, "large.png", lambda: synthetic_images.png(10_000, 10_000), REFUSE, "25 million"),
    sent(
        9,
        "large.tif",
        lambda: synthetic_images.tiff(synthetic_images.gray_tags(100_000, 100_000)),
        REFUSE,
        "25 million",
    ),
    sent(10, "line.png", lambda: synthetic_images.save(np.zeros((20_000, 1), np.uint8)), REFUSE, "64 × 64"),
    sent(10, "stamp.png", lambda: synthetic_images.save(FILM[:40, :40]), REFUSE, "40 × 40"),
    sent(11, "bomb-z.png", lambda: bomb(b"zTXt", b"Comment\0\0"), REFUSE),
    sent(11, "bomb-i.png", lambda: bomb(b"iTXt", b"Comment\0\1\0\0\0"), REFUSE),
    sent(
        12,
        "ring.tif",
        lambda: synthetic_images.tiff(synthetic_images.gray_tags(160, 192), FILM.tobytes(), following=-3),
        REFUSE,
    ),
    sent(12, "pages.tif", lambda: several("TIFF"), REFUSE, "several"),
    sent(12, "moving.png", lambda: several("PNG"), REFUSE, "several"),
    sent(13, "deep.png", lambda: synthetic_images.save(synthetic_images.deep_film(0, 65_535)), READ),
    sent(13, "deep-12-in-16.tif", lambda: synthetic_images.save(DEEP, "TIFF"), READ),
    sent(13, "deep-color.png", lambda: synthetic_images.deep_color_png(np.dstack([DEEP] * 3)), READ),
    sent(14, "float.tif", lambda: synthetic_images.save((DEEP / 4095).astype(np.float32), "TIFF"), READ),
    sent(14, "nan.tif", lambda: not_finite(np.nan), REFUSE, "NaN"),
    sent(14, "infinite.tif", lambda: not_finite(np.inf), REFUSE, "infinity"),
    sent(
        15,
        "cmyk.jpg",
        lambda: synthetic_images.save(Image.fromarray(FILM).convert("RGB").convert("CMYK"), "JPEG"),
        READ,
    ),
    sent(15, "palette.png", lambda: synthetic_images.save(Image.fromarray(FILM).convert("P")), READ),
    sent(15, "one-bit.tif", lambda: synthetic_images.save(Image.fromarray(FILM > 120), "TIFF"), READ),
    sent(16, "alpha.png", lambda: synthetic_images.save(with_alpha()), WARN, raster.ALPHA),
    sent(17, "turned.jpg", lambda: synthetic_images.turned_jpeg(FILM, 6), READ),
    sent(17, "broken-exif.jpg", lambda: synthetic_images.save(FILM, "JPEG", exif=EXIF_BROKEN), READ),
    sent(18, "constant.png", lambda: synthetic_images.save(np.full((99, 99), 128, np.uint8)), REFUSE, "one tone"),
    sent(
        19,
        "photograph.jpg",
        lambda: synthetic_images.save(synthetic_images.color(), "JPEG"),
        WARN,
        WHY_OUT[OutOfDistribution.COLOR],
    ),
    sent(19, "leg.dcm", lambda: synthetic_images.dicom(FILM, BodyPartExamined="LEG"), WARN, "LEG"),
    sent(19, "slice.dcm", lambda: synthetic_images.dicom(FILM, Modality="CT"), WARN, "CT"),
    sent(20, "inverted.png", lambda: synthetic_images.save(255 - FILM), WARN, image.INVERTED),
    sent(
        21, "monochrome1.dcm", lambda: synthetic_images.dicom(255 - FILM, PhotometricInterpretation="MONOCHROME1"), READ
    ),
    sent(22, "run-length.dcm", lambda: with_syntax(RLELossless, compress=True), READ),
    sent(
        22,
        "jpeg.dcm",
        lambda: synthetic_images.packed(synthetic_images.save(FILM, "JPEG"), JPEGBaseline8Bit, FILM),
        READ,
    ),
    sent(22, "jpeg-2000.dcm", lambda: synthetic_images.packed(jpeg_2000(DEEP), JPEG2000Lossless, DEEP), READ),
    sent(
        22,
        "jpeg-ls.dcm",
        lambda: synthetic_images.packed(synthetic_images.half_and_half_jpeg_ls(), JPEGLSLossless, FILM),
        EITHER,
    ),
    sent(
        22,
        "unknown.dcm",
        lambda: synthetic_images.packed(bytes(99), "1.2.840.10008.1.2.4.94", FILM),
        REFUSE,
        "transfer syntax",
    ),
    sent(23, "no-pixels.dcm", lambda: synthetic_images.dicom(FILM, PixelData=None), REFUSE, "image"),
    sent(23, "disc.dcm", directory_of_a_disc, REFUSE, "DICOMDIR"),
    sent(
        23,
        "report.dcm",
        lambda: synthetic_images.dicom(FILM, PixelData=None, Modality="SR"),
        REFUSE,
        "structured report",
    ),
    sent(24, "cut.dcm", lambda: cut(synthetic_images.dicom(FILM)), REFUSE),
    sent(24, "no-preamble.dcm", lambda: synthetic_images.dicom(FILM)[132:], REFUSE, "preamble"),
    sent(24, "bomb.dcm", deflated_bomb, REFUSE, "unpack"),
    sent(25, "large.dcm", lambda: synthetic_images.dicom(FILM, Rows=60_000, Columns=60_000), REFUSE, "25 million"),
    sent(25, "many-frames.dcm", lambda: synthetic_images.dicom(FILM, NumberOfFrames="1000000"), REFUSE, "frames"),
    sent(25, "row-too-many.dcm", lambda: synthetic_images.dicom(FILM, Rows=193), REFUSE, "does not match"),
    sent(26, "frames.dcm", lambda: synthetic_images.dicom(FILM, NumberOfFrames="2"), REFUSE, "2 frames"),
    sent(
        26,
        "rgb.dcm",
        lambda: synthetic_images.dicom(FILM, SamplesPerPixel=3, PhotometricInterpretation="RGB"),
        REFUSE,
        "RGB",
    ),
    sent(
        26,
        "palette.dcm",
        lambda: synthetic_images.dicom(FILM, PhotometricInterpretation="PALETTE COLOR"),
        REFUSE,
        "PALETTE COLOR",
    ),
    sent(27, "named.dcm", lambda: synthetic_images.dicom(FILM), READ),
    sent(28, "rescaled.dcm", lambda: synthetic_images.dicom(DEEP, RescaleSlope="2", RescaleIntercept="-1024"), READ),
    sent(28, "window.dcm", lambda: synthetic_images.dicom(DEEP, 12, WindowCenter="2000", WindowWidth="3000"), READ),
    sent(
        28,
        "table.dcm",
        lambda: synthetic_images.dicom(
            DEEP, 12, VOILUTSequence=[synthetic_images.lookup_table(np.arange(4096), 0, 16)]
        ),
        READ,
    ),
    sent(29, "other-modality.dcm", lambda: synthetic_images.dicom(FILM, Modality="MR"), WARN, "MR"),
    sent(29, "other-part.dcm", lambda: synthetic_images.dicom(FILM, BodyPartExamined="KNEE"), WARN, "KNEE"),
]


def of_row(row: int) -> list[Sent]:
    """The files of one row."""
    return [item for item in SENT if item.row == row]


def good_film() -> bytes:
    """A film without anything wrong."""
    return cv2.imencode(".png", FILM)[1].tobytes()


# --- Which test stands for which row ---------------------------------------------------------------
NUMBERED = re.compile(r"test_((?:\d\d_)+)")  # a test's name begins with its rows: test_09_10_sizes_are_checked


def rows_of(name: str) -> list[int]:
    """Return the rows that a test's name says it covers."""
    result = NUMBERED.match(name)
    return [int(number) for number in result[1].split("_") if number] if result else []


def tests_by_row() -> dict[int, list[str]]:
    """For each row, the numbered tests of this folder as "file::test"."""
    result = defaultdict(list)
    for path in sorted(Path(__file__).parent.parent.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for row in rows_of(node.name):
                    result[row].append(f"{path.name}::{node.name}")
    return dict(result)


if __name__ == "__main__":
    for number, names in sorted(tests_by_row().items()):
        files = f"{len(of_row(number))} files, test_bad_inputs.py; " if number in FILES else ""
        print(f"{number:2}  {files}{', '.join(names)}")
