"""Decode DICOM files to grayscale pixels with pydicom. Only the tags in TAGS are read: none identifies the patient.

Source: DICOM PS3.3 C.7.6.3 (pixels), C.11.1 and C.11.2 (modality and VOI lookup tables), PS3.5 annex A (transfer
syntaxes).
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pydicom
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from covid_model import config
from covid_model.imaging import headers, image
from covid_model.imaging.image import FilmError, Refusal, check_size, show_name

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings quote the values of tags
META = 132  # offset of the first tag: after the preamble and "DICM"
TAGS = [
    "Modality", "BodyPartExamined", "ViewPosition",
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept",
    "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth", "PixelData",
]  # fmt: skip
MAX_INFLATED = 2 * config.MAX_PIXELS + 2**20  # bytes: 16-bit pixels, and a megabyte for tags
JPEG_2000 = b"\xff\x4f\xff\x51"  # the first bytes of a codestream: start marker, then sizes
GRAY = ("MONOCHROME1", "MONOCHROME2")
MAX_TILES = 4096  # of a JPEG 2000 image: each one costs the decoder kilobytes before anything is decoded
FILM_MODALITIES = ("CR", "DX", "DR", "RG", "XR")  # modality tags of plain X-rays
CHEST_WORDS = ("CHEST", "THORAX", "TORAX", "LUNG")  # a chest X-ray's body-part tag contains one of them
LATERAL_VIEWS = ("LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT")  # view tags of X-rays taken from the side


def dicom(data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decode a DICOM file to pixels (height, width) uint8 and warnings.

    Raises:
        FilmError: not a single grayscale image, too large, or in a transfer syntax without an installed decoder.
        Exception: whatever pydicom or a decoder raises on damaged bytes.
    """
    syntax = _transfer_syntax(data)
    decoder = _decoder(syntax)
    if syntax == DeflatedExplicitVRLittleEndian:
        _check_deflated(data)
    file = pydicom.dcmread(io.BytesIO(data), specific_tags=TAGS)
    if "PixelData" not in file:
        is_report = file.get("Modality") == "SR"
        content = "a structured report" if is_report else "a file without a complete image"
        raise FilmError(f"Expected a DICOM file with an image; got {content}.", Refusal.NO_IMAGE)
    _check_header(file)
    if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        _check_packed(file, syntax)
    elif abs(len(file.PixelData) - file.Rows * file.Columns * file.BitsAllocated // 8) > 1:  # padded to even
        raise FilmError(
            "The length of the pixel data does not match the rows and columns. Export the X-ray again.",
            Refusal.MISMATCH,
        )
    stored, _ = decoder.as_array(file, index=0, raw=True)
    return _shown(stored, file), _warnings(file)


def _transfer_syntax(data: bytes) -> UID:
    """Return the transfer syntax, from the file's first group of tags, which is never compressed."""
    start = io.BytesIO(data)
    start.seek(META)
    meta = read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise FilmError(
            "Expected a DICOM file with an image; got a DICOMDIR, the index of a disc. Choose a file that it lists.",
            Refusal.NO_IMAGE,
        )
    if not meta.get("TransferSyntaxUID"):
        raise FilmError(
            "The DICOM file does not name its transfer syntax, so its image cannot be decoded. Export it again.",
            Refusal.NO_SYNTAX,
        )
    return UID(meta.TransferSyntaxUID)


def _decoder(syntax: UID) -> Decoder:
    """Return an installed decoder for `syntax`. Raises FilmError, which names it, if there is none."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        name = show_name(syntax.name, 100)
        raise FilmError(
            f"There is no decoder for the transfer syntax {name}. Export the X-ray uncompressed.", Refusal.NO_DECODER
        )
    return decoder


def _check_deflated(data: bytes) -> None:
    """Raise FilmError if a deflated file unpacks to MAX_INFLATED bytes or more."""
    start = io.BytesIO(data)
    start.seek(META)
    read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start.tell() :], MAX_INFLATED)) >= MAX_INFLATED:
        raise FilmError(
            f"The DICOM file unpacks to more than {MAX_INFLATED / 2**20:.0f} MB. Scale the X-ray down.",
            Refusal.TOO_COMPLEX,
        )


def _check_header(file: pydicom.Dataset) -> None:
    """Raise FilmError if the tags do not describe one grayscale image of 8 or 16 bits within the limits."""
    photometric = str(file.get("PhotometricInterpretation") or "")
    if file.get("SamplesPerPixel", 1) != 1 or photometric not in GRAY:
        kind = show_name(photometric, 20) if photometric else "no photometric interpretation"
        raise FilmError(
            f"Expected a grayscale DICOM image (MONOCHROME1 or MONOCHROME2); got {kind}. Export it in grayscale.",
            Refusal.NOT_GRAY,
        )
    frames = int(file.get("NumberOfFrames") or 1)
    if frames != 1:
        raise FilmError(
            f"Expected a DICOM file with one image; this one has {frames:,} frames. Export a single frame.",
            Refusal.SEVERAL,
        )
    if not (file.get("Rows") and file.get("Columns")):
        raise FilmError("The DICOM file does not state its rows and columns. Export it again.", Refusal.NO_SIZE)
    check_size(int(file.Columns), int(file.Rows))
    if file.get("BitsAllocated") not in (8, 16):
        raise FilmError(
            f"Expected a DICOM image of 8 or 16 bits per pixel; got {file.get('BitsAllocated')}.", Refusal.BITS
        )


def _check_packed(file: pydicom.Dataset, syntax: UID) -> None:
    """Raise FilmError if the size in compressed pixel data differs from the size in the tags.

    A decoder allocates memory by the size in the compressed data, not in the tags.
    """
    frame = get_frame(file.PixelData, 0, number_of_frames=1)
    if syntax == RLELossless:
        _check_rle(frame, file.Rows * file.Columns, file.BitsAllocated // 8)
        return
    if frame.startswith(JPEG_2000) and syntax in JPEG2000TransferSyntaxes:
        # Size, then offset of the image, size and offset of a tile, number of components; ISO 15444-1 A.5.1.
        right, bottom, left, top, tile_width, tile_height, _, _, components = struct.unpack_from(">8IH", frame, 8)
        width, height = right - left, bottom - top
        if right * bottom > MAX_TILES * tile_width * tile_height:
            raise FilmError(
                f"The JPEG 2000 image has more than {MAX_TILES:,} tiles. Export the X-ray uncompressed.",
                Refusal.TOO_COMPLEX,
            )
    elif frame.startswith(b"\xff\xd8") and syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        packed = headers.jpeg(frame)
        width, height, components = packed.width, packed.height, packed.components
        file.PixelData = encapsulate([packed.bare])
    else:
        raise FilmError(
            "The pixel data is not compressed the way the file states. Export the X-ray again.",
            Refusal.MISMATCH,
        )
    if (width, height, components) != (file.Columns, file.Rows, 1):
        raise FilmError(
            "The size of the compressed image does not match the rows and columns. Export the X-ray again.",
            Refusal.MISMATCH,
        )


def _check_rle(frame: bytes, pixels: int, planes: int) -> None:
    """Raise FilmError if the byte planes of run-length data do not each unpack to `pixels` bytes; PS3.5 annex G."""
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != planes:
        raise FilmError(
            "The compressed data does not match the bits per pixel. Export the X-ray again.", Refusal.MISMATCH
        )
    for start, end in zip(offsets[:count], [*offsets[1:count], len(frame)], strict=True):
        at, unpacked = start, 0
        while at < min(end, len(frame)) and unpacked <= pixels + 1:  # padded to even
            head = frame[at]
            at += 2 if head > 128 else head + 2 if head < 128 else 1
            unpacked += 257 - head if head > 128 else head + 1 if head < 128 else 0
        if not pixels <= unpacked <= pixels + 1:
            raise FilmError(
                "The length of the compressed data does not match the rows and columns. Export the X-ray again.",
                Refusal.MISMATCH,
            )


def _shown(stored: np.ndarray, file: pydicom.Dataset) -> np.ndarray:
    """Convert stored values (height, width) to display values: uint8, bright where tissue is dense.

    pydicom's functions are applied to a table of all values that occur, at most 65,536, and not to the film itself,
    which they would copy in 64 bits.
    """
    low, high = int(stored.min()), int(stored.max())
    values = np.arange(low, high + 1, dtype=np.int32)
    occurs = np.zeros(values.shape, bool)
    for rows in image.blocks(len(stored)):
        occurs[stored[rows].astype(np.intp) - low] = True
    table = apply_modality_lut(values, file)
    if table.dtype.kind == "f" and np.array_equal(table, np.rint(table)) and np.abs(table).max() < 2**31:
        table = table.astype(np.int32)  # a VOI lookup table needs integers
    table = apply_voi_lut(table, file)
    if table is values and file.BitsAllocated == 8 and file.get("PixelRepresentation", 0) == 0:
        darkest, brightest = 0, config.GRAY_LEVELS
    else:
        counted = occurs & ~_padding(values, file)
        counted = counted if counted.any() else occurs
        darkest, brightest = float(table[counted].min()), float(table[counted].max())
        image.check_range(darkest, brightest, whole_numbers=table is values)
    gray = image.stretch(table, darkest, brightest)
    if file.PhotometricInterpretation == "MONOCHROME1":
        gray = config.GRAY_LEVELS - gray
    pixels = np.empty(stored.shape, np.uint8)
    for rows in image.blocks(len(stored)):
        pixels[rows] = gray[stored[rows].astype(np.intp) - low]
    return pixels


def _padding(values: np.ndarray, file: pydicom.Dataset) -> np.ndarray:
    """Return a mask of the `values` that only pad the image, which its range must not include; PS3.3 C.7.5.1.1.2."""
    first = file.get("PixelPaddingValue")
    if first is None:
        return np.zeros(values.shape, bool)
    last = file.get("PixelPaddingRangeLimit")
    last = first if last is None else last
    return (values >= min(first, last)) & (values <= max(first, last))


def _warnings(file: pydicom.Dataset) -> tuple[str, ...]:
    """Return a warning for each tag that contradicts a frontal chest X-ray."""
    modality, part, view = (str(file.get(tag) or "").strip().upper() for tag in TAGS[:3])
    warnings = []
    if modality and modality not in FILM_MODALITIES:
        warnings.append(f"The file's modality is {show_name(modality, 16)}, not that of a plain X-ray.")
    if part and not any(word in part for word in CHEST_WORDS):
        warnings.append(f"The file's body part is {show_name(part, 16)}, not the chest.")
    if view in LATERAL_VIEWS:
        warnings.append("The file says that this is a lateral view; the network was trained on frontal X-rays.")
    return tuple(warnings)
