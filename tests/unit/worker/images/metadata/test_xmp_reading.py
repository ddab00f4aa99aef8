"""XMP data in, whitelisted texts out; XML that is built to do harm is refused."""

from __future__ import annotations

import pytest

from tests.files.noted_photos import EDITED, xmp
from worker.images.metadata.xmp_reading import MAX_DEPTH, XmpRefused, read_xmp

BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
)


def test_listed_properties_are_read_and_no_others() -> None:
    assert read_xmp(EDITED) == {
        "title": ["Fish & chips", "Fisch"],
        "creators": ["Zoë", "Yan"],
        "keywords": ["sea", "salt"],
        "created": ["2026-01-31T12:29:59+01:00"],
    }


@pytest.mark.parametrize("around", [b"", b"\0\0", b"  \n"])
def test_properties_as_attributes_and_as_plain_text_are_read(around: bytes) -> None:
    data = xmp("<dc:rights>© Zoë</dc:rights>", attributes=' dc:description="A dog"')
    assert read_xmp(around + data + around) == {"rights": ["© Zoë"], "description": ["A dog"]}


@pytest.mark.parametrize(
    "data",
    [
        xmp("<dc:title>&j;</dc:title>", head=BOMB + "]>"),
        xmp("<dc:title>&b;</dc:title>", head="<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
        xmp("<dc:title>&b;</dc:title>"),
        xmp("<rdf:li>" * MAX_DEPTH + "</rdf:li>" * MAX_DEPTH),
        EDITED[:-60],
        b"",
        EDITED.decode().encode("utf-16"),
        b"\x89PNG",
    ],
)
def test_damaged_and_hostile_data_is_refused(data: bytes) -> None:
    with pytest.raises(XmpRefused):
        read_xmp(data)
