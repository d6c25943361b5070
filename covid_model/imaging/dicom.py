"""DICOM to grey pixels, with pydicom. Only the tags named here are ever read: none that says who the patient is.

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
from covid_model.imaging import headers, tones
from covid_model.imaging.image import FilmError, check_size, show_name

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings quote what stands in tags
META = 132  # where a file's own tags begin: after the preamble and "DICM"
TAGS = [
    "Modality", "BodyPartExamined", "ViewPosition",
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept",
    "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth", "PixelData",
]  # fmt: skip
MAX_INFLATED = 2 * config.MAX_PIXELS + 2**20  # bytes: 16-bit pixels, and a megabyte for tags
JPEG_2000 = b"\xff\x4f\xff\x51"  # how a codestream begins: start, then its sizes
GREY = ("MONOCHROME1", "MONOCHROME2")
MAX_TILES = 4096  # of a JPEG 2000 image: each one costs the decoder kilobytes before anything is decoded
FILM_MODALITIES = ("CR", "DX", "DR", "RG", "XR")  # modality tags of plain X-rays
CHEST_WORDS = ("CHEST", "THORAX", "TORAX", "LUNG")  # a chest X-ray's body-part tag contains one of them
LATERAL_VIEWS = ("LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT")  # view tags of X-rays taken from the side


def dicom(data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels (height, width) uint8 and warnings of a DICOM file.

    Raises:
        FilmError: not one grey film, too large, or packed in a way that no installed decoder reads; any other
            exception is what pydicom or a decoder makes of damaged bytes.
    """
    syntax = _transfer_syntax(data)
    decoder = _decoder(syntax)
    if syntax == DeflatedExplicitVRLittleEndian:
        _check_deflated(data)
    file = pydicom.dcmread(io.BytesIO(data), specific_tags=TAGS)
    if "PixelData" not in file:
        what = "a structured report" if file.get("Modality") == "SR" else "a DICOM file without a (whole) picture"
        raise FilmError(f"A film must hold a picture; this is {what}.")
    _check_header(file)
    if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        _check_packed(file, syntax)
    elif abs(len(file.PixelData) - file.Rows * file.Columns * file.BitsAllocated // 8) > 1:  # padded to even
        raise FilmError("The length of the film's data does not match its rows and columns; it may be cut short.")
    stored, _ = decoder.as_array(file, index=0, raw=True)
    return _shown(stored, file), _warnings(file)


def _transfer_syntax(data: bytes) -> UID:
    """How the file is packed, from its first group of tags, which is never packed itself."""
    start = io.BytesIO(data)
    start.seek(META)
    meta = read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise FilmError("A film must hold a picture; this is a DICOMDIR, the table of contents of a disc.")
    if not meta.get("TransferSyntaxUID"):
        raise FilmError("A DICOM film must say how it is packed; this file names no transfer syntax.")
    return UID(meta.TransferSyntaxUID)


def _decoder(syntax: UID) -> Decoder:
    """What unpacks `syntax` here; FilmError, naming it, where nothing does."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        raise FilmError(f"No decoder for this DICOM file's transfer syntax is here: {show_name(syntax.name, 100)}.")
    return decoder


def _check_deflated(data: bytes) -> None:
    """Refuse a deflated file that would unpack to more than any film needs (FilmError)."""
    start = io.BytesIO(data)
    start.seek(META)
    read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start.tell() :], MAX_INFLATED)) >= MAX_INFLATED:
        raise FilmError(f"A film may unpack to at most {MAX_INFLATED / 2**20:.0f} MB; this file unpacks to more.")


def _check_header(file: pydicom.Dataset) -> None:
    """Refuse what is not one grey picture of 8 to 16 bits within the limits (FilmError)."""
    photometric = str(file.get("PhotometricInterpretation") or "")
    if file.get("SamplesPerPixel", 1) != 1 or photometric not in GREY:
        came = show_name(photometric, 20) if photometric else "no such tag"
        raise FilmError(f"A DICOM film must be grey (MONOCHROME1 or MONOCHROME2); this file is {came}.")
    frames = int(file.get("NumberOfFrames") or 1)
    if frames != 1:
        raise FilmError(f"A film is one picture; this DICOM file holds {frames:,} frames.")
    if not (file.get("Rows") and file.get("Columns")):
        raise FilmError("A DICOM film must say how many rows and columns it has; this file does not.")
    check_size(int(file.Columns), int(file.Rows))
    if file.get("BitsAllocated") not in (8, 16):
        raise FilmError(f"A DICOM film must have 8 or 16 bits a pixel; this file has {file.get('BitsAllocated')}.")


def _check_packed(file: pydicom.Dataset, syntax: UID) -> None:
    """Refuse compressed pixel data whose own size is not what the tags say (FilmError).

    A decoder takes the size that it makes room for from the packed data, not from the tags.
    """
    frame = get_frame(file.PixelData, 0, number_of_frames=1)
    if syntax == RLELossless:
        _check_rle(frame, file.Rows * file.Columns, file.BitsAllocated // 8)
        return
    if frame.startswith(JPEG_2000) and syntax in JPEG2000TransferSyntaxes:
        # Size, then offset of the picture, size and offset of a tile, number of components; ISO 15444-1 A.5.1.
        right, bottom, left, top, tile_width, tile_height, _, _, components = struct.unpack_from(">8IH", frame, 8)
        width, height = right - left, bottom - top
        if right * bottom > MAX_TILES * tile_width * tile_height:
            raise FilmError("The film's data is cut into more tiles than any film needs.")
    elif frame.startswith(b"\xff\xd8") and syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        packed = headers.jpeg(frame)
        width, height, components = packed.width, packed.height, packed.components
        file.PixelData = encapsulate([packed.bare])
    else:
        raise FilmError("The film's data is not packed in the way that the file says.")
    if (width, height, components) != (file.Columns, file.Rows, 1):
        raise FilmError("The size of the film's packed data does not match its rows and columns.")


def _check_rle(frame: bytes, pixels: int, planes: int) -> None:
    """Refuse run-length data whose byte planes do not each unpack to `pixels` bytes (FilmError); PS3.5 annex G."""
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != planes:
        raise FilmError("The film's packed data does not match its bits a pixel.")
    for start, end in zip(offsets[:count], [*offsets[1:count], len(frame)], strict=True):
        at, unpacked = start, 0
        while at < min(end, len(frame)) and unpacked <= pixels + 1:  # padded to even
            head = frame[at]
            at += 2 if head > 128 else head + 2 if head < 128 else 1
            unpacked += 257 - head if head > 128 else head + 1 if head < 128 else 0
        if not pixels <= unpacked <= pixels + 1:
            raise FilmError("The length of the film's packed data does not match its rows and columns.")


def _shown(stored: np.ndarray, file: pydicom.Dataset) -> np.ndarray:
    """Stored values (height, width) as they are meant to be seen: uint8, bright where tissue is dense.

    pydicom's functions are applied to a table of all values that occur, at most 65,536, and not to the film itself,
    of which they would make copies in 64 bits.
    """
    low, high = int(stored.min()), int(stored.max())
    values = np.arange(low, high + 1, dtype=np.int32)
    occurs = np.zeros(values.shape, bool)
    for rows in tones.blocks(len(stored)):
        occurs[stored[rows].astype(np.intp) - low] = True
    table = apply_modality_lut(values, file)
    if table.dtype.kind == "f" and np.array_equal(table, np.rint(table)) and np.abs(table).max() < 2**31:
        table = table.astype(np.int32)  # a VOI lookup table wants whole numbers
    table = apply_voi_lut(table, file)
    if table is values and file.BitsAllocated == 8 and file.get("PixelRepresentation", 0) == 0:
        darkest, brightest = 0, config.GREY_LEVELS
    else:
        counted = occurs & ~_padding(values, file)
        counted = counted if counted.any() else occurs
        darkest, brightest = float(table[counted].min()), float(table[counted].max())
        tones.check_range(darkest, brightest, whole_numbers=table is values)
    grey = tones.stretch(table, darkest, brightest)
    if file.PhotometricInterpretation == "MONOCHROME1":
        grey = config.GREY_LEVELS - grey
    pixels = np.empty(stored.shape, np.uint8)
    for rows in tones.blocks(len(stored)):
        pixels[rows] = grey[stored[rows].astype(np.intp) - low]
    return pixels


def _padding(values: np.ndarray, file: pydicom.Dataset) -> np.ndarray:
    """Which of `values` only fill the picture's edges, and so must not count for its range; PS3.3 C.7.5.1.1.2."""
    first = file.get("PixelPaddingValue")
    if first is None:
        return np.zeros(values.shape, bool)
    last = file.get("PixelPaddingRangeLimit")
    last = first if last is None else last
    return (values >= min(first, last)) & (values <= max(first, last))


def _warnings(file: pydicom.Dataset) -> tuple[str, ...]:
    """What the tags say against this being a frontal chest film."""
    modality, part, view = (str(file.get(tag) or "").strip().upper() for tag in TAGS[:3])
    found = []
    if modality and modality not in FILM_MODALITIES:
        found.append(f"The file's modality is {show_name(modality, 16)}, not a plain X-ray film's.")
    if part and not any(word in part for word in CHEST_WORDS):
        found.append(f"The file's body part is {show_name(part, 16)}, not the chest.")
    if view in LATERAL_VIEWS:
        found.append("The file says that this film was taken from the side; the network was trained on frontal films.")
    return tuple(found)
