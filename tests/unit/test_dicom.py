"""DICOM: what is decoded, warned of and refused. Numbers are rows of the list of bad inputs."""

from __future__ import annotations

import io
import logging
import struct
import subprocess
import sys
import zlib
from importlib.util import find_spec

import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import (
    HTJ2K,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from covid_model import config, imaging
from covid_model.imaging import FilmError, Refusal, dicom, image
from tests.support import synthetic_images
from tests.support.decoding import peak_memory, refusal, refused, scaled

FILM = synthetic_images.film()
DEEP = synthetic_images.deep_film()
needs_samples = pytest.mark.skipif(
    find_spec("data_store") is None, reason="no sample files: pydicom-data is not installed"
)


def pixels_of(*args, **tags) -> np.ndarray:
    read = imaging.decode(synthetic_images.dicom(*args, **tags))
    assert read.kind == "DICOM" and read.warnings == ()
    assert read.pixels.dtype == np.uint8
    return read.pixels


def sample(name: str) -> bytes:
    from pydicom.data import get_testdata_file

    with open(get_testdata_file(name, download=False), "rb") as file:
        return file.read()


def close(pixels: np.ndarray, expected: np.ndarray, tolerance: int = 1) -> bool:
    return pixels.shape == expected.shape and np.abs(pixels.astype(int) - expected).max() <= tolerance


# --- What is read ------------------------------------------------------------------------------
def test_8_bits_stay_as_they_are():
    assert np.array_equal(pixels_of(FILM), FILM)


@pytest.mark.parametrize("stored, high", [(12, 4095), (16, 65_535), (10, 900)])
def test_deep_films_are_scaled_by_their_own_range(stored, high):
    deep = synthetic_images.deep_film(0, high)
    assert np.array_equal(pixels_of(deep, stored), scaled(deep))


def test_signed_values():
    signed = DEEP.astype(np.int16) - 2048
    assert np.array_equal(pixels_of(signed), scaled(DEEP))


def test_unused_bits_do_not_count():
    overlaid = DEEP.copy()
    overlaid[10:20, 10:20] |= 0x8000
    assert np.array_equal(pixels_of(overlaid, 12), scaled(DEEP))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_other_plain_transfer_syntaxes(syntax):
    pixels = DEEP.astype(">u2") if syntax == "1.2.840.10008.1.2.2" else DEEP
    ds = synthetic_images.dataset(pixels)
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    assert np.array_equal(pixels_of(ds), scaled(DEEP))


def test_padding_does_not_count_for_the_range():
    padded = DEEP + 1000
    padded[:, :10] = 0
    read = pixels_of(padded, PixelPaddingValue=0)
    assert not read[:, :10].any()
    assert close(read[:, 10:], np.rint((padded[:, 10:] - 1000.0) / 4095 * 255))


# --- 21: MONOCHROME1 -------------------------------------------------------------------------------
@pytest.mark.parametrize("film", [FILM, DEEP], ids=["8 bits", "16 bits"])
def test_21_monochrome1_is_inverted(film):
    upright = pixels_of(film)
    inverted = imaging.decode(synthetic_images.dicom(film, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(inverted.pixels, 255 - upright)
    assert inverted.warnings == (image.INVERTED,)


@needs_samples
@pytest.mark.parametrize("name", ["RG1_UNCR.dcm", "RG1_J2KR.dcm"])
def test_21_a_chest_film(name):
    """A real chest film in MONOCHROME1, as it comes with pydicom's own tests: dark lungs beside a bright spine."""
    read = imaging.decode(sample(name))
    assert read.pixels.shape == (1955, 1841) and read.warnings == ()
    height, width = read.pixels.shape
    band = read.pixels[height // 5 : height // 3]
    right, spine, left = (band[:, int(at * width) :][:, : width // 12].mean() for at in (0.25, 0.45, 0.65))
    assert max(right, left) < spine - 40


# --- 22: compressed pixel data -----------------------------------------------------------------------
def test_22_run_length():
    ds = synthetic_images.dataset(DEEP)
    ds.compress(RLELossless, generate_instance_uid=False)
    assert np.array_equal(pixels_of(ds), scaled(DEEP))


def test_22_jpeg():
    frame = synthetic_images.save(FILM, "JPEG", quality=95)
    read = imaging.decode(synthetic_images.packed(frame, JPEGBaseline8Bit, FILM))
    assert read.warnings == () and close(read.pixels, FILM, 4)


def test_22_jpeg_2000():
    from PIL import Image

    frame = synthetic_images.save(Image.fromarray(DEEP), "JPEG2000", no_jp2=True)
    read = imaging.decode(synthetic_images.packed(frame, JPEG2000Lossless, DEEP))
    assert read.warnings == () and np.array_equal(read.pixels, scaled(DEEP))


@needs_samples
@pytest.mark.skipif(not get_decoder(JPEGLosslessSV1).is_available, reason="no decoder for lossless JPEG is installed")
def test_22_lossless_jpeg():
    assert imaging.decode(sample("JPGLosslessP14SV1_1s_1f_8b.dcm")).pixels.shape == (768, 1024)


@pytest.mark.skipif(not get_decoder(JPEGLSLossless).is_available, reason="no decoder for JPEG-LS is installed")
def test_22_jpeg_ls():
    halves = np.repeat(np.array([[0], [200]], np.uint8), [96, 96], axis=0) * np.ones((1, 160), np.uint8)
    read = imaging.decode(synthetic_images.packed(synthetic_images.half_and_half_jpeg_ls(), JPEGLSLossless, halves))
    assert np.array_equal(read.pixels, halves)


@pytest.mark.parametrize("syntax", [UID("1.2.840.10008.1.2.4.94"), UID("1.2.840.10008.1.2.8.1"), UID("1.2.3.4.5.6.7")])
def test_22_a_syntax_without_a_decoder_is_named(syntax):
    file = synthetic_images.packed(bytes(100), JPEGBaseline8Bit, FILM)
    length = len(JPEGBaseline8Bit)
    file = file.replace(JPEGBaseline8Bit.encode(), syntax.encode().ljust(length, b"\0"))
    error = refused(file)
    assert error.code == Refusal.NO_DECODER and syntax.name in str(error)


def test_22_an_absent_decoder_is_named(monkeypatch):
    monkeypatch.setattr(get_decoder(HTJ2K), "_available", {})
    error = refused(synthetic_images.packed(bytes(100), HTJ2K, FILM))
    assert error.code == Refusal.NO_DECODER and HTJ2K.name in str(error)


# --- 23, 24: no film in it ---------------------------------------------------------------------------
def test_23_no_pixel_data():
    assert refusal(synthetic_images.dicom(FILM, PixelData=None)) == Refusal.NO_IMAGE


def test_23_structured_report():
    error = refused(synthetic_images.dicom(FILM, PixelData=None, Modality="SR"))
    assert error.code == Refusal.NO_IMAGE and "structured report" in str(error)


def test_23_dicomdir():
    ds = synthetic_images.dataset(FILM, PixelData=None)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.1.3.10"
    error = refused(synthetic_images.dicom(ds))
    assert error.code == Refusal.NO_IMAGE and "DICOMDIR" in str(error)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["plain", "run-length", "JPEG"])
def test_24_cut_short(share, kind):
    ds = synthetic_images.dataset(DEEP)
    if kind == "run-length":
        ds.compress(RLELossless, generate_instance_uid=False)
    file = (
        synthetic_images.packed(synthetic_images.save(FILM, "JPEG"), JPEGBaseline8Bit, FILM)
        if kind == "JPEG"
        else synthetic_images.dicom(ds)
    )
    refusal(file[: max(133, int(share * len(file)))])


def test_24_only_the_start():
    refusal(bytes(128) + b"DICM")


def test_24_no_preamble():
    error = refused(synthetic_images.dicom(FILM)[132:])
    assert error.code == Refusal.OTHER_TYPE and "DICOM file without" in str(error)


def test_24_no_transfer_syntax():
    file = synthetic_images.dicom(FILM)
    at = file.index(b"\x02\0\x10\0UI")
    assert refusal(file[:at] + b"\x02\0\xff\0" + file[at + 4 :]) == Refusal.NO_SYNTAX


def test_24_deflated_bomb():
    ds = synthetic_images.dataset(FILM)
    ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
    file = synthetic_images.dicom(ds)
    start = io.BytesIO(file)
    start.seek(132)
    pydicom.filereader.read_dataset(start, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(packer.compress(bytes(10_000_000)) for _ in range(10)) + packer.flush()
    assert refusal(file[: start.tell()] + bomb) == Refusal.TOO_COMPLEX


def test_24_changed_bytes_never_crash():
    file = synthetic_images.dicom(synthetic_images.deep_film(width=64, height=64))
    odds = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(file)
        changed[odds.integers(132, 1000)] = odds.integers(256)
        try:
            read = imaging.decode(bytes(changed))
        except FilmError:
            continue
        assert read.pixels.dtype == np.uint8


# --- 25, 26: sizes that do not fit, and what is not one gray picture ----------------------------------
@pytest.mark.parametrize(
    "tags, code",
    [
        ({"Rows": 60_000, "Columns": 60_000}, Refusal.TOO_LARGE),
        ({"Rows": 40, "Columns": 40}, Refusal.TOO_SMALL),
        ({"Rows": 64, "Columns": 300}, Refusal.TOO_LONG),
        ({"Rows": 191}, Refusal.MISMATCH),
        ({"Rows": 193}, Refusal.MISMATCH),
        ({"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}, Refusal.MISMATCH),
        ({"Rows": None}, Refusal.NO_SIZE),
        ({"NumberOfFrames": "1000000"}, Refusal.SEVERAL),
        ({"NumberOfFrames": "2"}, Refusal.SEVERAL),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, Refusal.NOT_GRAY),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Refusal.NOT_GRAY),
        ({"PhotometricInterpretation": "YBR_FULL_422"}, Refusal.NOT_GRAY),
        ({"PhotometricInterpretation": None}, Refusal.NOT_GRAY),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, Refusal.BITS),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, Refusal.BITS),
    ],
)
def test_25_26_refused_before_decoding(tags, code, monkeypatch):
    monkeypatch.setattr(dicom.Decoder, "as_array", lambda *_a, **_k: pytest.fail("a decoder was started"))
    assert refusal(synthetic_images.dicom(FILM, **tags)) == code


def jpeg_2000_header(width, height, components=1, tile=None) -> bytes:
    sizes = struct.pack(">8I", width, height, 0, 0, tile or width, tile or height, 0, 0)
    return b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + sizes + struct.pack(">H", components) + bytes(50)


@pytest.mark.parametrize(
    "frame, syntax, code",
    [
        (lambda: synthetic_images.save(synthetic_images.film(300, 300), "JPEG"), JPEGBaseline8Bit, Refusal.MISMATCH),
        (lambda: synthetic_images.save(synthetic_images.color(), "JPEG"), JPEGBaseline8Bit, Refusal.MISMATCH),
        (lambda: jpeg_2000_header(100_000, 100_000), JPEG2000Lossless, Refusal.MISMATCH),
        (lambda: jpeg_2000_header(160, 192, components=3), JPEG2000Lossless, Refusal.MISMATCH),
        (lambda: jpeg_2000_header(160, 192, tile=1), JPEG2000Lossless, Refusal.TOO_COMPLEX),
        (lambda: bytes(200), JPEG2000Lossless, Refusal.MISMATCH),
        (lambda: synthetic_images.save(FILM, "PNG"), JPEGBaseline8Bit, Refusal.MISMATCH),
        (lambda: struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x01" * 10, RLELossless, Refusal.MISMATCH),
        (lambda: struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x01" * 1_000_000, RLELossless, Refusal.MISMATCH),
        (lambda: struct.pack("<16I", 2, 64, 64, *[0] * 13) + b"\x81\x01" * 240, RLELossless, Refusal.MISMATCH),
    ],
)
def test_25_packed_data_that_does_not_fit(frame, syntax, code, monkeypatch):
    monkeypatch.setattr(dicom.Decoder, "as_array", lambda *_a, **_k: pytest.fail("a decoder was started"))
    assert refusal(synthetic_images.packed(frame(), syntax, FILM)) == code


# --- 27: the patient stays unknown -----------------------------------------------------------------------
def test_27_who_the_patient_is_goes_nowhere(caplog, capfd, recwarn):
    good = synthetic_images.dicom(FILM)
    broken = synthetic_images.dicom(FILM, Rows=191)
    assert all(secret.encode() in good for secret in synthetic_images.SECRETS.values())
    with caplog.at_level(logging.DEBUG):
        read = imaging.decode(good)
        sentence = str(refused(broken))
        refusal(good[:-5])
    assert "Invalid value" not in " ".join(str(item.message) for item in recwarn)
    shown = " ".join([repr(read), sentence, caplog.text, *capfd.readouterr(), *(str(item.message) for item in recwarn)])
    assert not any(secret in shown for secret in synthetic_images.SECRETS.values())


def test_27_only_named_tags_are_read():
    named = {pydicom.datadict.tag_for_keyword(keyword) for keyword in dicom.TAGS}
    assert None not in named and len(named) == len(dicom.TAGS)
    assert not any(tag >> 16 == 0x0010 for tag in named)  # the group of all patient tags


# --- 28: rescale, window, lookup tables --------------------------------------------------------------------
def test_28_rescale():
    assert np.array_equal(pixels_of(DEEP, RescaleSlope="2.5", RescaleIntercept="-1024"), scaled(DEEP))
    inverted = imaging.decode(synthetic_images.dicom(DEEP, RescaleSlope="-1", RescaleIntercept="4095"))
    assert close(inverted.pixels, 255 - scaled(DEEP).astype(int))


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "1", "RescaleIntercept": "0"}])
@pytest.mark.parametrize("center, width", [("2000", "1000"), (["2000", "100"], ["1000", "50"])])
def test_28_window(rescale, center, width):
    expected = np.clip((DEEP - 1999.5) / 999 + 0.5, 0, 1) * 255
    assert close(pixels_of(DEEP, 12, WindowCenter=center, WindowWidth=width, **rescale), np.rint(expected))


def test_28_window_after_rescale():
    expected = np.clip((DEEP * 2.0 - 1000 - 1999.5) / 999 + 0.5, 0, 1) * 255
    read = pixels_of(DEEP, 12, WindowCenter="2000", WindowWidth="1000", RescaleSlope="2", RescaleIntercept="-1000")
    assert close(read, np.rint(expected))


def test_28_sigmoid_window():
    read = pixels_of(DEEP, 12, WindowCenter="2000", WindowWidth="1000", VOILUTFunction="SIGMOID")
    expected = 1 / (1 + np.exp(-4 * (DEEP - 2000.0) / 1000))
    assert close(read, np.rint((expected - expected.min()) / (expected.max() - expected.min()) * 255))


@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
def test_28_lookup_table(sequence):
    table = (np.linspace(0, 1, 4096) ** 2 * 65_535).astype(int)
    read = pixels_of(DEEP, 12, **{sequence: [synthetic_images.lookup_table(table, 0, 16)]})
    assert close(read, scaled(table[DEEP]))


def test_28_lookup_table_after_rescale():
    table = (np.linspace(0, 1, 4096) ** 2 * 65_535).astype(int)
    tags = {
        "VOILUTSequence": [synthetic_images.lookup_table(table, 100, 16)],
        "RescaleSlope": "1",
        "RescaleIntercept": "100",
    }
    assert close(pixels_of(DEEP, 12, **tags), scaled(table[DEEP]))


@pytest.mark.parametrize(
    "tags", [{"WindowCenter": "9000", "WindowWidth": "10"}, {"RescaleSlope": "0", "RescaleIntercept": "7"}]
)
def test_28_nothing_left_to_see(tags):
    assert refusal(synthetic_images.dicom(DEEP, 12, **tags)) == Refusal.ONE_TONE


def test_28_constant():
    assert refusal(synthetic_images.dicom(np.full((99, 100), 700, np.uint16))) == Refusal.ONE_TONE


@pytest.mark.parametrize("tags", [{"WindowWidth": "0"}, {"WindowWidth": "9", "VOILUTFunction": "NO"}])
def test_28_a_window_that_cannot_be(tags):
    refusal(synthetic_images.dicom(DEEP, 12, WindowCenter="2000", **tags))


# --- 29: not a chest film -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "tags, named",
    [
        ({"Modality": "MR"}, "MR"),
        ({"Modality": "CT"}, "CT"),
        ({"BodyPartExamined": "KNEE"}, "KNEE"),
        ({"ViewPosition": "LL"}, "lateral"),
    ],
)
def test_29_other_than_a_frontal_chest_film(tags, named):
    warnings = imaging.decode(synthetic_images.dicom(FILM, **tags)).warnings
    assert len(warnings) == 1 and named in warnings[0]


@pytest.mark.parametrize(
    "tags",
    [
        {"Modality": "DX", "BodyPartExamined": "THORAX"},
        {"Modality": "", "BodyPartExamined": "", "ViewPosition": ""},
        {"Modality": None, "BodyPartExamined": None, "ViewPosition": None},
        {"BodyPartExamined": "CHEST_PA", "ViewPosition": "AP"},
    ],
)
def test_29_a_chest_film_or_no_such_tag(tags):
    assert imaging.decode(synthetic_images.dicom(FILM, **tags)).warnings == ()


# --- Memory ---------------------------------------------------------------------------------------------------
@pytest.mark.measured
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
def test_memory_for_the_largest(tmp_path):
    """The most that fits: 25 million pixels of 16 bits in a few megabytes of JPEG 2000, rescaled and windowed."""
    file = tmp_path / "large.dcm"
    code = f"""if True:
        from PIL import Image
        from tests.support import synthetic_images
        film = synthetic_images.deep_film(0, 4095, 5000, 5000)
        frame = synthetic_images.save(Image.fromarray(film), "JPEG2000", no_jp2=True,
            quality_layers=[20], irreversible=True)
        tags = dict(RescaleSlope="1", RescaleIntercept="0", WindowCenter="2000", WindowWidth="4000")
        open({str(file)!r}, "wb").write(synthetic_images.packed(frame, "{JPEG2000Lossless}", film, **tags))
    """
    subprocess.run([sys.executable, "-c", code], check=True)
    assert file.stat().st_size <= config.MAX_BYTES
    assert peak_memory(file) < 400


@needs_samples
def test_frames_are_found_as_pydicom_finds_them():
    """The bare JPEG decodes to the same image as the whole one: the segments left out hold no pixels."""
    from covid_model.imaging import headers

    file = pydicom.dcmread(io.BytesIO(sample("JPGLosslessP14SV1_1s_1f_8b.dcm")))
    result = headers.jpeg(get_frame(file.PixelData, 0, number_of_frames=1))
    assert (result.width, result.height, result.components) == (1024, 768, 1)
