"""Photographs as cameras and editors write them: with EXIF, IPTC, XMP, color profiles and alpha."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from tests.files.pictures import photo

SECRETS = ("serial 4711", "maker's own", "a comment")  # of what is never kept
LATITUDE = (IFDRational(48), IFDRational(8), IFDRational(1512, 100))
# Colorants of Display P3 after adaptation to D50, as in Apple's profile of that name.
P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def exif(**more: Any) -> Image.Exif:
    """Return the data of a camera: orientation 6, a place, and things that are nobody's business."""
    data = Image.Exif()
    base = ExifTags.Base
    values = {
        base.Make: "Kodak",
        base.Model: "Retina",
        base.DateTime: "2026:01:31 12:30:00",
        base.Artist: "Zoë".encode(),
        base.Copyright: "© Zoë".encode(),
        base.Orientation: 6,
        base.Software: "Editor 1",
    }
    for tag, value in values.items():
        data[tag] = value
    data[ExifTags.IFD.Exif] = {
        base.ExposureTime: IFDRational(1, 250),
        base.FNumber: IFDRational(28, 10),
        base.ISOSpeedRatings: 400,
        base.DateTimeOriginal: "2026:01:31 12:29:59",
        base.OffsetTimeOriginal: "+01:00",
        base.LensModel: "Xenar 50 mm",
        base.BodySerialNumber: SECRETS[0],
        base.MakerNote: SECRETS[1].encode(),
        base.UserComment: b"ASCII\0\0\0" + SECRETS[2].encode(),
    }
    data[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: LATITUDE,
        ExifTags.GPS.GPSAltitudeRef: b"\1",
        ExifTags.GPS.GPSAltitude: IFDRational(519),
    }
    for name, value in more.items():
        data[base[name]] = value
    return data


def xmp(properties: str = "", head: str = "", attributes: str = "") -> bytes:
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{head}<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/">'
        f'<rdf:Description rdf:about=""{attributes}>{properties}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


EDITED = xmp(
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Fish &amp; chips</rdf:li>'
    '<rdf:li xml:lang="de">Fisch</rdf:li></rdf:Alt></dc:title>'
    "<dc:creator><rdf:Seq><rdf:li>Zoë</rdf:li><rdf:li>Yan</rdf:li></rdf:Seq></dc:creator>"
    "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>salt</rdf:li></rdf:Bag></dc:subject>"
    "<crs:Exposure2012>+1.00</crs:Exposure2012>",
    attributes=' xmp:CreateDate="2026-01-31T12:29:59+01:00"',
)


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text for number, text in datasets)


def with_iptc(jpeg: bytes, data: bytes) -> bytes:
    """Return the JPEG file with a segment as Photoshop writes it."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    content = b"Photoshop 3.0\0" + resource
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


@cache
def display_p3() -> bytes:
    """Return the profile; cached, because LittleCMS writes the time into each that it makes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    for at in range(132, 132 + 12 * count, 12):
        if (name := bytes(profile[at : at + 4])) in P3:
            position = int.from_bytes(profile[at + 4 : at + 8])
            values = struct.pack(">iii", *(round(value * 65536) for value in P3[name]))
            profile[position + 8 : position + 20] = values
    return bytes(profile)


def cut_out(width: int = 96, height: int = 64) -> Image.Image:
    """Return a photo that is opaque in the middle and transparent at the edge, half of both in between."""
    levels = np.zeros((height, width), np.uint8)
    levels[8:-8, 8:-8] = 128
    levels[16:-16, 16:-16] = 255
    picture = photo(width, height).convert("RGBA")
    picture.putalpha(Image.fromarray(levels))
    return picture
