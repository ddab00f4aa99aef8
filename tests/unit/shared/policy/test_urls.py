"""URLs that the service refuses before it asks the network anything."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import ip_address

import pytest

from shared.policy.urls import Endpoint, UrlRule, check_url, is_public, source_urls, webhook_urls
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings

STRICT = source_urls(Settings())
LENIENT = source_urls(
    Settings(source_allowed_hosts=("127.0.0.1:8080", "images.internal", "[::1]:9000", "Minio"))
)

LOOPBACK = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "017700000001", "0177.0.0.1",
    "0x7f000001", "0x7F.1", "0x7f.0x0.0x0.0x1", "0", "0.0.0.0", "127.255.255.254",
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
]  # fmt: skip
PRIVATE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "2852039166",
    "0xa9fea9fe", "100.64.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[fe80::1]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700::1%25eth0]", "[fc00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[2002:7f00:1::]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b:1::1]", "[5f00::1]", "[3fff::1]", "[100::1]",
    "[::ffff:10.0.0.1]", "[::ffff:0:10.0.0.1]",
]  # fmt: skip
INSIDE = [
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "metadata.google.internal",
    "metadata", "instance-data.ec2.internal", "printer.local", "redis", "router.home.arpa",
    "localhost.localdomain", "\u24dbocalhost",
]  # fmt: skip
MALFORMED = [
    "", ".", "a..b.example", "1.2.3.4.5", "256.256.256.256", "1.2.3.0x1g.0x", "example.123",
    "127%2e0%2e0%2e1", "exa mple.org", "example.org\\.evil.example", "[::1", "[::g]", "example.org:99999",
    "example.org:x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
    "exa\tmple.org", "127.0.0.1\n.example.org", "*.example.org", "a,b.example",
    "[v1.x]", "[v1.example.org]", "[vF.a:b]", "[photos.example.org]", "a[::1]",
    "[2606:4700::1]a", "[8.8.8.8]",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK + PRIVATE + INSIDE + MALFORMED)
def test_a_host_that_is_not_public_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(UrlNotAllowed):
        check_url(f"https://{host}/cat.jpg", STRICT)


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example.org/cat.jpg",
        "file:///etc/passwd",
        "ftp://photos.example.org/cat.jpg",
        "gopher://photos.example.org/",
        "s3://bucket/key",
        "//photos.example.org/cat.jpg",
        "photos.example.org/cat.jpg",
        "https:///cat.jpg",
        "https://user:secret@photos.example.org/cat.jpg",
        "https://@photos.example.org/cat.jpg",
        "https://photos.example.org\\@127.0.0.1/",
        "https://photos.example.org:80/cat.jpg",
        "https://photos.example.org:8443/cat.jpg",
        "https://photos.example.org:0/cat.jpg",
        "http://127.0.0.1:8081/cat.jpg",
        "http://images.internal.example.org/",
    ],
)
@pytest.mark.parametrize("rule", [STRICT, LENIENT], ids=["strict", "lenient"])
def test_other_schemes_ports_and_credentials_are_refused(url: str, rule: UrlRule) -> None:
    with pytest.raises(UrlNotAllowed):
        check_url(url, rule)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://photos.example.org/cat.jpg", "photos.example.org"),
        ("HTTPS://Photos.Example.ORG:443/cat.jpg?size=large&x=@#part", "photos.example.org"),
        ("https://photos.example.org./cat.jpg", "photos.example.org"),
        ("https://my_bucket.s3.amazonaws.com/a%20b.jpg", "my_bucket.s3.amazonaws.com"),
        ("https://bücher.example/cat.jpg", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/cat.jpg", "xn--bcher-kva.example"),
        ("https://localhost.example.org/", "localhost.example.org"),
        ("https://internal.example.org/", "internal.example.org"),
        ("https://8.8.8.8/cat.jpg", "8.8.8.8"),
        ("https://[2606:4700:4700::1111]/cat.jpg", "2606:4700:4700::1111"),
    ],
)
def test_a_public_https_url_passes(url: str, host: str) -> None:
    assert check_url(url, STRICT) == Endpoint("https", host, 443)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:8080/cat.jpg", ("http", "127.0.0.1", 8080)),
        ("http://images.internal/cat.jpg", ("http", "images.internal", 80)),
        ("https://IMAGES.internal.:8443/cat.jpg", ("https", "images.internal", 8443)),
        ("http://[::1]:9000/cat.jpg", ("http", "::1", 9000)),
        ("http://minio:9000/bucket/cat.jpg", ("http", "minio", 9000)),
    ],
)
def test_an_allowed_host_may_be_private_and_plain_http(url: str, endpoint: tuple[str, str, int]) -> None:
    assert check_url(url, LENIENT) == endpoint


def test_an_allowed_host_still_takes_no_credentials_and_no_other_scheme() -> None:
    for url in ("http://user@minio/cat.jpg", "ftp://minio/cat.jpg"):
        with pytest.raises(UrlNotAllowed):
            check_url(url, LENIENT)


def test_the_reason_names_what_is_wrong() -> None:
    with pytest.raises(UrlNotAllowed, match=r"'0x7f\.1' is not a public address"):
        check_url("https://0x7f.1/", STRICT)
    with pytest.raises(UrlNotAllowed, match="port 8443"):
        check_url("https://photos.example.org:8443/", STRICT)
    with pytest.raises(UrlNotAllowed, match="https:// only"):
        check_url("http://photos.example.org/", STRICT)


def test_the_reason_names_the_setting_that_allows_the_host() -> None:
    for url in ("https://127.0.0.1/hook", "https://localhost/hook", "http://10.0.0.7:8000/hook"):
        with pytest.raises(UrlNotAllowed, match=r"can allow the host in STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS$"):
            check_url(url, webhook_urls(Settings()))
        with pytest.raises(UrlNotAllowed, match=r"can allow the host in STYLEQUEUE_SOURCE_ALLOWED_HOSTS$"):
            check_url(url, source_urls(Settings()))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2a00:1450::1"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_the_check_needs_the_standard_library_and_pydantic_only() -> None:
    program = (
        "import sys, shared.policy.urls; print(sorted({'requests', 'worker', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_host_allowed_for_one_use_is_not_allowed_for_another() -> None:
    settings = Settings(source_allowed_hosts=("images.internal",), webhook_allowed_hosts=("127.0.0.1",))
    assert check_url("http://127.0.0.1:81/hook", webhook_urls(settings)) == ("http", "127.0.0.1", 81)
    with pytest.raises(UrlNotAllowed, match="'http:'; webhooks are sent to https:// only"):
        check_url("http://images.internal/hook", webhook_urls(settings))
    with pytest.raises(UrlNotAllowed):
        check_url("http://127.0.0.1:81/cat.jpg", source_urls(settings))
