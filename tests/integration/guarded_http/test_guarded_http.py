"""The guarded fetcher against real servers on the loopback interface, friendly and hostile ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import SourceForbidden, SourceUnavailable
from tests.integration.guarded_http.servers import PICTURE, PUBLIC, Network, Server, body
from worker.sources.guarded_http import GuardedHttp


def test_a_file_of_an_allowed_host_arrives_whole(server: Server, http: GuardedHttp) -> None:
    assert http.get(server.url()) == PICTURE


def test_a_file_of_a_public_host_arrives_over_checked_tls(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    assert public_http.get("https://photos.example.org/cat.jpg") == PICTURE
    assert public_server.requests[0][1]["Host"] == "photos.example.org"
    assert network.destinations == [(PUBLIC, 443)]


def test_a_certificate_of_another_name_is_not_accepted(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    network.names["other.example.org"] = [[PUBLIC]]
    with pytest.raises(SourceUnavailable, match="certificate"):
        public_http.get("https://other.example.org/cat.jpg")
    assert public_server.requests == []


def test_connections_are_kept_for_the_next_fetch(server: Server, http: GuardedHttp) -> None:
    for _ in range(3):
        http.get(server.url())
    assert len(server.connections) == 1


def test_many_threads_may_fetch_at_once(server: Server, http: GuardedHttp) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(http.get, [server.url()] * 64)) == {PICTURE}


def test_the_request_says_nothing_about_who_asks(server: Server, http: GuardedHttp) -> None:
    server.answers["/cat.jpg"] = body(PICTURE, Set_Cookie="id=1; Path=/")
    http.get(server.url())
    http.get(server.url())
    _, headers = server.requests[1]
    assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert headers["Accept-Encoding"] == "identity"


def test_proxies_of_the_environment_are_ignored(
    server: Server, http: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert http.get(server.url()) == PICTURE


# --- addresses ------------------------------------------------------------------------------------


def test_loopback_is_refused_unless_it_is_allowed(
    server: Server, make_http: Callable[..., GuardedHttp]
) -> None:
    for url in (server.url(), f"https://{server.host}/cat.jpg", "https://localhost/cat.jpg"):
        with pytest.raises(SourceForbidden):
            make_http().get(url)
    with pytest.raises(SourceForbidden):
        make_http("127.0.0.1:1").get(server.url())
    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "100.64.0.1", "192.0.0.8", "224.0.0.1",
        "240.0.0.1",
        "::1", "::", "fe80::1", "fec0::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2001::1", "2001:db8::1", "5f00::1",
    ],
)  # fmt: skip
def test_a_public_name_that_leads_to_a_private_address_is_refused_without_connecting(
    address: str, public_http: GuardedHttp, network: Network
) -> None:
    network.names["trap.example.org"] = [[address]]
    with pytest.raises(SourceForbidden, match=r"^trap\.example\.org leads to an address that is not public$"):
        public_http.get("https://trap.example.org/cat.jpg")
    assert network.destinations == []


@pytest.mark.parametrize(
    "answers", [[[PUBLIC], ["127.0.0.1"]], [[PUBLIC, "127.0.0.1"]], [["::ffff:" + PUBLIC], ["::1"]]]
)
def test_a_name_server_that_changes_its_answer_gains_nothing(
    answers: list[list[str]], public_http: GuardedHttp, network: Network
) -> None:
    network.names["rebind.example.org"] = answers
    with pytest.raises(SourceUnavailable):
        public_http.get("https://rebind.example.org/cat.jpg")
    assert network.destinations == [(PUBLIC, 443)]


def test_a_name_that_turns_private_between_two_fetches_is_refused(
    public_server: Server, public_http: GuardedHttp, network: Network
) -> None:
    network.names["photos.example.org"] = [[PUBLIC], ["127.0.0.1"]]
    public_http.get("https://photos.example.org/cat.jpg")
    with pytest.raises(SourceForbidden):
        public_http.get("https://photos.example.org/cat.jpg")


def test_a_name_that_nobody_knows_is_a_passing_trouble(public_http: GuardedHttp, network: Network) -> None:
    with pytest.raises(SourceUnavailable, match=r"nobody\.example\.org cannot be reached"):
        public_http.get("https://nobody.example.org/cat.jpg")
