"""What a camera at a counter sees, as a film for Chromium's fake camera: a phone on a table, its code half shown."""

from pathlib import Path

import segno
from PIL import Image, ImageDraw

WIDE, HIGH = 640, 480
WOOD, GRAIN, CASE, SCREEN, LANE, INK = "#b08a5f", "#a37d53", "#22201d", "#fdfaf5", "#1c6b57", "#1d1a17"


def table() -> Image.Image:
    """The picture. The code is cut off, so that nothing reads it."""
    image = Image.new("RGB", (WIDE, HIGH), WOOD)
    pen = ImageDraw.Draw(image)
    for y in range(0, HIGH, 14):
        pen.line([(0, y), (WIDE, y + 9)], fill=GRAIN, width=2 + y % 3)
    phone = Image.new("RGBA", (300, 560), (0, 0, 0, 0))
    pen = ImageDraw.Draw(phone)
    pen.rounded_rectangle((0, 0, 299, 559), 36, fill=CASE)
    pen.rounded_rectangle((12, 12, 287, 547), 26, fill=SCREEN)
    pen.rounded_rectangle((26, 40, 273, 120), 14, fill=LANE)
    code = [list(row) for row in segno.make_qr("hutong", error="m").matrix_iter(border=0)]
    size = 220 // len(code)
    for y, row in enumerate(code):
        for x, dark in enumerate(row):
            if dark:
                at = (40 + x * size, 170 + y * size)
                pen.rectangle((*at, at[0] + size - 1, at[1] + size - 1), fill=INK)
    turned = phone.rotate(9, expand=True, resample=Image.Resampling.BICUBIC)
    image.paste(turned, (WIDE // 2 - 150, 200), turned)
    return image


def write(path: Path) -> Path:
    """One frame of it, again and again, as Y4M."""
    luma, blue, red = table().convert("YCbCr").split()
    half = (WIDE // 2, HIGH // 2)
    planes = luma.tobytes() + blue.resize(half).tobytes() + red.resize(half).tobytes()
    path.write_bytes(f"YUV4MPEG2 W{WIDE} H{HIGH} F10:1 Ip A1:1 C420jpeg\n".encode() + (b"FRAME\n" + planes) * 5)
    return path
