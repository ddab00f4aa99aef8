"""The Celery app for tools that only look: `celery -A shared.celery_app flower`, `... inspect`.

With the service's own settings: a tool with others would shorten the time after which messages come back.
"""

from __future__ import annotations

from shared.queue import create_celery
from shared.settings import settings_or_exit

app = create_celery(settings_or_exit())
