#!/usr/bin/env python3
"""Rewrites 8-bit PNG screenshots with a palette of their 64 most frequent colours, for pictures of text. Usage: screenshots_shrink.py FILE..."""

import collections
import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def rows(raw, width, height, channels):
    """The rows of the picture with their filters undone (PNG, section 9)."""
    stride, above = width * channels, bytearray(width * channels)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left = row[i - channels] if i >= channels else 0
            up, corner = above[i], above[i - channels] if i >= channels else 0
            if kind == 1:
                row[i] = row[i] + left & 255
            elif kind == 2:
                row[i] = row[i] + up & 255
            elif kind == 3:
                row[i] = row[i] + (left + up >> 1) & 255
            elif kind == 4:
                guess = left + up - corner
                distances = (abs(guess - left), abs(guess - up), abs(guess - corner))
                row[i] = row[i] + (left, up, corner)[distances.index(min(distances))] & 255
        yield row
        above = row


def shrink(path):
    data = open(path, "rb").read()
    parts = list(chunks(data))
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", parts[0][1])
    if (depth, interlace) != (8, 0) or colour not in (2, 6):
        sys.exit(f"{path}: expected 8-bit RGB, not interlaced")
    channels = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    picture = [[tuple(row[i:i + 3]) for i in range(0, len(row), channels)] for row in rows(raw, width, height, channels)]
    counts = collections.Counter(pixel for row in picture for pixel in row)
    palette = [pixel for pixel, _ in counts.most_common(64)]
    nearest = {pixel: min(range(len(palette)), key=lambda i: sum((a - b) ** 2 for a, b in zip(palette[i], pixel))) for pixel in counts}
    body = b"".join(b"\0" + bytes(nearest[pixel] for pixel in row) for row in picture)
    out = data[:8]
    for kind, content in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), (b"PLTE", bytes(c for pixel in palette for c in pixel)),
                          (b"IDAT", zlib.compress(body, 9)), (b"IEND", b"")):
        out += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    open(path, "wb").write(out)


for name in sys.argv[1:]:
    shrink(name)
