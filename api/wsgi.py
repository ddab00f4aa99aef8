"""The application that Gunicorn serves: `gunicorn api.wsgi:app`."""

from __future__ import annotations

import os

from api.app import create_app
from api.server.server_log import SERVICE
from api.services import Services
from shared.settings import settings_or_exit
from shared.telemetry.logs import configure_logs
from shared.telemetry.tracing import start_tracing

settings = settings_or_exit()
configure_logs(settings, SERVICE)
start_tracing(SERVICE, os.environ)
app = create_app(Services.connect(settings))
