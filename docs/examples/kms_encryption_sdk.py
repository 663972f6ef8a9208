"""The AWS Encryption SDK with a key of KMS: a keyring of Amazon's own library, unmodified."""

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput

kms = boto3.client("kms")
key = kms.create_key(Description="for the Encryption SDK")["KeyMetadata"]
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
keyring = providers.create_aws_kms_keyring(
    input=CreateAwsKmsKeyringInput(kms_key_id=key["Arn"], kms_client=kms)
)
client = aws_encryption_sdk.EncryptionSDKClient()
context = {"purpose": "example"}

sealed, _ = client.encrypt(source=b"Nobody else reads this.", keyring=keyring, encryption_context=context)
opened, header = client.decrypt(source=sealed, keyring=keyring, encryption_context=context)
print(f"{len(sealed)} bytes of ciphertext say: {opened.decode()}")

kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
