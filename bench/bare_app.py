"""Flask with one route that answers a constant: what no API on Flask can be faster than."""

from __future__ import annotations

from flask import Flask

APP = "bench.bare_app:app"
PATH = "/constant"

app = Flask(__name__)


@app.get(PATH)
def constant() -> dict[str, str]:
    return {"status": "queued"}
