"""What is signed of digests."""

END = "2015-08-17T15:01:31Z"
KEY = (
    "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/"
    "111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz"
)
PLACE = f"amzn-s3-demo-bucket/{KEY}"
SHA_256 = "0123456789abcdef" * 4
SIGNATURE = "0123456789abcdef" * 32


def digest_text(end: str = END, place: str = PLACE, sha_256: str = SHA_256, previous: str = "null") -> str:
    """The text of a digest, right unless something else is given."""
    return f"{end}\n{place}\n{sha_256}\n{previous}"
