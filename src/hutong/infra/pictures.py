"""Pictures from people: decoded for real, in a limited process, turned upright, made small, and written anew as WebP.

What is stored is never what was sent: no place, no camera, no hidden second file travels on. A file that opens as
a JPEG, PNG or WebP is one; everything else (SVG, HTML, archives, a wrong first byte, a bomb) is refused.
"""

import asyncio
import hmac
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from hutong.infra.files import MOST_BYTES, Files, checked
from hutong.infra.picture_child import TOO_LARGE
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text

LONG_SIDE, SMALL_SIDE = 1600, 480  # pixels
MOST_PIXELS = 50_000_000  # what the largest phone cameras make in their usual mode
WALL_S = 20.0  # patience for one picture on a busy machine; its CPU time is limited in the child
AT_ONCE = 2
KIND = "image/webp"
_CHILD = str(Path(__file__).with_name("picture_child.py"))
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_SIGNED = 32  # hex digits of a signature


class BadPicture(Refusal):
    """The file is no picture that we can read."""

    code = "bad_picture"
    status = 422
    say = Text(zh="第 {number} 张图片无法读取。", en="Picture {number} cannot be read.")
    step = Text(zh="请换一张 JPEG、PNG 或 WebP 图片。", en="Choose another JPEG, PNG or WebP picture.")


class PictureTooLarge(Refusal):
    """More bytes or pixels than a picture may have here."""

    code = "picture_too_large"
    status = 413
    say = Text(zh="第 {number} 张图片太大。", en="Picture {number} is too large.")
    step = Text(
        zh="请选择不超过 {most_mb} MB、{most_megapixels} 百万像素的图片。",
        en="Choose one of at most {most_mb} MB and {most_megapixels} megapixels.",
    )


class TooManyPictures(Refusal):
    """More pictures than there is room for."""

    code = "too_many_pictures"
    status = 422
    say = Text(zh="最多只能上传 {most} 张图片。", en="At most {most} pictures can be added.")
    step = Text(zh="请去掉几张后再试。", en="Remove some and try again.")


class Picture(Struct, frozen=True, kw_only=True):
    """A stored picture: the names of its two sizes in `Files`, and the pixels of the large one."""

    name: str
    small: str
    width: int
    height: int


def _too_large(number: int) -> PictureTooLarge:
    return PictureTooLarge(
        number=number, most_mb=MOST_BYTES // (1024 * 1024), most_megapixels=MOST_PIXELS // 1_000_000
    )  # fmt: skip


def looks_like_one(data: bytes) -> bool:
    """Whether the first bytes are those of a JPEG, PNG or WebP: spares a process for what never was one."""
    return data.startswith(_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


class Pictures:
    """Takes pictures in. One for each process: it bounds how many are decoded at once."""

    def __init__(self, files: Files, *, at_once: int = AT_ONCE, wall_s: float = WALL_S) -> None:
        self._files, self._turn, self._wall_s = files, asyncio.Semaphore(at_once), wall_s

    async def take(self, sent: Sequence[bytes]) -> list[Picture | Refusal]:
        """Store each; its answer stands at its place in the list. Refusals: bad_picture, picture_too_large.

        `number` in a refusal counts from 1. The same picture is the same name, however often it is sent.
        """
        return list(await asyncio.gather(*(self._one(data, number) for number, data in enumerate(sent, 1))))

    async def _one(self, data: bytes, number: int) -> Picture | Refusal:
        if len(data) > MOST_BYTES:
            return _too_large(number)
        if not looks_like_one(data):
            return BadPicture(number=number)
        async with self._turn:
            code, out = await self._child(data)
        if code:
            return _too_large(number) if code == TOO_LARGE else BadPicture(number=number)
        (width, height, large), (_, _, little) = _read(out)
        name, small = await self._files.put(large, KIND), await self._files.put(little, KIND)
        return Picture(name=name, small=small, width=width, height=height)

    async def _child(self, data: bytes) -> tuple[int, bytes]:
        """(exit code, output). A child that takes too long, or is ended by its limits, has failed."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", _CHILD, str(MOST_PIXELS), str(LONG_SIDE), str(SMALL_SIDE), env={},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(child.communicate(data), self._wall_s)
        except TimeoutError:
            return -1, b""
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return child.returncode or 0, out


def _read(out: bytes) -> list[tuple[int, int, bytes]]:
    found = []
    while out:
        head, _, out = out.partition(b"\n")
        width, height, length = (int(word) for word in head.split())
        found.append((width, height, out[:length]))
        out = out[length:]
    return found


def ticket(picture: Picture, *, owner: str, secret: bytes) -> str:
    """What a form carries about a picture that is stored but belongs to nothing yet: whoever uploaded it may use it."""
    plain = f"{picture.name}~{picture.small}~{picture.width}~{picture.height}"
    return f"{plain}~{_seal(plain, owner, secret)}"


def read_ticket(text: str, *, owner: str, secret: bytes) -> Picture:
    """The picture of a ticket. Raises not_found for a ticket that is not ours, or another's."""
    plain, _, seal = text.rpartition("~")
    if not hmac.compare_digest(seal.encode(), _seal(plain, owner, secret).encode()):
        raise NotFound
    name, small, width, height = plain.split("~")
    return Picture(name=checked(name), small=checked(small), width=int(width), height=int(height))


def _seal(plain: str, owner: str, secret: bytes) -> str:
    return hmac.new(secret, f"{owner}|{plain}".encode(), sha256).hexdigest()[:_SIGNED]
