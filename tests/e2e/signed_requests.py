"""Requests as botocore signs them, whose bytes a test may keep and send again."""

import datetime
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import urllib3

_NOW = datetime.timedelta(0)


def signed_listing(stack: Any, shift: datetime.timedelta = _NOW) -> botocore.awsrequest.AWSPreparedRequest:
    """Sign ListFoundationModels at a time of the caller's choice."""
    keys = stack.credentials()
    credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    request = botocore.awsrequest.AWSRequest("GET", f"{stack.endpoint}/foundation-models")
    moment = datetime.datetime.now(datetime.UTC) + shift
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1")
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)
    return request.prepare()


def transmit(stack: Any, request: botocore.awsrequest.AWSPreparedRequest) -> tuple[int, str]:
    """Send exactly these headers on a connection of its own; return status and error code.

    Raises urllib3.exceptions.HTTPError when there is nobody to send to.
    """
    headers = {key: text(value) for key, value in request.headers.items()}
    with urllib3.PoolManager(ca_certs=str(stack.home / "pki/ca.pem")) as pool:
        answer = pool.request(request.method, request.url, headers=headers, retries=False)
    return answer.status, answer.headers.get("x-amzn-errortype", "").partition(":")[0]


def text(value: str | bytes) -> str:
    """Return a header's value as text: botocore has both."""
    return value.decode() if isinstance(value, bytes) else value
