"""Settings: values that are read or refused at start, and the variable that a refusal names."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.errors import SettingsError
from shared.settings import Settings
from shared.wire.descriptors import FAST_LANES, Lane


def refusal_of(**variables: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({f"STYLEQUEUE_{name}": value for name, value in variables.items()})
    return refusal.value.detail


def test_without_variables_every_setting_has_its_default() -> None:
    assert Settings.from_environment({"PATH": "/bin", "STYLE": "x"}) == Settings()


def test_a_malformed_variable_is_named() -> None:
    assert refusal_of(WORKER_THREADS="many").startswith("STYLEQUEUE_WORKER_THREADS: ")
    assert refusal_of(LOG_FORMAT="xml").startswith("STYLEQUEUE_LOG_FORMAT: ")


def test_a_value_out_of_range_is_named() -> None:
    assert refusal_of(MAX_ATTEMPTS="0").startswith("STYLEQUEUE_MAX_ATTEMPTS: ")


def test_every_bad_variable_is_named_at_once() -> None:
    detail = refusal_of(WORKER_THREADS="many", MAX_PIXELS="-1")
    assert "STYLEQUEUE_WORKER_THREADS: " in detail
    assert "STYLEQUEUE_MAX_PIXELS: " in detail


def test_an_unknown_variable_is_named() -> None:
    assert refusal_of(WORKER_THREDS="4") == "STYLEQUEUE_WORKER_THREDS: no such setting"


def test_the_clients_variable_is_ignored() -> None:
    assert Settings.from_environment({"STYLEQUEUE_API": "http://127.0.0.1:8080"}) == Settings()


def test_an_empty_variable_means_unset() -> None:
    environment = {"STYLEQUEUE_WORKER_THREADS": "", "STYLEQUEUE_S3_ACCESS_KEY": "", "STYLEQUEUE_NO_SUCH": ""}
    assert Settings.from_environment(environment) == Settings()


def test_settings_survive_the_way_to_another_process() -> None:
    settings = Settings(
        s3_endpoint_url="http://127.0.0.1:9000",
        s3_access_key=SecretStr("key"),
        s3_secret_key=SecretStr("secret=,x"),
        s3_source_buckets=("photos", "more.photos"),
        source_allowed_hosts=("minio", "127.0.0.1:8080", "[::1]:9000"),
        worker_lanes=(Lane.NORMAL,),
        cache_dir=Path("/var/cache/a b"),
        source_timeout_seconds=0.5,
        log_format="json",
    )
    for one in (settings, Settings()):
        assert Settings.from_environment(one.to_environment()) == one


def test_a_secret_is_not_shown() -> None:
    assert "hidden" not in repr(Settings(s3_secret_key=SecretStr("hidden")))


def test_lists_are_separated_by_commas() -> None:
    settings = Settings.from_environment(
        {
            "STYLEQUEUE_SOURCE_ALLOWED_HOSTS": " minio , images.internal:8080,",
            "STYLEQUEUE_S3_SOURCE_BUCKETS": "photos, more.photos",
        }
    )
    assert settings.source_allowed_hosts == ("minio", "images.internal:8080")
    assert settings.s3_source_buckets == ("photos", "more.photos")


@pytest.mark.parametrize(
    "entry",
    [
        "minio", "Minio:1", "images.internal:65535", "images.internal.", "my_host-1", "127.0.0.1:8080",
        "[::1]", "[::ffff:127.0.0.1]:9000", "b\u00fccher.example:80",
    ],
)  # fmt: skip
def test_an_allowed_host_is_a_name_or_a_name_and_a_port(entry: str) -> None:
    settings = Settings.from_environment({"STYLEQUEUE_SOURCE_ALLOWED_HOSTS": f"first,{entry}"})
    assert settings.source_allowed_hosts == ("first", entry)


@pytest.mark.parametrize(
    "entry",
    [
        "http://minio", "https://minio:9000/", "//minio", "minio/", "minio/bucket", "minio:", "minio:0",
        "minio:65536", "minio:-1", "minio:http", "minio:8080:1", "minio:\u0661", ":8080", "*.example.org",
        "a..b", "user@minio", "two names", "::1", "[::1", "[::g]", "[::1::2]", "[127.0.0.1]",
        "[fe80::1%eth0]", "minio?", "minio#",
    ],
)  # fmt: skip
def test_a_malformed_allowed_host_is_refused_at_start(entry: str) -> None:
    detail = refusal_of(SOURCE_ALLOWED_HOSTS=f"minio:9000,{entry}")
    assert detail.startswith(f"STYLEQUEUE_SOURCE_ALLOWED_HOSTS: '{entry}' is not a host: name or name:port")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("http://10.0.0.7:8080/paint/", "http://10.0.0.7:8080/paint"),
        ("https://[2001:db8::1]:8443/a/b.c~d_e-f", "https://[2001:db8::1]:8443/a/b.c~d_e-f"),
    ],
)
def test_the_public_url_has_no_slash_at_its_end(url: str, kept: str) -> None:
    assert Settings.from_environment({"STYLEQUEUE_PUBLIC_URL": url}).public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "api.example", "api.example:8080", "//api.example", "ftp://api.example", "https://", "https:///paint",
        "https://user:p4ss@api.example", "https://api.example?a=b", "https://api.example/#a", "https://a b",
        "https://api.example:0", "https://api.example:65536", "https://api.example//paint", "https://a/../b",
        "https://api.example/a%20b", "https://[v1.x]", "HTTPS://api.example\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["PUBLIC_URL", "S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL"])
def test_a_malformed_http_url_is_refused_at_start_and_not_repeated(name: str, url: str) -> None:
    detail = refusal_of(**{name: url})
    assert detail.startswith(f"STYLEQUEUE_{name}: it must be http:// or https://, a host,")
    assert "p4ss" not in detail


@pytest.mark.parametrize("entry", ["s3://photos", "photos/", "photos/cats", "ab", "two names", "photos:1"])
def test_a_malformed_source_bucket_is_refused_at_start(entry: str) -> None:
    detail = refusal_of(S3_SOURCE_BUCKETS=f"photos,{entry}")
    assert detail == f"STYLEQUEUE_S3_SOURCE_BUCKETS: '{entry}' is not a bucket name"


def test_a_bucket_whose_reads_are_paid_for_must_be_a_source_bucket() -> None:
    detail = refusal_of(S3_SOURCE_BUCKETS="photos", S3_REQUESTER_PAYS_BUCKETS="photos,others")
    assert detail == "STYLEQUEUE_S3_REQUESTER_PAYS_BUCKETS: STYLEQUEUE_S3_SOURCE_BUCKETS does not list others"


@pytest.mark.parametrize(
    ("text", "lanes"),
    [
        ("", FAST_LANES),
        ("optimize", (Lane.OPTIMIZE,)),
        ("high,normal", (Lane.HIGH, Lane.NORMAL)),
        (" bulk , high, bulk,", (Lane.HIGH, Lane.BULK)),
    ],
)
def test_a_workers_lanes_are_each_one_once_and_the_highest_first(text: str, lanes: tuple[Lane, ...]) -> None:
    assert Settings.from_environment({"STYLEQUEUE_WORKER_LANES": text}).worker_lanes == lanes


@pytest.mark.parametrize(("lanes", "slots"), [("optimize", 1), ("", 6), ("bulk,optimize", 6), ("high", 6)])
def test_a_worker_that_only_minimizes_holds_one_job(lanes: str, slots: int) -> None:
    given = {"STYLEQUEUE_WORKER_LANES": lanes, "STYLEQUEUE_WORKER_THREADS": "6"}
    assert Settings.from_environment(given).slots == slots


def test_a_worker_without_a_lane_or_with_an_unknown_one_is_refused_at_start() -> None:
    none_named = "no lane is named: high, normal, bulk, optimize"
    assert refusal_of(WORKER_LANES=",") == f"STYLEQUEUE_WORKER_LANES: {none_named}"
    detail = refusal_of(WORKER_LANES="high,low")
    assert detail == "STYLEQUEUE_WORKER_LANES: 'low' is not a lane: high, normal, bulk, optimize"


def test_options_of_other_storage_settings_are_refused_without_them() -> None:
    detail = refusal_of(S3_SESSION_TOKEN="token", S3_ACCESS_KEY="key")
    assert (
        detail == "STYLEQUEUE_S3_SESSION_TOKEN: it belongs to S3_ACCESS_KEY and S3_SECRET_KEY; set all three"
    )
    detail = refusal_of(S3_SSE="AES256", S3_SSE_KMS_KEY_ID="key")
    assert detail == "STYLEQUEUE_S3_SSE_KMS_KEY_ID: it needs STYLEQUEUE_S3_SSE=aws:kms"
