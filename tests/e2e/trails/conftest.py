"""A real S3 server where the stack's trails deliver, and its customer's bucket."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.e2e.trails.buckets import BUCKET, REGION, Buckets
from tests.fakes import s3_gateway, s3_server


@pytest.fixture(scope="package")
def buckets(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    with s3_server.running(tmp_path_factory.mktemp("s3"), stack.buckets_port) as server:
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
        text = "[default]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items())
        (stack.home / "buckets").write_text(text)
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
            **keys,
        )
        client.create_bucket(Bucket=BUCKET)
        with s3_gateway.running(server) as gateway:
            yield Buckets(client, gateway)


@pytest.fixture(scope="package")
def cloudtrail(stack: Any) -> Any:
    """The administrator's client of CloudTrail."""
    return stack.client("cloudtrail")
