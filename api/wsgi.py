"""`gunicorn api.wsgi:app`."""

from __future__ import annotations

from api.app import create_app
from shared.job_store import JobStore
from shared.logs import configure_logs
from shared.queue import Dispatcher, create_celery
from shared.redis_client import connect
from shared.settings import settings_or_exit
from shared.storage import Storage
from shared.worker_registry import WorkerRegistry

settings = settings_or_exit()
configure_logs(settings)
connection = connect(settings.redis_url)
store = JobStore(connection)
dispatcher = Dispatcher(store, create_celery(settings), settings.dispatch_window)
app = create_app(store, dispatcher, Storage(settings), WorkerRegistry(connection), settings)
