from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.utils import percent_encode

from shared.storage.signing import signed_headers

KEYS = ["results/anna/job_1.jpg", "uploads/anna/a b+c~d%2F(é).jpg", "a//b/../c", "=&?#:@!$'*,;"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("token", [None, "token/of+a==session"])
@pytest.mark.parametrize("host", ["127.0.0.1:9000", "bucket.s3.eu-central-1.amazonaws.com", "[::1]:9000"])
@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("GET", b"", {}),
        ("PUT", b"", {"Content-Type": "image/png"}),
        ("PUT", b"a picture", {"Content-Type": "image/jpeg; q=1", "x-amz-server-side-encryption": "AES256"}),
        ("PUT", b"a picture", {"Content-Type": "  image/jpeg   x ", "X-Amz-Meta-Title": "two  words"}),
    ],
)
def test_the_signature_is_botocores(
    method: str, body: bytes, headers: dict[str, str], host: str, token: str | None, key: str
) -> None:
    keys = ReadOnlyCredentials("AKID", "secret/key+1", token)
    path = "/prefix/" + percent_encode(key, safe="/~")
    request = AWSRequest(method, f"http://{host}{path}", headers, body)
    S3SigV4Auth(keys, "s3", "eu-central-1").add_auth(request)
    moment = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = signed_headers(method, host, path, headers, body, keys, "eu-central-1", moment)
    expected = {**request.headers, "Host": host}
    assert ours == expected
