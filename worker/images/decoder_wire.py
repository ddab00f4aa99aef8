"""The protocol between a worker and a decoder process, over a pair of sockets.

The worker sends an ORDER with the descriptor of a slab, and the file's bytes. If the header is in order, the
decoder sends SIZE and waits for one byte, GO. Then it sends SOURCE, WARNED and two texts for each warning,
writes the pixels into the slab, and sends PICTURE. Instead of any of these it may send REFUSED and two texts.

Nothing is pickled: a decoder under the control of a hostile file can send wrong pixels, and no more.
"""

from __future__ import annotations

import struct

ORDER = struct.Struct("!cIQ")  # CONTENT or STYLE, side in pixels, bytes of the file
CONTENT, STYLE = b"C", b"S"  # for codec.decode_content and codec.decode_style
GO = b"G"

ANSWER = struct.Struct("!cII")  # one of the kinds below, and two numbers
READY = b"R"  # 0, 0; once, when the decoder has started
SIZE = b"S"  # width, height of the pixels to decode
SOURCE = b"O"  # width, height of the upright picture in the file
PICTURE = b"P"  # width, height of the picture in the slab
WARNED = b"W"  # bytes of the warning's code and of its sentence, which follow
REFUSED = b"E"  # bytes of the error's code and of its sentence, which follow
