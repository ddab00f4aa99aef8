"""The commands that the service sends to Redis, also from its scripts and by Celery.

docs/8-security.md has an ACL user who may run them all.
"""

from __future__ import annotations

from collections.abc import Iterator

import redis
from redis.connection import Connection
from redis.exceptions import NoPermissionError, ResponseError

from shared.store.redis.connection import translated_errors

# By a key of each kind; what follows a command's name follows the key.
COMMANDS = {
    "": "PING, TIME, SELECT 0, INFO memory, SCAN 0, UNWATCH, EVALSHA none 1 sq:, EVAL none 1 sq:, "
    "SCRIPT EXISTS none, SCRIPT LOAD none, UNSUBSCRIBE, PUNSUBSCRIBE",
    "sq:none": "DEL, EXISTS, EXPIRE 1, TTL, GET, SET none, INCR, INCRBY 1, DECR, "
    "HDEL none, HEXISTS none, HGET none, HGETALL, HINCRBY none 1, HKEYS, HMGET none, HSET none none, "
    "HSETNX none none, HVALS, SADD none, SCARD, SISMEMBER none, SMEMBERS, SMISMEMBER none, SREM none, "
    "LLEN, LRANGE 0 1, RPUSH none, ZADD 1 none, ZCARD, ZCOUNT 0 1, ZINCRBY 1 none, ZLEXCOUNT - +, "
    "ZRANGE 0 1, ZRANGEBYLEX - +, ZRANGEBYSCORE 0 1, ZRANK none, ZREM none, "
    "ZREMRANGEBYRANK 0 1, ZREMRANGEBYSCORE 0 1, ZREVRANGEBYLEX + -, ZREVRANGEBYSCORE 1 0, ZSCORE none, "
    "PUBLISH none, SUBSCRIBE, RENAMENX sq:other",
    "stylize.none": "BRPOP 1, RPOP, LPUSH none, RPUSH none, LLEN",
    "unacked": "WATCH, HGET none, HSET none none, HDEL none",
    "unacked_index": "ZADD 1 none, ZREM none, ZRANGE 0 1",
    "unacked_mutex": "SET none, GET, DEL",
    "_kombu.none": "SADD none, SREM none, SMEMBERS, ZADD 1 none, EXISTS",
    "none.celery.pidbox": "LPUSH none, LLEN, PEXPIRE 1, DEL",
    "/0.celery.pidbox": "PSUBSCRIBE, PUBLISH none",
}


def refused_commands(connection: redis.Redis) -> list[str]:
    """Return the commands that the user may not run, each as it was tried.

    Redis checks a command when it queues it for a transaction. This transaction is never executed.

    Raises:
        QueueUnavailable: Redis does not respond.
    """
    pool = connection.connection_pool
    with translated_errors():
        asked = pool.get_connection()
        try:
            return _refused(asked, ["EXEC", "MULTI"]) or _refused(asked, list(_trials()))
        finally:
            asked.disconnect()  # which drops the transaction
            pool.release(asked)


def _trials() -> Iterator[str]:
    for key, commands in COMMANDS.items():
        for command in commands.split(", "):
            name, _, arguments = command.partition(" ")
            yield " ".join(filter(None, (name, key, arguments)))


def _refused(asked: Connection, trials: list[str]) -> list[str]:
    asked.send_packed_command(asked.pack_commands(trial.split() for trial in trials))
    return [trial for trial in trials if not _is_allowed(asked)]


def _is_allowed(asked: Connection) -> bool:
    """Return what the next response says. Failures for other reasons do not matter."""
    try:
        asked.read_response()
    except NoPermissionError:
        return False
    except ResponseError as error:
        return "unknown command" not in str(error)
    return True
