"""A real S3 server where the stack's trails deliver, and its customer's bucket."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.trails.buckets import BUCKET, Buckets
from tests.fakes import s3_gateway, s3_server


@pytest.fixture(scope="package")
def buckets(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    with s3_server.running(tmp_path_factory.mktemp("s3"), stack.buckets_port) as server:
        server.write_key(stack.home / "buckets")
        client = server.client()
        client.create_bucket(Bucket=BUCKET)
        with s3_gateway.running(server) as gateway:
            yield Buckets(client, gateway)


@pytest.fixture(scope="package")
def cloudtrail(stack: Any) -> Any:
    """The administrator's client of CloudTrail."""
    return stack.client("cloudtrail")
