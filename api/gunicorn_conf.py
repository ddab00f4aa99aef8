"""Gunicorn's configuration for the API: `gunicorn -c python:api.gunicorn_conf api.wsgi:app`.

The address (--bind) and the number of processes (--workers) come from that command.
"""

from __future__ import annotations

import os
import resource
import socket
import struct
import sys
from typing import Any

from shared.telemetry.metrics_folder import VARIABLE, make_metrics_folder

METRICS_FOLDER = make_metrics_folder()
os.environ[VARIABLE] = str(METRICS_FOLDER)  # before the modules below import prometheus_client

from api.access.loopback import is_for_this_machine, is_loopback
from api.server.client_socket import STALL_SECONDS
from shared.errors import QueueRefused, QueueUnavailable
from shared.settings import Settings, settings_or_exit
from shared.store.api_keys import KeyStore
from shared.store.redis.connection import connect
from shared.store.redis.fitness import has_memory_limit, refuse_unfit_redis
from shared.telemetry.metrics_files import MetricsFiles

MOST_FILES = 65_536
FILES_FOR_OTHERS = 512  # of a process, for its connections to Redis and S3 and for spooled batches

worker_class = "api.server.patient_worker.PatientWorker"
threads = 32
keepalive = settings_or_exit().keepalive_seconds
graceful_timeout = 5  # seconds for requests in progress when it stops; a ?wait= may ask for 60
limit_request_line = 8190  # bytes, Gunicorn's most; a hundred ids in one poll are about 4,000
limit_request_fields = 64
limit_request_field_size = 8704  # bytes; the header Webhook-Url holds a URL of up to 8,192
loglevel = "warning"
logger_class = "api.server.server_log.ServerLog"
forwarder_headers = ""  # else a client's header SCRIPT_NAME would change links; see the public URL
sendfile = False  # the worker sends in order what its client has not read
control_socket_disable = True  # it would lie in the home directory, and all servers would share it


def _files_per_process() -> int:
    """Raise and return the limit of open files: each connection is one, and systems often start at 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


worker_connections = max(_files_per_process() - FILES_FOR_OTHERS, 2 * threads)


def on_starting(server: Any) -> None:
    """Check before it listens that Redis is fit, and that without a key only this machine can connect.

    `server` is Gunicorn's Arbiter, which has no types.

    Raises:
        SystemExit: one of these does not hold.
    """
    exposed = [_shown(address) for address in server.cfg.address if not _is_local(address)]
    settings = settings_or_exit()
    public = settings.public_url
    if public and not is_for_this_machine(public):
        exposed.append(public)
    try:
        refuse_unfit_redis(settings)
        keyless, limited = _no_keys(settings), has_memory_limit(settings)
    except QueueRefused as error:
        sys.exit(f"stylequeue: {error.detail}")
    except QueueUnavailable:
        server.log.warning("Redis does not respond; until it does, every request is refused")
        return
    if keyless and exposed:
        sys.exit(
            f"stylequeue: the API is not started on {', '.join(exposed)}: there is no API key, and without "
            "one the service is for its own machine alone. Make one with 'stylequeue keys create OWNER', "
            "or bind to 127.0.0.1, without STYLEQUEUE_PUBLIC_URL"
        )
    if not limited:
        server.log.warning(
            "Redis has no maxmemory, so STYLEQUEUE_MAX_REDIS_PERCENT protects nothing: too many jobs "
            "use up the machine's memory. Set maxmemory to half of the memory that Redis may have"
        )
    if keyless:
        server.log.warning(
            "There is no API key: anybody on this machine may do everything. Make one with "
            "'stylequeue keys create OWNER'; from then on every request needs one"
        )


def when_ready(server: Any) -> None:
    """Set the limits that each accepted connection inherits.

    Linux does not hand over a connection before its first byte. A connection that stalls while a thread reads
    its body or sends its response is cut.
    """
    seconds_and_microseconds = struct.pack("ll", STALL_SECONDS, 0)
    for listener in server.LISTENERS:
        if listener.sock.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_DEFER_ACCEPT"):
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, STALL_SECONDS)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, seconds_and_microseconds)


def post_request(worker: Any, _request: Any, environ: dict[str, Any], _response: Any) -> None:
    """Tell the worker whose request it has served."""
    worker.note_sender(environ)


def child_exit(_: Any, worker: Any) -> None:
    """Keep the counts of a worker process that ended; Gunicorn's main process calls this."""
    MetricsFiles(METRICS_FOLDER).add_to_ended(worker.pid)


def _no_keys(settings: Settings) -> bool:
    connection = connect(settings.redis_url)
    try:
        return KeyStore(connection).is_empty()
    finally:
        connection.close()  # the processes that serve make their own


def _is_local(address: Any) -> bool:
    """Return whether the bind address is loopback. A Unix socket is not: its proxy forwards any request."""
    return isinstance(address, tuple) and is_loopback(address[0])


def _shown(address: Any) -> str:
    return f"{address[0] or '*'}:{address[1]}" if isinstance(address, tuple) else str(address)
