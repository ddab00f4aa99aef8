"""The meaning of redis-py's exceptions, as errors of ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import QueueRefused, QueueUnavailable

OTHER_HOST = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
CLUSTER_MODE = (
    "Redis runs in Cluster mode, in which one step cannot change several keys; "
    "use a server without it (cluster-enabled no), alone or behind Sentinel"
)
# Words to look for in an error's class and text: within a script its first word differs.
PASSING = {
    ("OutOfMemory", "OOM "): "Redis is full (its maxmemory); running jobs go on, but new work is refused",
    ("ReadOnly", "READONLY"): "Redis is a replica now and takes no changes",
    ("NoReplicas", "NOREPLICAS"): "Redis has too few replicas and takes no changes",
    ("MISCONF",): "Redis cannot write to its disk and takes no changes",
}
LASTING = {
    (
        "NoPermission",
        "NOPERM",
        "can't run this command",
        "No permissions to access",
        "has no permissions to",
    ): ("Redis' user lacks a permission; docs/8-security.md has the ACL that it needs"),
    ("CrossSlot", "Moved", "ClusterDown", "cluster mode", "non local key", "same slot"): CLUSTER_MODE,
    ("DB index is out of range",): "Redis has no database of that number",
}


def meaning_of(error: RedisError) -> QueueUnavailable:
    """Return the error's meaning for an operator, without key names or parts of the URL."""
    if isinstance(error, AuthenticationError):
        asks = error.status_code == "NOAUTH"
        return QueueRefused(
            "Redis asks for a password" if asks else "Redis refuses the user name or the password"
        )
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return _tls_refusal(error) or QueueUnavailable(_silence(error))
    if isinstance(error, ResponseError):
        return _refusal(type(error).__name__ + str(error))
    return QueueUnavailable(f"Redis failed: {type(error).__name__}")


def _refusal(text: str) -> QueueUnavailable:
    for kind, meanings in ((QueueRefused, LASTING), (QueueUnavailable, PASSING)):
        for words, meaning in meanings.items():
            if any(word in text for word in words):
                return kind(meaning)
    return QueueUnavailable("Redis refuses the command")


def _tls_refusal(error: BaseException) -> QueueRefused | None:
    """Return the fault of the server's certificate or TLS; None if the connection itself failed."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            about = "is for another host" if cause.verify_code in OTHER_HOST else "is not trusted"
            return QueueRefused(f"Redis' certificate {about}: {cause.verify_message.rstrip('.')}")
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        ):
            reason = (cause.reason or "the handshake failed").lower().replace("_", " ")
            return QueueRefused(f"TLS with Redis fails: {reason}")
    return None


def _silence(error: BaseException) -> str:
    """Return a sentence about a silent connection, with the wrong scheme as a possible reason."""
    for cause in _causes(error):
        if isinstance(cause, (ConnectionResetError, BrokenPipeError)):
            return "Redis closes the connection, as it does too if it wants TLS (rediss://)"
        if isinstance(cause, TimeoutError) and "handshake" in str(cause):
            return "Redis does not answer, as it does too if it has no TLS (redis://)"
    return "Redis does not answer"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
