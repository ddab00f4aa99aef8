"""Writes the notes of a photograph into new EXIF and XMP data for its result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from worker.images.metadata.fields import IMAGE, PLACE, TAGS, Metadata, Tag, Value

UPRIGHT = 1
EXIF_VERSION, GPS_VERSION = b"0232", b"\2\3\0\0"
# IPTC's word for a photograph that an algorithm has changed: https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def written_exif(metadata: Metadata) -> bytes:
    """Return EXIF data whose orientation is upright, because results are."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = UPRIGHT
    directories: dict[int, dict[int, Any]] = {}
    for name, value in metadata.exif.items():
        tag = TAGS[name]
        if tag.directory == IMAGE:
            exif[tag.number] = _stored(tag, value)
        else:
            directories.setdefault(tag.directory, {})[tag.number] = _stored(tag, value)
    for number, entries in directories.items():
        version = {0: GPS_VERSION} if number == PLACE else {ExifTags.Base.ExifVersion: EXIF_VERSION}
        exif[number] = version | entries
    return exif.tobytes()


def written_xmp(metadata: Metadata) -> bytes:
    """Return XMP data that also says that an algorithm has changed a photograph.

    Within the limits of Metadata it fits in the one segment that JPEG has for it.
    """
    languages = {"title": metadata.title, "description": metadata.description, "rights": metadata.rights}
    properties = [
        *(_list(name, "Alt", [text], ' xml:lang="x-default"') for name, text in languages.items() if text),
        _list("creator", "Seq", metadata.creators),
        _list("subject", "Bag", metadata.keywords),
    ]
    if metadata.created:
        properties.append(f"<photoshop:DateCreated>{metadata.created}</photoshop:DateCreated>")
    properties.append(f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>")
    namespaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF {namespaces}><rdf:Description rdf:about="">{"".join(properties)}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def _stored(tag: Tag, value: Value) -> Any:
    """Return the value in the form that Pillow writes; UTF-8, because readers expect it in ASCII's place."""
    if isinstance(value, str):
        return value.encode() if tag.directory == IMAGE else value
    if isinstance(value, int):
        return bytes([value]) if tag.directory == PLACE else value
    ratios = tuple(IFDRational(*ratio) for ratio in value)
    return ratios if len(ratios) > 1 else ratios[0]


def _list(name: str, kind: str, texts: Iterable[str], attributes: str = "") -> str:
    items = "".join(f"<rdf:li{attributes}>{escape(text)}</rdf:li>" for text in texts)
    return f"<dc:{name}><rdf:{kind}>{items}</rdf:{kind}></dc:{name}>" if items else ""
