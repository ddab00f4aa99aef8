"""Set-up of the service's bucket: create it and set its lifecycle rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

from botocore.exceptions import ClientError

from shared.settings import Settings
from shared.storage.bucket_rights import named_step
from shared.storage.client import NOT_FOUND, error_code, s3_client, translated_errors

RULE = "stylequeue-"  # the ids of this service's rules begin so; other rules are kept
MULTIPART_DAYS = 2
SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR


def result_days(retention_seconds: float) -> int:
    """Return the days after which the bucket itself removes results.

    The pictures of a batch are kept until `retention_seconds` after its last job ended, so the first ones
    grow older than that. Doubling the retention and adding a week leaves room for the time that a batch runs.
    """
    return 2 * ceil(retention_seconds / timedelta(days=1).total_seconds()) + 7


class BucketSetup:
    """Steps that return sentences for the operator. Repeating a step changes nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = settings.s3_bucket
        self._client = s3_client(settings, settings.s3_endpoint_url)

    def create(self) -> str:
        """
        Raises:
            StorageForbidden: the credentials do not allow it.
            StorageUnavailable: the endpoint does not respond.
        """
        with named_step("create or see the bucket"), translated_errors(self._bucket, ""):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if error_code(error) not in NOT_FOUND:
                    raise
                self._client.create_bucket(Bucket=self._bucket, **self._location())
                return f"bucket {self._bucket}: created"
        return f"bucket {self._bucket}: is there"

    def set_lifecycle(self) -> Iterator[str]:
        """Set this service's rules and keep all others. Say which of them the server does not support."""
        wanted = self._rules()
        refusal = self._try_rules(wanted)
        rules = wanted if refusal is None else [rule for rule in wanted if "Expiration" in rule]
        if refusal is None or (rules and self._try_rules(rules) is None):
            yield from (f"lifecycle rule {rule['ID']}: {_meaning(rule)}" for rule in rules)
            missing = [rule["ID"] for rule in wanted if rule not in rules]
            yield from (f"lifecycle rule {name}: this server does not support it" for name in missing)
            return
        yield (
            f"lifecycle rules: this server does not support them ({refusal}); "
            "only the workers remove old objects"
        )

    def _location(self) -> dict[str, Any]:
        """Return the region's parameter. S3 refuses us-east-1 here, where a bucket without it lies anyway."""
        region = self._settings.s3_region
        return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}

    def _rules(self) -> list[dict[str, Any]]:
        """Return the rules. Uploads have none: the bucket does not know which jobs still name them."""
        parts = {
            "ID": f"{RULE}multipart",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": MULTIPART_DAYS},
        }
        if not self._settings.retention_seconds:
            return [parts]
        results = {
            "ID": f"{RULE}results",
            "Status": "Enabled",
            "Filter": {"Prefix": "results/"},
            "Expiration": {"Days": result_days(self._settings.retention_seconds)},
        }
        return [results, parts]

    def _try_rules(self, rules: list[dict[str, Any]]) -> str | None:
        """Set the rules. Return the reason if the server does not take them, else None."""
        with named_step("read or set lifecycle rules"), translated_errors(self._bucket, ""):
            try:
                others = [rule for rule in self._rules_there() if not rule.get("ID", "").startswith(RULE)]
                if others or rules:
                    self._client.put_bucket_lifecycle_configuration(
                        Bucket=self._bucket, LifecycleConfiguration={"Rules": others + rules}
                    )
                there = {rule.get("ID") for rule in self._rules_there()}
            except ClientError as error:
                if _is_trouble(error):
                    raise
                return error_code(error)
        return None if {rule["ID"] for rule in rules} <= there else "it takes them and forgets them"

    def _rules_there(self) -> list[dict[str, Any]]:
        try:
            answer = self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
        except ClientError as error:
            if error_code(error) == "NoSuchLifecycleConfiguration":
                return []
            raise
        return list(answer.get("Rules", []))


def _is_trouble(error: ClientError) -> bool:
    """Return whether the error concerns credentials or is transient; else the server lacks the feature."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    unknown = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED)
    return status not in unknown and (status == HTTPStatus.FORBIDDEN or status >= SERVER_ERROR)


def _meaning(rule: dict[str, Any]) -> str:
    if "Expiration" in rule:
        return f"objects under {rule['Filter']['Prefix']} are removed after {rule['Expiration']['Days']} days"
    days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
    return f"parts of incomplete uploads are removed after {days} days"
