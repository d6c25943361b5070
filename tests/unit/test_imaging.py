"""Images: what is decoded, warned of and refused. Numbers are rows of the list of bad inputs."""

from __future__ import annotations

import io
import logging
import random
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from covid_model import config, imaging
from covid_model.imaging import FilmError, Refusal, headers, raster
from tests.support import synthetic_images
from tests.support.decoding import peak_memory, refusal, refused

FILM = synthetic_images.film()
DEEP = synthetic_images.deep_film()


# --- What is read as it is -------------------------------------------------------------------
@pytest.mark.parametrize(
    "kind, options, tolerance",
    [
        ("PNG", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("JPEG", {"quality": 95}, 4),
        ("JPEG", {"quality": 95, "progressive": True}, 4),
        ("JPEG", {"quality": 95, "restart_marker_rows": 1}, 4),
    ],
)
def test_a_film_is_read(kind, options, tolerance):
    read = imaging.decode(synthetic_images.save(FILM, kind, **options))
    assert read.kind == kind and read.warnings == ()
    assert read.pixels.dtype == np.uint8 and read.pixels.shape == FILM.shape
    assert np.abs(read.pixels.astype(int) - FILM).max() <= tolerance


def test_a_film_cannot_be_written_to():
    with pytest.raises(ValueError):
        imaging.decode(synthetic_images.save(FILM)).pixels[0, 0] = 1


@pytest.mark.parametrize("form", [bytearray, memoryview])
def test_any_kind_of_bytes(form):
    assert np.array_equal(imaging.decode(form(synthetic_images.save(FILM))).pixels, FILM)


# --- 1 to 4: told by content -------------------------------------------------------------------
def test_01_empty():
    assert refusal(b"") == Refusal.EMPTY


@pytest.mark.parametrize(
    "data, named",
    [
        (b"<html><body>not a film</body></html>", "text"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "text"),
        ("Röntgen".encode() * 100, "text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        (b"GIF", "text"),
        (b"\x89PNG\r\n", "unknown type"),
        (bytes(300), "unknown type"),
        (b"PK\x03\x04" + bytes(300), "ZIP"),
        (b"II+\0" + bytes(300), "BigTIFF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"8BPS\0\1" + bytes(300), "Photoshop"),
        (b"SIMPLE  =                    T", "FITS"),
    ],
)
def test_02_03_not_a_film_by_its_bytes(data, named):
    error = refused(data)
    assert error.code == Refusal.OTHER_TYPE and named in str(error)


@pytest.mark.parametrize("kind, named", [("GIF", "GIF"), ("WEBP", "WebP"), ("BMP", "BMP"), ("JPEG2000", "JPEG 2000")])
def test_03_other_pictures(kind, named):
    error = refused(synthetic_images.save(FILM, kind))
    assert error.code == Refusal.OTHER_TYPE and named in str(error)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_03_a_false_start_does_not_reach_another_decoder(kind):
    start = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "TIFF": b"II*\0"}[kind]
    assert refusal(start + synthetic_images.save(FILM, "GIF"))


def test_03_several_pictures_in_a_jpeg():
    file = synthetic_images.save(FILM, "MPO", save_all=True, append_images=[Image.fromarray(FILM)])
    assert refusal(file) == Refusal.SEVERAL


@pytest.mark.parametrize("name", ["film.jpg", "film.dcm", "film"])
def test_04_names_do_not_matter(tmp_path, name):
    (tmp_path / name).write_bytes(synthetic_images.save(FILM))
    assert imaging.read(tmp_path / name).kind == "PNG"


# --- 5 to 8: damaged, and more than a film ---------------------------------------------------------
@pytest.mark.parametrize(
    "kind, options",
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.5, 0.9, 0.99, "last"])
def test_05_cut_short(kind, options, share):
    file = synthetic_images.save(FILM, kind, **options)
    if kind == "TIFF" and share == "last":
        pytest.skip("the last bytes of such a TIFF are none of its picture's")
    refusal(file[: -4 if share == "last" else max(1, int(share * len(file)))])


def test_05_cut_short_without_the_end_of_a_jpeg():
    assert refusal(synthetic_images.save(FILM, "JPEG")[:-2]) == Refusal.DAMAGED


def test_06_png_with_any_byte_changed():
    file = synthetic_images.save(synthetic_images.film(64, 64))
    clean = imaging.decode(file).pixels
    odds = random.Random(0)
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= 1 << odds.randrange(8)
        try:
            read = imaging.decode(bytes(changed)).pixels
        except FilmError:
            continue
        assert np.array_equal(read, clean), f"byte {at} changed the picture unnoticed"


@pytest.mark.parametrize(
    "kind, options", [("JPEG", {}), ("JPEG", {"progressive": True}), ("TIFF", {"compression": "tiff_lzw"})]
)
def test_07_changed_bytes_never_crash(kind, options):
    file = synthetic_images.save(synthetic_images.film(64, 80), kind, **options)
    odds = random.Random(1)
    for _ in range(400):
        changed = bytearray(file)
        for _ in range(odds.choice([1, 1, 2, 8])):
            changed[odds.randrange(len(file) if odds.random() < 0.5 else 200)] = odds.randrange(256)
        try:
            read = imaging.decode(bytes(changed))
        except FilmError:
            continue
        assert read.pixels.dtype == np.uint8 and min(read.pixels.shape) >= config.MIN_SIDE


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_08_with_a_zip_behind(kind):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("a.html", "<script>" * 200)
    file = synthetic_images.save(FILM, kind)
    assert np.array_equal(imaging.decode(file + archive.getvalue()).pixels, imaging.decode(file).pixels)


# --- 9 to 12: sizes, bombs, structure ----------------------------------------------------------------
def header_only_jpeg(width: int, height: int) -> bytes:
    file = bytearray(synthetic_images.save(FILM, "JPEG"))
    at = file.index(b"\xff\xc0")
    file[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(file)


@pytest.mark.parametrize(
    "data, code",
    [
        (lambda: synthetic_images.png(10_000, 10_000), Refusal.TOO_LARGE),
        (
            lambda: (
                synthetic_images.png(1, 1)[:16] + struct.pack(">II", 100_000, 100_000) + synthetic_images.png(1, 1)[24:]
            ),
            Refusal.TOO_LARGE,
        ),
        (lambda: synthetic_images.tiff(synthetic_images.gray_tags(100_000, 100_000)), Refusal.TOO_LARGE),
        (lambda: header_only_jpeg(60_000, 60_000), Refusal.TOO_LARGE),
        (lambda: synthetic_images.save(np.zeros((20_000, 1), np.uint8)), Refusal.TOO_SMALL),
        (lambda: synthetic_images.save(FILM[:40, :40]), Refusal.TOO_SMALL),
        (lambda: synthetic_images.save(synthetic_images.film(63, 100)), Refusal.TOO_SMALL),
        (lambda: synthetic_images.save(synthetic_images.film(64, 260)), Refusal.TOO_LONG),
        (lambda: header_only_jpeg(100, 0), Refusal.TOO_SMALL),
        (lambda: synthetic_images.save(FILM) + bytes(config.MAX_BYTES), Refusal.TOO_MANY_BYTES),
    ],
)
def test_09_10_sizes_are_checked_before_decoding(data, code, monkeypatch):
    def no_decoder(*_args, **_kwargs):
        raise AssertionError("a decoder was started")

    data = data()
    monkeypatch.setattr(raster, "_open", no_decoder)
    assert refusal(data) == code


@pytest.mark.parametrize("shape", [(64, 64), (256, 64), (64, 256)])
def test_10_the_smallest_and_the_most_oblong(shape):
    assert imaging.decode(synthetic_images.save(synthetic_images.film(*shape))).pixels.shape == shape[::-1]


@pytest.mark.parametrize(
    "name, body",
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9)),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(50_000_000), 9)),
    ],
)
def test_11_text_bomb(name, body):
    refusal(synthetic_images.with_chunk(synthetic_images.save(FILM), name, body))


