"""Synthetic films and files, drawn in code, without a pixel of a real one. Files are bytes, as uploads are."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 160, 192


def film(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A drawing in the likeness of a frontal film: (height, width) uint8, a bright body, two dark lungs, a heart."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    body = 170 - 260 * np.maximum(np.abs(x) - 0.36, 0) - 250 * np.maximum(-y - 0.3, 0) * (np.abs(x) > 0.12)
    for side in (-1, 1):
        lung = ((x - side * 0.19) / 0.13) ** 2 + ((y + 0.05) / 0.3) ** 2
        body -= 110 * np.clip(1.4 - lung, 0, 1)
    body += 50 * np.exp(-((x / 0.05) ** 2)) + 60 * np.exp(-(((x - 0.05) / 0.1) ** 2 + ((y - 0.15) / 0.12) ** 2))
    return np.clip(body, 0, 255).astype(np.uint8)


def deep_film(low: int = 0, high: int = 4095, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The film as uint16 from exactly `low` to exactly `high`, as a detector of more than 8 bits gives it."""
    shallow = film(width, height).astype(np.float64)
    scaled = (shallow - shallow.min()) / (shallow.max() - shallow.min())
    return np.rint(low + scaled * (high - low)).astype(np.uint16)


def color(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture whose channels really differ: (height, width, 3) uint8."""
    gray = film(width, height)
    return np.dstack([gray, gray[::-1], gray[:, ::-1] // 2])


def save(picture: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    """A picture as a file of Pillow's `kind`."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def deep_color_png(rgb: np.ndarray) -> bytes:
    """A 16-bit color PNG of (height, width, 3 or 4) uint16, which Pillow cannot write."""
    order = [2, 1, 0, 3][: rgb.shape[2]]
    return cv2.imencode(".png", np.ascontiguousarray(rgb[..., order]))[1].tobytes()


def turned_jpeg(upright: np.ndarray, orientation: int) -> bytes:
    """Return a JPEG as a rotated camera saves it, with its Exif `orientation`."""
    undo = {
        1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud, 5: np.transpose,
        6: np.rot90, 7: lambda p: np.rot90(p, 2).T, 8: lambda p: np.rot90(p, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(np.ascontiguousarray(undo(upright)), "JPEG", quality=95, exif=exif)


# --- PNG by hand -----------------------------------------------------------------------------
def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *more: bytes, depth: int = 8, color_type: int = 0) -> bytes:
    """A black PNG of any size in a few bytes a row, with `more` chunks before its pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width * depth * {0: 1, 2: 3, 4: 2, 6: 4}[color_type] // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def with_chunk(file: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk after its header."""
    return file[:33] + chunk(name, body) + file[33:]


# --- TIFF by hand ----------------------------------------------------------------------------
def tiff(
    tags: Iterable[tuple[int, int, int, int]], pixels: bytes = b"", following: int = 0, extra: bytes = b""
) -> bytes:
    """A little-endian TIFF: tags of (number, type, count, value or offset), then `extra`, then the pixels.

    A tag value of -1 becomes the offset of the pixels, -2 that of `extra`, -3 that of the directory itself.
    """
    tags = sorted(tags)
    start = 8 + 2 + 12 * len(tags) + 4
    places = {-1: start + len(extra), -2: start, -3: 8}
    entries = b"".join(struct.pack("<HHII", n, kind, count, places.get(v, v)) for n, kind, count, v in tags)
    next_one = struct.pack("<I", 8 if following == -3 else following)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + next_one + extra + pixels


def gray_tags(width: int, height: int, **change: int) -> list[tuple[int, int, int, int]]:
    """The tags of an uncompressed gray TIFF of 8 bits; `change` takes bits=, photometric=, orientation=, format=."""
    bits = change.get("bits", 8)
    tags = {
        256: width, 257: height, 258: bits, 259: 1, 262: change.get("photometric", 1), 273: -1, 277: 1,
        278: height, 279: min(width * height * bits // 8, 2**32 - 1),
        274: change.get("orientation", 1), 339: change.get("format", 1),
    }  # fmt: skip
    return [(number, 3 if number in (258, 259, 262, 274, 277, 339) else 4, 1, value) for number, value in tags.items()]


# --- DICOM -----------------------------------------------------------------------------------
SECRETS = {
    "PatientName": "Doe^Jane^Madeup",
    "PatientID": "MRN-4711-0815",
    "PatientBirthDate": "19500203",
    "InstitutionName": "Saint Nowhere Hospital",
    "ReferringPhysicianName": "House^Gregory",
}


def dataset(pixels: np.ndarray | None = None, stored: int | None = None, **tags):
    """A pydicom data set of a chest film (CR, Explicit VR Little Endian); `tags` are set last, None deletes one."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    pixels = deep_film() if pixels is None else pixels
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3.4.5"
    for name, value in SECRETS.items():
        setattr(ds, name, value)
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "CR", "CHEST", "PA"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    for name, value in tags.items():
        if value is None:
            delattr(ds, name)
        else:
            setattr(ds, name, value)
    return ds


def dicom(ds=None, /, *args, **tags) -> bytes:
    """A DICOM file: of a data set, or of what `dataset` makes of the arguments."""
    import pydicom

    if ds is None or isinstance(ds, np.ndarray):
        ds = dataset(ds, *args, **tags)
    file = io.BytesIO()
    pydicom.dcmwrite(file, ds, enforce_file_format=True)
    return file.getvalue()


def packed(frame: bytes, syntax: str, pixels: np.ndarray, **tags) -> bytes:
    """A DICOM file of `pixels` whose pixel data is the compressed `frame`."""
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    ds = dataset(pixels, **tags)
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return dicom(ds)


def half_and_half_jpeg_ls() -> bytes:
    """A JPEG-LS of 160 x 192 pixels, upper half 0 and lower half 200, as CharLS packs it."""
    return bytes.fromhex(
        "ffd8fff7000b0800c000a001011100ffda0008010100000000ff7fff7fff7fff7fff7fff7fff7fff7f0000016d95"
        "ff7fff7fff7fff7fff7fff7fff7fff7fff7fff7ffcff7fff7fff7fff7fff7fff7ffcffd9"
    )


def lookup_table(values: np.ndarray, first: int, bits: int):
    """A DICOM lookup table item of whole-number `values` from the stored value `first` on."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", [int(value) for value in values])
    return item
