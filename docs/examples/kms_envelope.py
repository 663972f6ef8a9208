"""Envelope encryption with a key of KMS: boto3, unmodified, and AES-GCM of `cryptography`."""

import os

import boto3
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

kms = boto3.client("kms")
key = kms.create_key(Description="for documents")["KeyMetadata"]
context = {"document": "42"}

# A data key for one document: encrypt with the plaintext, keep the ciphertext beside the document.
made = kms.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256", EncryptionContext=context)
nonce = os.urandom(12)
document = nonce + AESGCM(made["Plaintext"]).encrypt(nonce, b"Nobody else reads this.", None)
stored = (made["CiphertextBlob"], document)

# Later: the ciphertext names its key, and opens under the same encryption context alone.
blob, document = stored
opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
print(AESGCM(opened["Plaintext"]).decrypt(document[:12], document[12:], None).decode())
try:
    kms.decrypt(CiphertextBlob=blob, EncryptionContext={"document": "43"})
except ClientError as refused:
    print(refused.response["Error"]["Code"])

kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
