"""The protocol between a worker and a decoder process, over a pair of sockets.

The worker sends an ORDER with the descriptor of a slab, and the file's bytes. If the header is in order, the
decoder sends SIZE and waits for one byte, GO. Then it sends WARNED and two texts for each warning, METADATA,
PROFILE and ALPHA if the order keeps them, writes the pixels into the slab, and sends SOURCE and PICTURE.
Instead of any of these it may send REFUSED and two texts.

The order PAINTED has a profile instead of a file, and a picture in the slab: the decoder converts the picture
to that profile and sends SIZE and PICTURE.

Nothing is pickled: a decoder under the control of a hostile file can send wrong pixels, and notes within the
limits of Metadata, and no more.
"""

from __future__ import annotations

import struct

ORDER = struct.Struct("!cIIQ")  # a kind, two numbers, bytes of the file
DECODE = b"D"  # for codec.decode_content: longest side in pixels, flags of Keep
PAINTED = b"P"  # for colors.from_srgb: width, height
GO = b"G"

ANSWER = struct.Struct("!cII")  # one of the kinds below, and two numbers
READY = b"R"  # 0, 0; once, when the decoder has started
SIZE = b"S"  # width, height of the pixels to decode
SOURCE = b"O"  # width, height of the upright picture in the file
METADATA = b"M"  # bytes of a Metadata in JSON, which follows; 0
PROFILE = b"I"  # bytes of an ICC profile, which follows; 0
ALPHA = b"A"  # width, height of the alpha, whose bytes follow
PICTURE = b"P"  # width, height of the picture in the slab
WARNED = b"W"  # bytes of the warning's code and of its sentence, which follow
REFUSED = b"E"  # bytes of the error's code and of its sentence, which follow
