"""The checks of every job before it is accepted, alone or as a line of a batch."""

from __future__ import annotations

from api.access.auth import Caller
from api.access.scopes import check_lane
from api.intake.size_rules import check_size
from shared.policy.object_keys import check_output
from shared.policy.source_rules import check_source
from shared.policy.webhook_targets import check_receiver
from shared.settings import Settings
from shared.wire.descriptors import JobRequest


def check_job(job: JobRequest, caller: Caller, settings: Settings) -> None:
    """Check everything that needs no look at the storage.

    Raises:
        RequestError: the job breaks a rule; the error has the member's pointer.
    """
    check_lane(job.lane, caller.lanes)
    for pointer, source in job.sources().items():
        check_source(source, caller.owner, settings, pointer)
    check_size(job.params, settings)
    if job.webhook:
        check_receiver(job.webhook.url, settings, "/webhook/url")
    check_output(job.output, caller.owner, settings)
