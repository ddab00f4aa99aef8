from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
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


def bodies(client: FlaskClient, path: str) -> dict[str, Any]:
    """Return the bodies of a POST in the description, by media type."""
    page = client.get(PATH).json or {}
    content: dict[str, Any] = page["paths"][path]["post"]["requestBody"]["content"]
    return content


@pytest.mark.parametrize(
    ("path", "media_type", "status"),
    [
        ("/v1/jobs", "application/json", 202),
        ("/v1/batches", "application/json", 202),
        ("/v1/batches", "application/x-ndjson", 202),
        ("/v1/uploads", "application/json", 200),
    ],
)
def test_an_example_is_accepted_as_it_stands(
    client: FlaskClient, path: str, media_type: str, status: int
) -> None:
    example = bodies(client, path)[media_type]["example"]
    data = example if isinstance(example, str) else json.dumps(example)
    response = client.post(path, data=data, content_type=media_type)
    assert response.status_code == status, response.text
    assert not (response.json or {}).get("rejected")


def test_the_headers_of_a_submission_are_declared(client: FlaskClient) -> None:
    paths = (client.get(PATH).json or {})["paths"]
    named = {
        path: {each["name"] for each in paths[path]["post"]["parameters"]}
        for path in paths
        if "post" in paths[path] and path in ("/v1/jobs", "/v1/batches")
    }
    assert named == {"/v1/jobs": {"Idempotency-Key", "Prefer"}, "/v1/batches": {"atomic", "Idempotency-Key"}}


def test_each_operation_has_the_name_of_its_view_for_generated_clients(client: FlaskClient) -> None:
    paths = (client.get(PATH).json or {})["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert {"submit_job", "get_job", "get_result", "announce_upload"} <= set(names)
    assert len(names) == len(set(names))


def test_each_schema_that_is_named_is_there(client: FlaskClient) -> None:
    page = client.get(PATH).text
    schemas = json.loads(page)["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', page)) <= schemas.keys()
