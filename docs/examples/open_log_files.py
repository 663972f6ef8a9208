"""Open log files that a trail has sealed: the AWS Encryption SDK, unmodified, and your own kms:Decrypt.

python open_log_files.py TRAIL_ARN KEY_ARN FILE...    prints a record a line
"""

import gzip
import json
import sys
from pathlib import Path

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput

trail_arn, key_arn, *files = sys.argv[1:]
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
keyring = providers.create_aws_kms_keyring(
    CreateAwsKmsKeyringInput(kms_key_id=key_arn, kms_client=boto3.client("kms"))
)
client = aws_encryption_sdk.EncryptionSDKClient()

for file in map(Path, files):
    content = gzip.decompress(file.read_bytes())
    if not content.startswith(b"{"):  # a file from before the trail had a key is plain
        context = {"aws:cloudtrail:arn": trail_arn}
        body, header = client.decrypt(source=content, keyring=keyring, encryption_context=context)
        # Sealed for this name, and no other: nobody without the key has exchanged files.
        if not header.encryption_context["aws:s3:arn"].endswith(f"/{file.name}"):
            sys.exit(f"{file} was delivered as {header.encryption_context['aws:s3:arn']}")
        content = gzip.decompress(body)
    for record in json.loads(content)["Records"]:
        print(json.dumps(record))