def test_12_tiff_whose_directory_points_at_itself():
    refusal(synthetic_images.tiff(synthetic_images.gray_tags(160, 192), FILM.tobytes(), following=-3))
    exif = [*synthetic_images.gray_tags(160, 192), (34665, 4, 1, -3)]
    assert refusal(synthetic_images.tiff(exif, FILM.tobytes())) == Refusal.TOO_COMPLEX


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_12_several_pages_or_frames(kind):
    file = synthetic_images.save(FILM, kind, save_all=True, append_images=[Image.fromarray(FILM[::-1])])
    assert refusal(file) == Refusal.SEVERAL


def test_12_tiff_tags_that_all_claim_the_same_bytes():
    claims = [(number, 7, 100_000, -2) for number in range(40_000, 42_000)]
    file = synthetic_images.tiff([*synthetic_images.gray_tags(160, 192), *claims], FILM.tobytes(), extra=bytes(100_000))
    assert refusal(file) == Refusal.TOO_COMPLEX


def test_12_tiff_with_a_giant_tile():
    tags = [tag for tag in synthetic_images.gray_tags(160, 192) if tag[0] not in (273, 278, 279)]
    tiles = [(322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, -1), (325, 4, 1, 1000)]
    assert refusal(synthetic_images.tiff([*tags, *tiles], bytes(1000))) == Refusal.TOO_COMPLEX


