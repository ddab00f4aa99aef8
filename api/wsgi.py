"""The application that Gunicorn serves: `gunicorn api.wsgi:app`."""

from __future__ import annotations

import os

from api.app import create_app
from api.server.server_log import SERVICE
from shared.broker.queue import Dispatcher, create_celery
from shared.settings import settings_or_exit
from shared.storage.objects import Storage
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.telemetry.logs import configure_logs
from shared.telemetry.tracing import start_tracing

ANSWER_SECONDS = 2  # for a response of Redis; a request may need several, and its client waits

settings = settings_or_exit()
configure_logs(settings, SERVICE)
start_tracing(SERVICE, os.environ)
connection = connect(settings.redis_url, ANSWER_SECONDS)
dispatcher = Dispatcher(Lanes(connection), create_celery(settings), settings.dispatch_window)
app = create_app(connection, dispatcher, Storage(settings), settings)
