"""Pictures from people: what is a picture comes out small, upright and bare; what is not is refused."""

import asyncio
import io
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from hutong.infra import picture_child
from hutong.infra.files import MOST_BYTES, MemoryFiles
from hutong.infra.pictures import (
    MOST_PIXELS,
    BadPicture,
    Picture,
    Pictures,
    PictureTooLarge,
    read_ticket,
    ticket,
)
from hutong.kit.refusals import NotFound

pytestmark = pytest.mark.anyio

SCRIPT = b"<script>alert(1)</script><img src=x onerror=alert(1)>"


def a_picture(kind: str = "JPEG", size: tuple[int, int] = (640, 400), mode: str = "RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG made by hand, so that it may lie."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def large_webp() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16_000, 4_100)).save(out, "WEBP", method=0, quality=10)
    return out.getvalue()


def jpeg_of(width: int, height: int) -> bytes:
    """A real JPEG whose frame header says another size."""
    data = bytearray(a_picture(size=(16, 16)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def an_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", SCRIPT)
    return out.getvalue()


def other(kind: str) -> bytes:
    return a_picture(kind, size=(40, 40))


def nasty() -> dict[str, bytes]:
    """What nobody should be able to store, by its name."""
    good, good_png = a_picture(), a_picture("PNG")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    bomb = zlib.compress(b"\0" * 30_000_000, 9)
    return {
        "nothing": b"",
        "one byte": b"\xff",
        "only a magic of JPEG": b"\xff\xd8\xff\xe0",
        "only a magic of PNG": b"\x89PNG\r\n\x1a\n",
        "only a magic of WebP": b"RIFF\x04\0\0\0WEBP",
        "svg": svg,
        "svg with a declaration": b'<?xml version="1.0"?>' + svg,
        "svg behind the magic of PNG": b"\x89PNG\r\n\x1a\n" + svg,
        "html": b"<!doctype html>" + SCRIPT,
        "html behind the magic of JPEG": b"\xff\xd8\xff\xe0" + SCRIPT * 20,
        "html before a picture": SCRIPT + good,
        "an archive": an_archive(),
        "a pdf": b"%PDF-1.7\n" + good,
        "a script": b"#!/bin/sh\nrm -rf /\n",
        "a program": b"\x7fELF" + b"\0" * 300,
        "a gif": other("GIF"),
        "a gif that is also a script": b"GIF89a/*" + other("GIF")[6:] + b"*/=1;alert(1)",
        "a bmp": other("BMP"),
        "a tiff": other("TIFF"),
        "an icon": other("ICO"),
        "a webp that says 16383 by 16383": webp_of(16_383, 16_383) + b"\0" * 100,
        "a postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(x) run\n",
        "a jpeg cut in half": good[: len(good) // 2],
        "a png cut in half": good_png[: len(good_png) // 2],
        "a png with a wrong checksum": good_png[:40] + b"\xff\xff" + good_png[42:],
        "a jpeg of rubbish": good[:400] + bytes(len(good) - 400),
        "a png of no width": png(0, 10, chunk(b"IDAT", zlib.compress(b"\0"))),
        "a png without pixels": png(100, 100),
        "a png with too few pixels": png(3000, 3000, chunk(b"IDAT", zlib.compress(b"\0" * 10))),
        "an animation of lies": png(10, 10, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        "a text that unpacks to 30 MB": png(10, 10, chunk(b"zTXt", b"k\0\0" + bomb), chunk(b"IDAT", b"")),
        "a profile that unpacks to 30 MB": png(10, 10, chunk(b"iCCP", b"k\0\0" + bomb)),
    }


def too_large() -> dict[str, bytes]:
    return {
        "a png of four gigapixels": png(65_535, 65_535, chunk(b"IDAT", zlib.compress(b"\0" * 1000))),
        "a png of 2^62 pixels": png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
        "a bomb: 100 megapixels in 13 kB": png(
            10_000, 10_000, chunk(b"IDAT", zlib.compress(b"\0" * (1251 * 10_000), 9)), depth=1, colour=0
        ),
        "a jpeg that says 65500 by 65500": jpeg_of(65_500, 65_500),
        "a webp of 65 megapixels": large_webp(),
        "more bytes than there may be": a_picture() + bytes(MOST_BYTES),
    }


NASTY, LARGE = nasty(), too_large()


@pytest.fixture(scope="module")
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def pictures(files: MemoryFiles) -> Pictures:
    return Pictures(files)


@pytest.mark.parametrize("name", NASTY)
async def test_what_is_no_picture_is_refused(pictures: Pictures, name: str):
    assert await pictures.take([NASTY[name]]) == [BadPicture(number=1)]


@pytest.mark.parametrize("name", LARGE)
async def test_what_would_fill_the_memory_is_refused_before_it_is_decoded(pictures: Pictures, name: str):
    [refusal] = await pictures.take([LARGE[name]])
    assert isinstance(refusal, PictureTooLarge)


def test_there_are_at_least_twenty_of_them():
    assert len(NASTY) + len(LARGE) >= 35


async def test_control_good_pictures_pass_and_bad_ones_beside_them_do_not(pictures: Pictures, files: MemoryFiles):
    sent = [a_picture(), a_picture("PNG", mode="RGBA"), a_picture("WEBP"), NASTY["svg"], a_picture("PNG", mode="P")]
    results = await pictures.take(sent)
    assert [isinstance(one, Picture) for one in results] == [True, True, True, False, True]
    assert results[3] == BadPicture(number=4)
    for one in (results[0], results[1], results[2]):
        assert isinstance(one, Picture)
        stored = await files.open(one.name)
        assert stored.content_type == "image/webp"
        with Image.open(io.BytesIO(stored.data)) as made:
            assert (made.format, made.size) == ("WEBP", (one.width, one.height))


@pytest.mark.parametrize("turn", range(1, 9))
async def test_a_picture_stands_upright_and_is_small(pictures: Pictures, files: MemoryFiles, turn: int):
    """Red is at the top left of what the photographer saw, however the camera was held."""
    upright = Image.new("RGB", (2400, 1200), "blue")
    upright.paste("red", (0, 0, 600, 600))
    moves = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    held = upright.transpose(moves[turn]) if turn in moves else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    out = io.BytesIO()
    held.save(out, "JPEG", exif=exif, quality=90)
    [made] = await pictures.take([out.getvalue()])
    assert isinstance(made, Picture)
    assert (made.width, made.height) == (1600, 800)
    for name, size in ((made.name, (1600, 800)), (made.small, (480, 240))):
        with Image.open(io.BytesIO((await files.open(name)).data)) as seen:
            assert seen.size == size
            red, _, blue = seen.convert("RGB").getpixel((20, 20))
            assert red > 200
            assert blue < 60


async def test_nothing_of_the_old_file_travels_on(pictures: Pictures, files: MemoryFiles):
    canary = b"canary-4711"
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "canary-4711", canary
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    jpeg = a_picture(exif=exif, comment=canary, icc_profile=b"\0" * 200 + canary) + SCRIPT + an_archive() + canary
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "canary-4711")
    sent = [jpeg, a_picture("PNG", pnginfo=notes) + canary, a_picture("WEBP", exif=exif, xmp=canary)]
    for one in await pictures.take(sent):
        assert isinstance(one, Picture)
        for name in (one.name, one.small):
            data = (await files.open(name)).data
            assert canary not in data
            assert b"script" not in data
            assert b"PK\x03\x04" not in data
            with Image.open(io.BytesIO(data)) as seen:
                assert dict(seen.getexif()) == {}
                assert not {"icc_profile", "exif", "xmp", "comment"} & {k for k, v in seen.info.items() if v}


async def test_the_same_picture_has_the_same_name(pictures: Pictures):
    data = a_picture()
    first, second = await pictures.take([data, data])
    assert first == second


async def test_a_large_photo_and_a_small_one_keep_their_shape(pictures: Pictures):
    [large, small] = await pictures.take([a_picture(size=(4000, 3000)), a_picture(size=(60, 40))])
    assert isinstance(large, Picture)
    assert isinstance(small, Picture)
    assert (large.width, large.height) == (1600, 1200)
    assert (small.width, small.height) == (60, 40)
    assert small.name == small.small


async def test_a_child_that_takes_too_long_is_ended(files: MemoryFiles):
    assert await Pictures(files, wall_s=0.001).take([a_picture()]) == [BadPicture(number=1)]


async def run(code: str) -> int | None:
    """The exit code of a child that limits itself and then runs this."""
    folder = str(Path(picture_child.__file__).parent)
    words = f"import sys; sys.path.insert(0, {folder!r}); import picture_child as p; p.limit()\n{code}"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", words, stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    await asyncio.wait_for(child.communicate(), 60)
    return child.returncode


async def test_the_limits_of_the_child_hold(tmp_path: Path):
    """Controls: memory, files and (shortened) CPU time are refused to it; without asking for them it ends well."""
    assert await run("pass") == 0
    assert await run("b = bytearray(2_000_000_000)") == 1
    assert await run(f"open({str(tmp_path / 'x')!r}, 'w').write('x' * 100_000)") != 0
    assert await run("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass") < 0


async def test_fifty_megapixels_fit_into_its_memory(pictures: Pictures):
    out = io.BytesIO()
    Image.new("RGBA", (7_000, MOST_PIXELS // 7_000)).save(out, "PNG")
    [made] = await pictures.take([out.getvalue()])
    assert isinstance(made, Picture)


async def test_a_ticket_is_good_for_its_owner_only(pictures: Pictures):
    [made] = await pictures.take([a_picture()])
    assert isinstance(made, Picture)
    text = ticket(made, owner="ann", secret=b"s")
    assert read_ticket(text, owner="ann", secret=b"s") == made
    for wrong, owner in ((text, "bo"), (text[:-1] + "~", "ann"), (text.replace("640", "641"), "ann"), ("", "ann")):
        with pytest.raises(NotFound):
            read_ticket(wrong, owner=owner, secret=b"s")