def test_12_jpeg_of_endless_scans():
    file = synthetic_images.save(FILM, "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    assert refusal(file[:last] + file[last:-2] * 100 + file[-2:]) == Refusal.TOO_COMPLEX


def test_12_exif_in_many_segments_is_not_given_to_the_decoder():
    """Pillow joins Exif segments and reads every tag's bytes: a few megabytes can claim a terabyte."""
    exif = synthetic_images.tiff([(number, 7, 60_000, 0) for number in range(1, 4_000)])
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif
    more = b"\xff\xe1" + struct.pack(">H", 60_008) + b"Exif\0\0" + bytes(60_000)
    file = synthetic_images.save(FILM, "JPEG")
    result = headers.jpeg(file[:2] + segment + more + file[2:])
    assert b"Exif" not in result.bare
    assert imaging.decode(file[:2] + segment + more + file[2:]).pixels.shape == FILM.shape


# --- 30, and the rest ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name, shown",
    [
        ("film.png", "film.png"),
        ("<b>film</b>.png", "<b>film</b>.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200b\u2066b\u2069\ufeff.png", "ab.png"),
        ("line\nbreak\t and\r\nmore.png", "line break and more.png"),
        ("\x1b[31mred\x00.png", "[31mred.png"),
        ("Röntgen\u0301.png", "Röntgeń.png"),
        ("胸部.dcm", "胸部.dcm"),
        ("", "unnamed file"),
        ("\u202e\n", "unnamed file"),
        ("\ud800.png", ".png"),
    ],
)
def test_30_names_are_plain(name, shown):
    assert imaging.show_name(name) == shown


@pytest.mark.parametrize("limit", [1, 5, 24, 25, 60, 299])
def test_30_long_names_are_shortened(limit):
    shown = imaging.show_name("x" * 300 + ".png", limit)
    assert len(shown) == limit and "…" in shown
    assert limit <= 24 or shown.endswith(".png")


def test_30_a_limit_must_leave_something():
    with pytest.raises(ValueError, match="Received: 0"):
        imaging.show_name("a", 0)


def test_read_names_what_it_cannot_open(tmp_path):
    for path, name in (
        (tmp_path / "gone.png", "gone.png"),
        (tmp_path, tmp_path.name),
        (tmp_path / "null\0character.png", "nullcharacter.png"),
    ):
        with pytest.raises(FilmError) as caught:
            imaging.read(path)
        assert caught.value.code == Refusal.UNREADABLE and imaging.show_name(name) in str(caught.value)


def test_read_checks_the_size_before_reading(tmp_path, monkeypatch):
    file = tmp_path / "large.png"
    with file.open("wb") as large:
        large.truncate(config.MAX_BYTES + 1)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda _self: pytest.fail("the file was read"))
    with pytest.raises(FilmError) as caught:
        imaging.read(file)
    assert caught.value.code == Refusal.TOO_MANY_BYTES


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, RecursionError, SyntaxError, struct.error, IndexError])
def test_whatever_a_decoder_raises_becomes_a_refusal(error, monkeypatch, caplog):
    def broken(_data):
        raise error("secret detail")

    monkeypatch.setattr(raster, "png", broken)
    with caplog.at_level(logging.DEBUG):
        assert "secret" not in str(refused(synthetic_images.save(FILM)))
    assert "secret" not in caplog.text


def test_pydicom_is_not_loaded_for_a_picture():
    code = "import sys; from covid_model import imaging; print('pydicom' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


LARGE = {
    "deep gray PNG": "synthetic_images.save(synthetic_images.deep_film(0, 4095, 5000, 5000), compress_level=1)[:]",
    "color with alpha": "synthetic_images.png(5000, 5000, color_type=6)",
    "deep color": "synthetic_images.png(5000, 5000, depth=16, color_type=2)",
    "progressive CMYK": "synthetic_images.save(Image.new('CMYK', (5000, 5000), 90), 'JPEG', progressive=True)",
    "float": "synthetic_images.save("
    "synthetic_images.film(5000, 5000).astype('float32') // 8, 'TIFF', compression='tiff_adobe_deflate')",
}


@pytest.mark.long
@pytest.mark.measured
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.parametrize("made", LARGE.values(), ids=LARGE)
def test_memory_for_the_largest(made, tmp_path):
    """Peak memory above rest stays below 400 MB for a film of 25 million pixels; each one in a process of its own."""
    file = tmp_path / "large"
    make = f"from PIL import Image; from tests.support import synthetic_images; open({str(file)!r}, 'wb').write({made})"
    subprocess.run([sys.executable, "-c", make], check=True)
    assert file.stat().st_size <= config.MAX_BYTES
    assert peak_memory(file) < 400
