"""A batch of which all jobs but a few have ended with the same picture."""

from __future__ import annotations

from pathlib import Path

from bench.clients.bulk_batches import lines, post_batch
from bench.stacks.no_picture import RESULT
from bench.stacks.servers import Servers
from samples import content_paths
from shared.storage.objects import Storage
from shared.store.jobs import Ending, JobStore
from shared.store.redis.connection import connect
from shared.wire.descriptors import Lane

KEY = "results/anonymous/bench.jpg"
AT_ONCE = 200
LEASE_SECONDS = 60


def ended_batch(servers: Servers, jobs: int, waiting: int) -> str:
    """Return the id of a batch whose last jobs wait for a worker, and none lives."""
    picture = Path(content_paths()[0]).read_bytes()
    Storage(servers.settings).put(KEY, picture, RESULT.content_type)
    batch_id = post_batch(servers.url, lines(jobs))
    connection = connect(servers.settings.redis_url)
    store = JobStore(connection)
    result = RESULT.model_copy(update={"key": KEY, "bytes": len(picture), "width": 640, "height": 480})
    left = jobs - waiting
    while left:
        claims = store.take(Lane.BULK, "call", LEASE_SECONDS, most=min(AT_ONCE, left))
        store.finish([Ending(claim, result) for claim in claims])
        left -= len(claims)
    connection.close()
    return batch_id
