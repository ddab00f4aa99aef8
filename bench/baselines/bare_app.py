"""A Flask application with one route that returns a constant: the upper bound for any API on Flask."""

from __future__ import annotations

from flask import Flask

APP = "bench.baselines.bare_app:app"
PATH = "/constant"

app = Flask(__name__)


@app.get(PATH)
def constant() -> dict[str, str]:
    return {"status": "queued"}
