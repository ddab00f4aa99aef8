"""Reads the whitelisted properties of XMP data (ISO 16684-1), which is RDF in XML.

The parser refuses document types, so there are no entities that could grow, and builds no tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

MAX_DEPTH = 100
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ITEM = f"{RDF} li"
DC = "http://purl.org/dc/elements/1.1/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
NAMES = {  # by namespace and name, as expat writes them
    f"{DC} title": "title",
    f"{DC} description": "description",
    f"{DC} rights": "rights",
    f"{DC} creator": "creators",
    f"{DC} subject": "keywords",
    f"{PHOTOSHOP} DateCreated": "created",
    "http://ns.adobe.com/xap/1.0/ CreateDate": "created",
}


class XmpRefused(Exception):
    """The data is no XML that is accepted."""


def read_xmp(data: bytes) -> dict[str, list[str]]:
    """Return texts by the names of Metadata's members, in the order of the file.

    Raises:
        XmpRefused: the data is not UTF-8, as image files have it, is not well-formed, has a document type or
            is nested too deeply.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(data.decode().strip("\ufeff\0 \r\n\t"), True)
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise XmpRefused("It is damaged") from error
    return reader.found


class _Reader:
    """The handlers of the parser, and what they have found."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._open: list[str] = []  # names of the elements around the current place
        self._texts: list[str] = []

    def refuse(self, *_: object) -> None:
        raise XmpRefused("It has a document type")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise XmpRefused("It is nested too deeply")
        self._open.append(name)
        self._texts.clear()
        for attribute, value in attributes.items():
            self._note(attribute, value)

    def text(self, text: str) -> None:
        self._texts.append(text)

    def end(self, name: str) -> None:
        """Note the text of a property, or of an item in the property's list."""
        text = "".join(self._texts)
        self._texts.clear()
        self._open.pop()
        if name == ITEM:
            name = next((each for each in reversed(self._open) if each in NAMES), "")
        self._note(name, text)

    def _note(self, name: str, text: str) -> None:
        if name in NAMES and text.strip():
            self.found.setdefault(NAMES[name], []).append(text)
