"""A wire between a program and Redis that a test can cut, freeze and slow down."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

CHUNK_BYTES = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class TcpProxy:
    """Listens on `port` of an address and passes everything on to `target_port` of the loopback interface."""

    def __init__(self, target_port: int, address: str = "127.0.0.1", port: int = 0) -> None:
        self._target = ("127.0.0.1", target_port)
        self._server = socket.create_server((address, port), backlog=128)
        self.port = int(self._server.getsockname()[1])
        self.delay_seconds = 0.0  # of each piece, in both directions
        self._refuses = False
        self._flows = threading.Event()
        self._flows.set()
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="tcp-proxy", daemon=True).start()

    def cut(self) -> None:
        """Reset all connections, present and new, until `heal`."""
        self._refuses = True
        self.reset()

    def freeze(self) -> None:
        """Let nothing pass and close nothing, as with a pulled cable, until `heal`."""
        self._flows.clear()

    def heal(self) -> None:
        self._refuses = False
        self.delay_seconds = 0.0
        self._flows.set()

    def reset(self) -> None:
        """Reset the present connections."""
        with self._lock:
            for end in self._ends:
                _reset(end)

    def close(self) -> None:
        self._server.close()
        self.cut()
        self._flows.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:  # closed
                return
            try:
                far = None if self._refuses else socket.create_connection(self._target, 2)
            except OSError:  # the server is down, and the client must see it
                far = None
            self._connect(near, far)

    def _connect(self, near: socket.socket, far: socket.socket | None) -> None:
        if far is None:
            _reset(near)
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._ends |= {near, far}
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                self._flows.wait()
                time.sleep(self.delay_seconds)
                sink.sendall(data)
        with self._lock:
            self._ends -= {source, sink}
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the other direction's thread
            end.close()


def _reset(end: socket.socket) -> None:
    """Make the close, which follows because reading ends now, an RST and not a FIN."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        end.shutdown(socket.SHUT_RD)
