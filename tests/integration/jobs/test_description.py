from __future__ import annotations

import gzip

from flask.testing import FlaskClient

PATH = "/openapi.json"
LEAST_TIMES_SMALLER = 5


def test_the_description_is_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    plain = client.get(PATH, headers={"Accept-Encoding": "identity"})
    packed = client.get(PATH, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * LEAST_TIMES_SMALLER < len(plain.data)


def test_the_description_is_sent_once(client: FlaskClient) -> None:
    first = client.get(PATH)
    again = client.get(PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
