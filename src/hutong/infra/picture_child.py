"""The child that looks into a picture: a process of its own, because decoders of pictures are where attackers knock.

Run as a file, with nothing of the house imported: reads the picture from standard input, writes
`width height length\\n` and the WebP for each size asked for on the command line. Exit codes: 0 done, 3 no picture,
4 more pixels than allowed. Memory, CPU time, files and core dumps are limited before the first byte is read.
"""

import io
import resource
import sys

NO_PICTURE, TOO_LARGE = 3, 4
MEMORY = 900 * 1024 * 1024
CPU_S = 8
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 80
ORIENTATION = 0x0112  # the EXIF tag that says how the camera was held


def limit() -> None:
    """What this process may use from here on; it can never raise it again. It opens no file for writing."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (most, most))


def shrink(data: bytes, sides: list[int], most_pixels: int) -> list[tuple[int, int, bytes]]:
    """(width, height, WebP) for each longest side. SystemExit with one of our codes for what is no picture of ours.

    The header is read first; nothing is decoded before its pixels are counted. Of a moving picture the first frame
    is taken. Nothing of the old file is carried over: no EXIF, no place, no comment, no profile, no second file.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # we count by ourselves, before anything is decoded
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width < 1 or height < 1 or width * height > most_pixels:
            raise SystemExit(TOO_LARGE)
        turn = picture.getexif().get(ORIENTATION, 1)
        picture.draft("RGB", (max(sides), max(sides)))  # a JPEG is decoded at a fraction of its size
        return _sizes(flat(picture), sides, turn)
    except (MemoryError, SystemExit):
        raise
    except Exception:  # whatever a decoder says about bytes that somebody made up
        raise SystemExit(NO_PICTURE) from None


def flat(picture):  # type: ignore[no-untyped-def]
    """The picture in RGB; what is transparent becomes white."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        return ground
    return picture.convert("RGB")


def _sizes(picture, sides: list[int], turn: int) -> list[tuple[int, int, bytes]]:  # type: ignore[no-untyped-def]
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    made = []
    for side in sorted(sides, reverse=True):
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        upright = picture.transpose(turns[turn]) if turn in turns else picture
        out = io.BytesIO()
        upright.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", icc_profile=b"", xmp=b"")
        made.append((*upright.size, out.getvalue()))
    return made


def main(arguments: list[str]) -> int:
    """`picture_child.py MOST_PIXELS SIDE...`"""
    most_pixels, *sides = (int(one) for one in arguments)
    from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # before memory is short

    del Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
    limit()
    for width, height, body in shrink(sys.stdin.buffer.read(), sides, most_pixels):
        sys.stdout.buffer.write(f"{width} {height} {len(body)}\n".encode())
        sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
