"""A first call with the generated gRPC stubs: a SigV4 signature buys a token, the token invokes a model."""

import services  # noqa: I001 - before gRPC, whose TLS versions it sets

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import boto3
import grpc
from craton.auth.v1 import resources_pb2, token_service_pb2, token_service_pb2_grpc
from craton.runtime.v1 import inference_service_pb2, inference_service_pb2_grpc

from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request

home = Path(os.environ.get("CRATON_HOME") or Path(services.__path__[0]).with_name("var"))
address = os.environ.get("CRATON_ADDRESS", "localhost") + ":9443"
keys = boto3.Session().get_credentials().get_frozen_credentials()
credentials = SigningCredentials(keys.access_key, SecretBytes(keys.secret_key.encode()), "us-east-1")

channel = grpc.secure_channel(address, grpc.ssl_channel_credentials((home / "pki/ca.pem").read_bytes()))

signed = sign_token_request(credentials, address, "runtime", datetime.now(UTC))
scope = signed.credential
request = token_service_pb2.GetTokenRequest(
    signed_request=resources_pb2.SignedRequest(
        access_key_id=scope.access_key_id,
        scope=resources_pb2.CredentialScope(date=scope.date, region=scope.region, service=scope.service),
        string_to_sign=signed.string_to_sign.decode(),
        signature=signed.signature,
    ),
    audience="runtime",
)
token = token_service_pb2_grpc.TokenServiceStub(channel).GetToken(request, timeout=10).token

stub = inference_service_pb2_grpc.InferenceServiceStub(channel)
body = json.dumps({"inputText": "Once upon a time"}).encode()
answer = stub.InvokeModel(
    inference_service_pb2.InvokeModelRequest(model_id="craton.tiny-text-v1", body=body),
    metadata=[("authorization", f"Bearer {token}")],
    timeout=30,
)
print(json.loads(answer.body)["results"][0]["outputText"])
