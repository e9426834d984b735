"""A film of a QR code before the camera, as Y4M: Chromium takes it for a camera."""

from pathlib import Path

import segno

WIDE, HIGH, RATE = 640, 480, 20
TABLE = 180  # the grey on which the code lies
MARK = 48  # a dark corner says to a watching test that the code is in the picture


def filmed(text: str, path: Path, *, blank: float = 0, shown: float = 1) -> Path:
    """`blank` seconds of an empty table, then `shown` seconds with the code, again and again."""
    empty = bytes([TABLE]) * (WIDE * HIGH)
    frames = [_frame(empty)] * int(blank * RATE) + [_frame(_with_code(text))] * max(1, int(shown * RATE))
    path.write_bytes(f"YUV4MPEG2 W{WIDE} H{HIGH} F{RATE}:1 Ip A1:1 C420jpeg\n".encode() + b"".join(frames))
    return path


def _frame(luma: bytes) -> bytes:
    return b"FRAME\n" + luma + b"\x80" * (WIDE * HIGH // 2)


def _with_code(text: str) -> bytes:
    matrix = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)]
    scale = (HIGH - 120) // len(matrix)
    size, luma = scale * len(matrix), bytearray([TABLE]) * (WIDE * HIGH)
    left, top = (WIDE - size) // 2, (HIGH - size) // 2
    for y in range(MARK):
        luma[y * WIDE : y * WIDE + MARK] = bytes([20]) * MARK
    for y in range(size):
        row = bytes(20 if matrix[y // scale][x // scale] else 235 for x in range(size))
        luma[(top + y) * WIDE + left : (top + y) * WIDE + left + size] = row
    return bytes(luma)
