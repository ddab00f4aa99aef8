"""Keeps the chunks of a PNG file that its picture needs: https://www.w3.org/TR/png-3/#11Chunks."""

from __future__ import annotations

import struct
import zlib

from shared.errors import ImageUndecodable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 50_000  # a 25 MB file of empty chunks costs Pillow 8 s
MAX_INFLATED_BYTES = 4_000_000  # of all chunks with the same name: profiles, or texts of one kind

END, PROFILE = b"IEND", b"iCCP"
REQUIRED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", END, b"acTL", b"fcTL", b"fdAT"})
# A text may contain the orientation: in XMP, or in EXIF data that older programs put there.
OPTIONAL = frozenset({PROFILE, b"eXIf", b"tEXt", b"zTXt", b"iTXt"})


def picture_chunks(data: bytes) -> tuple[bytes, bool]:
    """Return the file with the chunks that its picture needs, and whether the file is complete.

    Chunks that the pixels do not need are left out, as is any optional chunk that is damaged or that inflates
    to more than MAX_INFLATED_BYTES.

    Raises:
        ImageUndecodable: the file has more than MAX_CHUNKS chunks.
    """
    view, position, count, ends = memoryview(data), len(SIGNATURE), 0, False
    kept: list[bytes | memoryview] = [SIGNATURE]
    room = dict.fromkeys(OPTIONAL, MAX_INFLATED_BYTES)
    while not ends and position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        chunk = view[position : position + 12 + length]  # with length, name and checksum
        position += 12 + length
        if name in REQUIRED or (name in OPTIONAL and _is_intact(chunk) and _fits(name, chunk, room)):
            kept.append(chunk)
        ends = name == END
        count += 1
        if count > MAX_CHUNKS:
            raise ImageUndecodable(f"The PNG file has more than {MAX_CHUNKS:,} chunks")
    return b"".join(kept), ends


def _is_intact(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])


def _fits(name: bytes, chunk: memoryview, room: dict[bytes, int]) -> bool:
    """Reserve room for the chunk's content; return whether there was enough."""
    if room[name] >= 0:
        room[name] -= _inflated_bytes(name, bytes(chunk[8:-4]), room[name])
    return room[name] >= 0


def _inflated_bytes(name: bytes, content: bytes, most: int) -> int:
    """Return the size of the content after Pillow inflates it, at most `most` + 1.

    Content that cannot be inflated counts as too large, because Pillow would reject the file.
    """
    packed = _packed_part(name, content)
    if packed is None:
        return len(content)
    try:
        return len(zlib.decompressobj().decompress(packed, most + 1))
    except zlib.error:
        return most + 1


def _packed_part(name: bytes, content: bytes) -> bytes | None:
    """Return the deflated part of a chunk's content; None if the content is not deflated."""
    _, _, rest = content.partition(b"\0")
    if name in (PROFILE, b"zTXt"):
        return rest[1:] if rest[:1] == b"\0" else b"no known method"
    if name == b"iTXt" and rest[:1] == b"\1":
        return rest[2:].split(b"\0", 2)[-1]
    return None
