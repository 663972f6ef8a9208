"""A customer's object store, to which trails deliver."""

import gzip
import json
from dataclasses import dataclass
from typing import Any

from tests.contract.aws.answers import ACCOUNT

BUCKET = "audit-of-123456789012"
REGION = "us-east-1"


@dataclass
class Buckets:
    """The customer's object store, as its owner sees it."""

    client: Any
    gateway: str

    def policy(self, bucket: str, text: str) -> None:
        """Set a bucket's policy where this server keeps it."""
        self.client.put_object(Bucket=bucket, Key="craton-bucket-policy.json", Body=text.encode())

    def keys(self, folder: str) -> list[str]:
        """Return the names of objects, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=folder)
        return sorted(each["Key"] for page in pages for each in page.get("Contents", ()))

    def read(self, key: str) -> Any:
        """Return the JSON of a delivered file."""
        return json.loads(gzip.decompress(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()))


def policy(trail: str, bucket: str = BUCKET, prefix: str = "") -> str:
    """The policy that AWS's documentation gives for a trail."""
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail}"
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": arn}
    folder = f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{ACCOUNT}/*"
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AWSCloudTrailAclCheck20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:GetBucketAcl",
                    "Resource": f"arn:aws:s3:::{bucket}",
                    "Condition": {"StringEquals": source},
                },
                {
                    "Sid": "AWSCloudTrailWrite20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:PutObject",
                    "Resource": folder,
                    "Condition": {"StringEquals": {**source, **acl}},
                },
            ],
        }
    )
