"""IPTC's binary format in, texts out."""

from __future__ import annotations

import struct

from tests.files.noted_photos import iptc
from worker.images.metadata.iptc_reading import read_iptc


def test_texts_of_listed_datasets_are_read() -> None:
    data = iptc((80, "Zoë".encode()), (25, b"sea"), (25, b"salt"), (116, b"\xa9 Zo\xeb"), (55, b"20260131"))
    assert read_iptc(data + iptc((103, b"secret number"))) == {
        "creators": ["Zoë"],
        "keywords": ["sea", "salt"],
        "rights": ["© Zoë"],
        "created": ["2026-01-31"],
    }


def test_reading_ends_at_the_first_damage() -> None:
    whole = iptc((80, b"Anna"))
    assert read_iptc(whole + struct.pack(">BBBH", 0x1C, 2, 116, 500) + b"short") == {"creators": ["Anna"]}
    assert read_iptc(whole + b"\0" * 100) == {"creators": ["Anna"]}
    assert read_iptc(b"") == read_iptc(b"\xff" * 1000) == {}
