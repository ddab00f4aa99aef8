"""The notes about a photograph that a result may have: a whitelist, with limits.

The decoder sends them to the worker as JSON. Nothing else of a file's EXIF, IPTC and XMP data is kept: no
maker's notes, thumbnails, serial numbers or unknown members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

IMAGE, PHOTO, PLACE = 0, 0x8769, 0x8825  # the directories of EXIF: the main one, and tags that lead to others
MAX_EXIF_TEXT = 1_000  # characters
MAX_TEXT = 500  # characters of title and rights
MAX_DESCRIPTION = 2_000  # as in IPTC's older format
MAX_CREATORS, MAX_CREATOR = 10, 100
MAX_KEYWORDS, MAX_KEYWORD = 50, 64
MAX_NUMBER = 0xFFFF
MAX_PART = 0xFFFF_FFFF  # of a ratio
_TIME = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
DATE = rf"^[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}}({_TIME})?)?)?$"


@dataclass(frozen=True)
class Tag:
    """A tag of EXIF 2.32; `count` is the number of its ratios."""

    number: int
    directory: int
    kind: Literal["text", "number", "ratios"] = "text"
    count: int = 1


TAGS: dict[str, Tag] = {
    "ImageDescription": Tag(0x010E, IMAGE),
    "Make": Tag(0x010F, IMAGE),
    "Model": Tag(0x0110, IMAGE),
    "DateTime": Tag(0x0132, IMAGE),
    "Artist": Tag(0x013B, IMAGE),
    "Copyright": Tag(0x8298, IMAGE),
    "ExposureTime": Tag(0x829A, PHOTO, "ratios"),
    "FNumber": Tag(0x829D, PHOTO, "ratios"),
    "PhotographicSensitivity": Tag(0x8827, PHOTO, "number"),
    "DateTimeOriginal": Tag(0x9003, PHOTO),
    "DateTimeDigitized": Tag(0x9004, PHOTO),
    "OffsetTime": Tag(0x9010, PHOTO),
    "OffsetTimeOriginal": Tag(0x9011, PHOTO),
    "OffsetTimeDigitized": Tag(0x9012, PHOTO),
    "Flash": Tag(0x9209, PHOTO, "number"),
    "FocalLength": Tag(0x920A, PHOTO, "ratios"),
    "SubSecTime": Tag(0x9290, PHOTO),
    "SubSecTimeOriginal": Tag(0x9291, PHOTO),
    "SubSecTimeDigitized": Tag(0x9292, PHOTO),
    "FocalLengthIn35mmFilm": Tag(0xA405, PHOTO, "number"),
    "LensMake": Tag(0xA433, PHOTO),
    "LensModel": Tag(0xA434, PHOTO),
    "GPSLatitudeRef": Tag(1, PLACE),
    "GPSLatitude": Tag(2, PLACE, "ratios", 3),
    "GPSLongitudeRef": Tag(3, PLACE),
    "GPSLongitude": Tag(4, PLACE, "ratios", 3),
    "GPSAltitudeRef": Tag(5, PLACE, "number"),
    "GPSAltitude": Tag(6, PLACE, "ratios"),
    "GPSTimeStamp": Tag(7, PLACE, "ratios", 3),
    "GPSImgDirectionRef": Tag(16, PLACE),
    "GPSImgDirection": Tag(17, PLACE, "ratios"),
    "GPSDateStamp": Tag(29, PLACE),
}


def printable(text: str) -> str:
    """Return the text without control characters and others that XML or a terminal cannot show."""
    return "".join(each for each in text if each.isprintable() or each == "\n").strip()


def _check_printable(text: str) -> str:
    if printable(text) != text:
        raise ValueError("The text has characters that are not printable")
    return text


def _text(most: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=most)


Printable = AfterValidator(_check_printable)
Part = Annotated[int, Field(ge=0, le=MAX_PART)]
Ratio = tuple[Part, Annotated[Part, Field(ge=1)]]  # numerator and denominator
Value = (
    Annotated[str, _text(MAX_EXIF_TEXT), Printable]
    | Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    | tuple[Ratio, ...]
)


class Metadata(BaseModel):
    """The notes about one photograph. Texts are printable and within the limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    exif: dict[str, Value] = Field({}, max_length=len(TAGS))  # by the names of TAGS
    title: Annotated[str, _text(MAX_TEXT), Printable] | None = None
    description: Annotated[str, _text(MAX_DESCRIPTION), Printable] | None = None
    rights: Annotated[str, _text(MAX_TEXT), Printable] | None = None
    creators: Annotated[
        tuple[Annotated[str, _text(MAX_CREATOR), Printable], ...], Field(max_length=MAX_CREATORS)
    ] = ()
    keywords: Annotated[
        tuple[Annotated[str, _text(MAX_KEYWORD), Printable], ...], Field(max_length=MAX_KEYWORDS)
    ] = ()
    created: Annotated[str, StringConstraints(pattern=DATE)] | None = None  # XMP's form of ISO 8601

    @field_validator("exif")
    @classmethod
    def _of_their_kinds(cls, exif: dict[str, Value]) -> dict[str, Value]:
        for name, value in exif.items():
            if name not in TAGS or not fits(TAGS[name], value):
                raise ValueError("A tag is not of the list, or has a value of another kind")
        return exif


def fits(tag: Tag, value: Value) -> bool:
    """Return whether the value is of the tag's kind. EXIF's texts are ASCII outside the main directory."""
    match tag.kind:
        case "text":
            return isinstance(value, str) and (tag.directory == IMAGE or value.isascii())
        case "number":
            return isinstance(value, int) and value <= (1 if tag.directory == PLACE else MAX_NUMBER)
        case "ratios":
            return isinstance(value, tuple) and len(value) == tag.count
