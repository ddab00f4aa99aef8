"""A Gunicorn worker that keeps slow clients away from its threads.

Gunicorn's threaded worker gives a connection to a thread at its first byte, so half-sent requests, one for
each thread, stop the whole process. Here the worker's loop first receives the head and a small body, and
later sends the part of a response that the client has not read yet. Requests wait for a thread in one queue
per sender: a key that was valid lately, or else an address. Senders take turns, and each has at most a
share of every resource. A thread reads a large body, because only the application knows whether it accepts
the body; few threads may do so, fewer for one sender, and the client must keep pace.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import Future
from itertools import takewhile
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from api.access.networks import network_of
from api.server.arrival import Arrival, Stage, key_in
from api.server.client_socket import ClientSocket, log_cut
from api.server.known_keys import LET_IN, KnownKeys
from api.server.sender_queues import SenderQueues
from api.server.waiting_room import WaitingRoom
from shared.settings import settings_or_exit

ARRIVE_SECONDS = 20  # for a head and a small body
UNREAD_SECONDS = 20  # to read the last MOST_UNSENT_BYTES of a response
LINGER_SECONDS = 2  # for the client to read the end of the response and close first (RFC 9112, section 9.6)
TURN_SECONDS = 30  # until a large body gets a thread
MOST_ARRIVING = 1000  # connections, of up to MOST_HEAD_BYTES + MOST_SMALL_BODY_BYTES each
MOST_UNREAD = 250  # connections, of up to MOST_UNSENT_BYTES each
MOST_LINGERING = 1000  # connections
MOST_DISCARDED_BYTES = 65_536  # from one lingering connection
PIECE_BYTES = 65_536
MOST_WAITING_BYTES = 32_000_000  # of one sender's requests that wait for a thread
OWN_BYTES = 4096  # that a waiting request takes beside what it received, at least
THREADS_FOR_OTHERS = 4  # that a single sender never gets, in all and of those for large bodies
GONE = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)  # the client closed before the accept
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Connection(TConn):  # type: ignore[misc]  # Gunicorn has no types
    """A client's connection, with the bytes of its request so far."""

    sock: ClientSocket

    def __init__(self, worker: PatientWorker, sock: ClientSocket, peer: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, peer, server)
        self.data_ready = True  # so Gunicorn's thread does not wait for data
        self.arrival = Arrival()
        self.reads_body = False
        self.discarded = 0  # bytes received after the response
        self.served: Future[Any] | None = None
        self.sender: Hashable = sock.client  # in whose queue its request waits
        self._worker: PatientWorker | None = worker

    def init(self) -> None:
        """Let the parser read the bytes received so far before further ones; called in a thread."""
        super().init()
        self.sock.begin_request()
        self.parser.unreader.unread(bytes(self.arrival.received))
        self.arrival = Arrival()

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002  # the worker lingers by itself
        """Close the connection. A second call does nothing."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.count_out(self.sock.client)
            super().close()


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # Gunicorn has no types
    """A worker that gives a request to a thread once it has arrived, and waits for slow readers itself."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        read, write = selectors.EVENT_READ, selectors.EVENT_WRITE
        self._arriving = WaitingRoom(read, ARRIVE_SECONDS, MOST_ARRIVING, self._receive)
        self._unread = WaitingRoom(write, UNREAD_SECONDS, MOST_UNREAD, self._send_rest)
        self._lingering = WaitingRoom(read, LINGER_SECONDS, MOST_LINGERING, self._discard)
        self._turns = _turns(self.cfg.threads)
        self._body_turns = _turns(self.cfg.threads // 2)  # needed before a turn among all requests
        self._waiting_bodies: dict[Connection, float] = {}  # deadlines; the first to end comes first
        self._most_per_address = settings_or_exit().max_connections_per_address
        self._per_address: Counter[str] = Counter()
        self._known_keys = KnownKeys()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and receive its first bytes."""
        try:
            accepted, peer = listener.accept()
        except OSError as error:
            if error.errno not in GONE:
                raise
            return
        # The peer of a Unix socket has no address.
        client = network_of(str(peer[0])) if isinstance(peer, tuple) else ""
        if client and self._per_address[client] >= self._most_per_address:
            log_cut(client, "has too many connections")
            accepted.close()
            return
        self._per_address[client] += 1
        self.nr_conns += 1
        self._receive(Connection(self, ClientSocket.adopt(accepted, client), peer, listener.getsockname()))

    def count_out(self, client: str) -> None:
        """Forget one connection of an address."""
        self._per_address[client] -= 1
        if not self._per_address[client]:
            del self._per_address[client]

    def note_sender(self, environ: dict[str, Any]) -> None:
        """Remember the key of a served request if the application found it valid; called in a thread."""
        if LET_IN in environ and (key := key_in(environ["HTTP_AUTHORIZATION"])) is not None:
            self._known_keys.add(key)

    def on_client_socket_readable(self, conn: Connection, client: ClientSocket) -> None:
        """Receive the next request of a connection that was kept alive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._receive(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Queue a request that has arrived until its sender's turn."""
        self._turns.add(conn.sender, conn)
        self._start_requests()

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Free the thread of a request, and send the rest of the response."""
        self._turns.finish(conn.sender)
        self._start_requests()
        if conn.reads_body:
            self._end_body(conn)
        if conn.sock.unsent:
            conn.served = fs
            conn.sock.setblocking(False)
            self._wait(self._unread, conn)
        else:
            self._settle(conn, fs)

    def murder_pending(self) -> None:
        """Cut the clients whose time is up. Gunicorn calls this at least once a second."""
        for room, reason in (
            (self._arriving, "did not send its request in time"),
            (self._unread, "did not read its response in time"),
            (self._lingering, None),
        ):
            for connection in room.expire(self.poller):
                self._drop(connection, reason)
        now = time.monotonic()
        for connection, _ in list(takewhile(lambda held: held[1] < now, self._waiting_bodies.items())):
            del self._waiting_bodies[connection]
            self._body_turns.leave(connection.sender, connection)
            self._refuse(connection, BUSY, "waited too long for its body's turn")

    def _receive(self, connection: Connection) -> None:
        try:
            piece = connection.sock.recv(PIECE_BYTES)
        except BlockingIOError:
            self._wait(self._arriving, connection)
        except OSError:
            self._drop(connection)
        else:
            self._arrive(connection, piece)

    def _arrive(self, connection: Connection, piece: bytes) -> None:
        """Add bytes to a request; no bytes mean that the client closed its side."""
        if not piece:
            self._drop(connection)
            return
        stage = connection.arrival.add(piece)
        if stage is Stage.PARTIAL:
            self._wait(self._arriving, connection)
            return
        self._arriving.leave(connection, self.poller)
        connection.sender = self._sender_of(connection)
        queues = (self._turns, self._body_turns)
        if sum(queue.waiting_bytes(connection.sender) for queue in queues) >= MOST_WAITING_BYTES:
            self._refuse(connection, BUSY, "has too many requests that wait")
        elif stage is Stage.READY:
            self.enqueue_req(connection)
        elif stage is Stage.BODY_FOLLOWS:
            self._waiting_bodies[connection] = time.monotonic() + TURN_SECONDS
            self._body_turns.add(connection.sender, connection)
            self._start_bodies()
        else:
            self._refuse(connection, HEAD_TOO_LARGE, "sent too large a head")

    def _sender_of(self, connection: Connection) -> Hashable:
        """Return the request's key if it was valid lately; else the client's address."""
        key = connection.arrival.key
        return key if key in self._known_keys else connection.sock.client

    def _start_requests(self) -> None:
        for connection in self._turns.start():
            super().enqueue_req(connection)

    def _start_bodies(self) -> None:
        for connection in self._body_turns.start():
            del self._waiting_bodies[connection]
            connection.reads_body = True
            self.enqueue_req(connection)

    def _end_body(self, connection: Connection) -> None:
        connection.reads_body = False
        self._body_turns.finish(connection.sender)
        self._start_bodies()

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Return whether the connection can serve another request; called in its thread after a response.

        A body that the application did not read ends the connection unless all of it has arrived, because the
        thread does not wait for it.
        """
        conn.sock.setblocking(False)
        try:
            return keepalive and bool(conn.parser.finish_body(max_bytes=MOST_DISCARDED_BYTES))
        except BlockingIOError:
            return False

    def _send_rest(self, connection: Connection) -> None:
        try:
            connection.sock.flush()
        except OSError:
            self._drop(connection)
            return
        if not connection.sock.unsent and connection.served is not None:
            self._unread.leave(connection, self.poller)
            self._settle(connection, connection.served)

    def _settle(self, connection: Connection, served: Future[Any]) -> None:
        """Keep the connection for its next request, or close it."""
        if served.cancelled() or served.exception() or served.result() is not True:
            self._linger(connection)
            return
        connection.parser.mesg = None  # frees the memory of the last request
        if ahead := connection.parser.unreader.take_buffered():
            connection.sock.setblocking(False)
            self._arrive(connection, ahead)
        else:
            super().finish_request(connection, served)

    def _linger(self, connection: Connection) -> None:
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.setblocking(False)
        except OSError:  # the client closed first, or was cut
            self._drop(connection)
        else:
            self._wait(self._lingering, connection)

    def _discard(self, connection: Connection) -> None:
        try:
            more = connection.sock.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        connection.discarded += len(more)
        if not more or connection.discarded > MOST_DISCARDED_BYTES:
            self._drop(connection)

    def _refuse(self, connection: Connection, response: bytes, reason: str) -> None:
        log_cut(connection.sock.client, reason)
        try:
            connection.sock.sendall(response)
        except OSError:
            self._drop(connection)
        else:
            self._linger(connection)

    def _wait(self, room: WaitingRoom[Connection], connection: Connection) -> None:
        if connection not in room and (crowded_out := room.enter(connection, self.poller)):
            self._drop(crowded_out, "was the slowest of too many")

    def _drop(self, connection: Connection, reason: str | None = None) -> None:
        for room in (self._arriving, self._unread, self._lingering):
            room.leave(connection, self.poller)
        if reason:
            log_cut(connection.sock.client, reason)
        self.nr_conns -= 1
        connection.close()


def _turns(threads: int) -> SenderQueues[Connection]:
    return SenderQueues(max(threads, 1), max(threads - THREADS_FOR_OTHERS, 1), _size)


def _size(connection: Connection) -> int:
    return OWN_BYTES + len(connection.arrival.received)
