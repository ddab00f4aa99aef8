"""Batches of contents and styles: matrices, pairs, and prefixes of S3, over HTTP."""

from __future__ import annotations

from itertools import product

import pytest
import redis
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage.objects import Storage
from tests.integration.batches.batch_requests import BATCHES, assert_nothing_left
from tests.stacks.service import NDJSON, OWNER, PAIR, PICTURE, accepted, assert_problem, jobs_of, ndjson

pytestmark = pytest.mark.usefixtures("counters_agree")


def sources(*names: str) -> list[dict[str, str]]:
    return [{"url": f"https://example.org/{name}.jpg"} for name in names]


def test_a_matrix_is_every_content_with_every_style_and_strength(client: FlaskClient) -> None:
    contents, styles, strengths = sources("a", "b"), sources("x", "y", "z"), [0.25, 1]
    matrix = {"contents": contents, "styles": styles, "strengths": strengths}
    batch = accepted(client.post(BATCHES, json={"matrix": matrix, "defaults": {"params": {"max_side": 99}}}))
    found = [
        (job["custom_id"], job["request"]["content"], job["request"]["style"], job["request"]["params"])
        for job in jobs_of(client, batch)
    ]
    expected = [
        (f"{c}-{s}-{p}", contents[c], styles[s], strengths[p])
        for c, s, p in product(range(2), range(3), range(2))
    ]
    assert [(*rest, params["strength"]) for *rest, params in found] == expected
    assert {params["max_side"] for *_, params in found} == {99}


def test_zipped_lists_are_pairs_and_must_have_the_same_length(client: FlaskClient) -> None:
    matrix = {"contents": sources("a", "b"), "styles": sources("x", "y"), "mode": "zip"}
    jobs = jobs_of(client, accepted(client.post(BATCHES, json={"matrix": matrix})))
    assert [(job["custom_id"], job["request"]["style"]) for job in jobs] == [
        ("0-0", matrix["styles"][0]),
        ("1-1", matrix["styles"][1]),
    ]
    response = client.post(BATCHES, json={"matrix": {**matrix, "strengths": [1]}})
    assert "same length" in assert_problem(response, 422, "invalid-parameter", "/matrix/mode")


def test_a_product_over_the_limit_is_refused_with_both_figures(
    client: FlaskClient, connection: redis.Redis
) -> None:
    matrix = {"contents": sources("a") * 300, "styles": sources("x") * 300}
    detail = assert_problem(
        client.post(BATCHES, json={"matrix": matrix}), 422, "invalid-parameter", "/matrix"
    )
    assert "90,000" in detail
    assert "50,000 (max_batch_jobs)" in detail
    assert_nothing_left(client, connection)


def test_the_lines_behind_an_input_url_are_read_from_s3(
    client: FlaskClient, storage: Storage, settings: Settings
) -> None:
    key = f"uploads/{OWNER}/lines.ndjson"
    storage.put(key, b"\xef\xbb\xbf" + ndjson({"content": PAIR["content"]}, b"{", PAIR), NDJSON)
    body = {"input_url": f"s3://{settings.s3_bucket}/{key}", "defaults": {"style": PAIR["style"]}}
    batch = accepted(client.post(BATCHES, json=body))
    assert (batch["total"], batch["rejected_lines"][0]["line"]) == (2, 2)
    assert [int(job["id"][-6:], 16) for job in jobs_of(client, batch)] == [1, 3]


def test_a_prefix_is_a_job_for_every_image_and_style_under_it(
    client: FlaskClient, storage: Storage, settings: Settings
) -> None:
    folder = f"uploads/{OWNER}/folder/"
    for name in ("a.jpg", "notes.txt", "sub/B 1.JPEG", "z.webp", "clip.MP4", "clip2.mp4", "sub/README"):
        storage.put(folder + name, PICTURE, "image/jpeg")
    prefix = f"s3://{settings.s3_bucket}/{folder}"
    body = {"content_prefix": prefix, "styles": sources("x", "y"), "defaults": {"metadata": {"k": "v"}}}
    batch = accepted(client.post(BATCHES, json=body))
    assert {each["kind"]: each["count"] for each in batch["skipped"]} == {
        ".mp4": 2,
        ".txt": 1,
        "no suffix": 1,
    }
    jobs = jobs_of(client, batch)
    assert [job["custom_id"] for job in jobs] == [
        f"{name} @{style}" for name in ("a.jpg", "sub/B 1.JPEG", "z.webp") for style in (1, 2)
    ]
    assert jobs[2]["request"]["content"] == {"url": f"{prefix}sub/B 1.JPEG"}
    assert jobs[2]["metadata"] == {"k": "v", "content_key": "sub/B 1.JPEG", "style_index": "1"}
    (one, *_) = jobs_of(client, accepted(client.post(BATCHES, json={**body, "styles": sources("x")})))
    assert one["custom_id"] == "a.jpg"


@pytest.mark.parametrize("query", [{}, {"atomic": "true"}])
def test_old_and_loud_names_of_pictures_are_taken_and_the_others_counted_once(
    client: FlaskClient, storage: Storage, settings: Settings, query: dict[str, str]
) -> None:
    folder = f"uploads/{OWNER}/names{len(query)}/"
    names = ("a.JPG", "b.jfif", "c.JPE", "d.mpo", "e.Jif", "f.PNG", "g.WebP", "h.HEIC", "i.tif")
    for name in (*names, "x.mp4", "y.nef"):
        storage.put(folder + name, PICTURE, "image/jpeg")
    body = {"content_prefix": f"s3://{settings.s3_bucket}/{folder}", "styles": sources("x")}
    batch = accepted(client.post(BATCHES, json=body, query_string=query))
    assert [job["custom_id"] for job in jobs_of(client, batch)] == sorted(names)
    assert batch["skipped"] == [{"kind": ".mp4", "count": 1}, {"kind": ".nef", "count": 1}]


def test_a_prefix_without_any_picture_says_what_is_there(
    client: FlaskClient, connection: redis.Redis, storage: Storage, settings: Settings
) -> None:
    folder = f"uploads/{OWNER}/clips/"
    for number in range(30):
        storage.put(f"{folder}{number}.k{number:02d}", PICTURE, "video/mp4")
    body = {"content_prefix": f"s3://{settings.s3_bucket}/{folder}", "styles": sources("x")}
    detail = assert_problem(client.post(BATCHES, json=body), 422, "invalid-parameter", "/content_prefix")
    assert detail.startswith("No image was found; 30 files skipped: 1 .k00, 1 .k01,")
    assert detail.endswith("10 other")
    assert_nothing_left(client, connection)
