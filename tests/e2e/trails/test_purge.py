"""Trails of an account that is purged: what was delivered is the customer's, and nothing more comes."""

import time
import uuid
from pathlib import Path
from typing import Any

from tests.contract.aws.answers import ACCOUNT
from tests.e2e.trails.buckets import BUCKET, Buckets, policy
from tests.eventually import eventually


def test_a_purged_account_delivers_nothing_more(stack: Any, buckets: Buckets, tmp_path: Path) -> None:
    account = f"7{uuid.uuid4().int % 10**11:011d}"
    made = stack.craton_json("accounts", "create", "t", "--account-id", account, "--administrator", "boss")
    boss = {name: made[name.removeprefix("aws_")] for name in ("aws_access_key_id", "aws_secret_access_key")}
    cloudtrail = stack.client("cloudtrail", **boss)
    buckets.policy(
        BUCKET, policy("mine").replace(ACCOUNT, account).replace(BUCKET.replace(ACCOUNT, account), BUCKET)
    )
    cloudtrail.create_trail(Name="mine", S3BucketName=BUCKET, EnableLogFileValidation=True)
    cloudtrail.start_logging(Name="mine")
    folder = f"AWSLogs/{account}/"
    eventually(lambda: buckets.keys(folder), "nothing was delivered")
    stack.client("kms", **boss).list_keys()

    file = str(tmp_path / "certificate")
    shown = stack.craton_json("accounts", "purge", account, "--yes", "--certificate", file)

    assert shown["removed"]["audit"]["trails"] == 1
    kept = buckets.keys(folder)
    root = {"aws_access_key_id": shown["access_key_id"], "aws_secret_access_key": shown["secret_access_key"]}
    assert stack.client("cloudtrail", **root).list_trails()["Trails"] == []
    stack.client("kms", **root).list_keys()
    # Digests would come every three seconds, files every half.
    time.sleep(4)
    assert buckets.keys(folder) == kept
