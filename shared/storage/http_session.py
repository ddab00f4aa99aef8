"""HTTP connections like those of botocore's client."""

from __future__ import annotations

import os
import socket

import botocore.session
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

TIMEOUT_SECONDS = (3.0, 20.0)  # to connect, to read
MAX_CONNECTIONS = 32
SOCKET_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


def http_session(endpoint_url: str, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS) -> URLLib3Session:
    """Return connections with the authorities and proxies that botocore's client takes for this endpoint."""
    ca_bundle = botocore.session.Session().get_config_variable("ca_bundle")
    return URLLib3Session(
        verify=ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True,
        proxies=get_environ_proxies(endpoint_url),
        timeout=timeout_seconds,
        max_pool_connections=MAX_CONNECTIONS,
        socket_options=SOCKET_OPTIONS,
    )
