"""Ask for receipts with boto3 alone: of a whole answer in its headers, of a stream afterwards."""

import base64
import json
import os
import secrets
import sys
from hashlib import sha256

import boto3

# One more service model: the operation that AWS does not have. Nothing of boto3 is changed.
os.environ["AWS_DATA_PATH"] = "services/edge/models"
session = boto3.Session()
bedrock, craton = session.client("bedrock-runtime"), session.client("craton-runtime")
model = "craton.tiny-text-v1"
body = json.dumps({"inputText": "Once upon a time", "textGenerationConfig": {"maxTokenCount": 16}}).encode()
salt = secrets.token_bytes(32)  # nobody else keeps it: without it, nobody can open the commitments


def ask(params, **_):
    params["headers"]["X-Craton-Receipt"] = base64.b64encode(salt).decode()


bedrock.meta.events.register("before-call.bedrock-runtime", ask)

answer = bedrock.invoke_model(modelId=model, body=body)
headers, response = answer["ResponseMetadata"]["HTTPHeaders"], answer["body"].read()
receipt, certificate = (
    base64.b64decode(headers[name]).decode() for name in ("x-craton-receipt", "x-craton-receipt-certificate")
)
said = dict(line.split(" ", 1) for line in receipt.partition("\n\n")[0].split("\n"))
commitment = sha256(b"craton receipt response v1\n" + salt + response).digest()
print("of this answer:", base64.b64decode(said["response-commitment"]) == commitment, file=sys.stderr)

stream = bedrock.invoke_model_with_response_stream(modelId=model, body=body)
hashed = sha256(b"craton receipt response stream v1\n" + salt)
for event in stream["body"]:
    chunk = event["chunk"]["bytes"]
    hashed.update(len(chunk).to_bytes(4, "big") + chunk)
found = craton.get_receipt(requestId=stream["ResponseMetadata"]["RequestId"])
said = dict(line.split(" ", 1) for line in found["receipt"].partition("\n\n")[0].split("\n"))
print("of this stream:", base64.b64decode(said["response-commitment"]) == hashed.digest(), file=sys.stderr)

# For `craton receipts complete`: leave out the salt before you show it to others.
members = {"receipt": receipt, "certificate": certificate, "salt": base64.b64encode(salt).decode()}
print(json.dumps(members))
