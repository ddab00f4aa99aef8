"""The worker's side of one decoder process: starts it, sends it files, and explains its death."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict

from shared.errors import DecoderUnavailable, ImageUndecodable, OutOfMemory, StyleQueueError
from worker.channel import blocking, receive, send_with_files
from worker.images.arrays import Picture
from worker.images.belongings import Keep
from worker.images.codec import Decoded
from worker.images.decoder_answers import Answers, nonsense
from worker.images.decoder_wire import ANSWER, DECODE, ORDER, PAINTED
from worker.images.headers import ImageLimits
from worker.images.slabs import Slab, Slabs, write_picture

Reserve = Callable[[int], AbstractContextManager[object]]  # waits for the memory of so many pixels

STDERR = 2
# These variables find Python and its libraries; the keys for Redis and S3 stay here.
INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# glibc keeps this memory for the next picture; getting new pages each time costs more than the decoding.
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "32000000", "MALLOC_TRIM_THRESHOLD_": "64000000"}


class DecoderProcess:
    """A decoder for one thread at a time. It ends when its input ends, so soon after this process."""

    def __init__(self, module: str, limits: ImageLimits, timeout_seconds: float) -> None:
        """Start the process.

        Raises:
            DecoderUnavailable: it does not start.
        """
        self._max_pixels, self._timeout_seconds = limits.max_pixels, timeout_seconds
        self.usable = True  # no answer is outstanding
        self._slabs = Slabs(
            limits.max_pixels
        )  # of its own: a decoder under foreign control reaches no others
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._channel, theirs = socket.socketpair()
        blocking(self._channel, theirs)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", module, json.dumps(asdict(limits)), str(timeout_seconds)],
                    stdin=theirs.fileno(),
                    stdout=STDERR,  # a library's prints go to the log
                    env=environment | ONE_THREAD | KEPT_MEMORY,
                )
            receive(self._channel.fileno(), ANSWER.size)
        except (OSError, EOFError) as error:
            raise DecoderUnavailable("No decoder process can be started now") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def decode(self, file: bytes, longest_side: int, reserve: Reserve, keep: Keep) -> Decoded:
        """Decode like codec.decode_content.

        Raises:
            ImageUndecodable: the decoder crashed, or took longer than `timeout_seconds`.
            OutOfMemory: the kernel ended the decoder.
            StyleQueueError: the decoder reported it, as `codec` raises it.
        """
        slab = self._slabs.take()
        answers = Answers(self._channel.fileno(), keep, self._max_pixels)
        order = ORDER.pack(DECODE, longest_side, keep, len(file))
        width, height = self._carry_out(order, file, slab, answers, reserve)
        if max(width, height) > longest_side:
            raise nonsense()
        picture = self._picture(slab, width, height)
        return Decoded(picture, tuple(answers.warnings), answers.source_size, answers.belongings)

    def painted_in(self, profile: bytes, picture: Picture, reserve: Reserve) -> Picture:
        """Convert like codec.painted_in; raise the errors of `decode`."""
        height, width, _ = picture.shape
        slab = self._slabs.take()
        write_picture(slab.file, picture)
        answers = Answers(self._channel.fileno(), Keep.NOTHING, self._max_pixels)
        order = ORDER.pack(PAINTED, width, height, len(profile))
        if self._carry_out(order, profile, slab, answers, reserve) != (width, height):
            raise nonsense()
        return self._picture(slab, width, height)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _carry_out(
        self, order: bytes, file: bytes, slab: Slab, answers: Answers, reserve: Reserve
    ) -> tuple[int, int]:
        """Send the order and read what comes back; return width and height of the picture in the slab."""
        self.usable = False
        try:
            send_with_files(self._channel, [slab.file], order, file)
            with ExitStack() as memory:
                size = answers.read(lambda pixels: memory.enter_context(reserve(pixels)))
        except (ConnectionError, EOFError) as error:
            raise self._death() from error
        if answers.refusal is not None:
            self._slabs.put_back(slab)
            self.usable = True
            raise answers.refusal
        return size

    def _picture(self, slab: Slab, width: int, height: int) -> Picture:
        if min(width, height) < 1:
            raise nonsense()
        try:
            picture = self._slabs.picture(slab, height, width)
        except ValueError:  # larger than any picture within the limits
            raise nonsense() from None
        self.usable = True
        return picture

    def _death(self) -> StyleQueueError:
        """Return the error for a process that closed its pipes, by the signal that ended it."""
        self._process.kill()  # without effect on a dead one; only a broken one still lives with closed pipes
        match -self._process.wait():
            case signal.SIGALRM:
                limit = f"{self._timeout_seconds:g} s (decode_timeout_seconds)"
                return ImageUndecodable(f"Decoding the file took longer than {limit}")
            case signal.SIGKILL:
                return OutOfMemory("The system ended the decoder, as it does when memory runs out")
            case number if number in tuple(signal.Signals):
                return ImageUndecodable(f"The decoder crashed on this file ({signal.Signals(number).name})")
        return ImageUndecodable("The decoder stopped unexpectedly on this file")
