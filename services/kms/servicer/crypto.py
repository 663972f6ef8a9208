"""CryptoService: customer keys in use, by the principal's token or a grant."""

from typing import Any

from craton.kms.v1 import crypto_service_pb2 as pb
from craton.kms.v1 import crypto_service_pb2_grpc

from services.chassis.context import CallContext, current_call
from services.chassis.secret import SecretBytes
from services.kms.operations.encryption import Asked, Encryption
from services.kms.operations.signing import AskedOf, Signing
from services.kms.servicer.messages import key_message, origin_number, spec_of


def _asked(request: Any) -> Asked:
    return Asked(
        request.key_name,
        dict(request.encryption_context),
        grant_tokens=tuple(request.grant_tokens),
        dry_run=request.dry_run,
    )


def _asked_algorithm(request: Any) -> Asked:
    return Asked(
        request.key_name,
        dict(request.encryption_context),
        request.encryption_algorithm,
        tuple(request.grant_tokens),
        request.dry_run,
    )


class CryptoServicer(crypto_service_pb2_grpc.CryptoServiceServicer):
    """See the contract."""

    def __init__(self, encryption: Encryption, signing: Signing) -> None:
        """Serve both."""
        self._encryption = encryption
        self._signing = signing

    async def Encrypt(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        plaintext = SecretBytes(request.plaintext)
        ciphertext, used = await self._encryption.encrypt(call, _asked_algorithm(request), plaintext)
        await _released(call)
        return pb.EncryptResponse(
            ciphertext=ciphertext,
            key_name=str(used.key.name),
            encryption_algorithm=used.algorithm,
            material_id=used.material_id,
        )

    async def Decrypt(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        plaintext, used = await self._encryption.decrypt(call, request.ciphertext, _asked_algorithm(request))
        await _released(call)
        return pb.DecryptResponse(
            plaintext=plaintext.reveal(),
            key_name=str(used.key.name),
            encryption_algorithm=used.algorithm,
            material_id=used.material_id,
        )

    async def ReEncrypt(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        tokens = tuple(request.grant_tokens)
        source = Asked(
            request.source_key_name,
            dict(request.source_encryption_context),
            request.source_encryption_algorithm,
            tokens,
        )
        destination = Asked(
            request.destination_key_name,
            dict(request.destination_encryption_context),
            request.destination_encryption_algorithm,
            tokens,
            request.dry_run,
        )
        ciphertext, before, after = await self._encryption.re_encrypt(
            call, request.ciphertext, source, destination
        )
        await _released(call)
        return pb.ReEncryptResponse(
            ciphertext=ciphertext,
            source_key_name=str(before.key.name),
            destination_key_name=str(after.key.name),
            source_encryption_algorithm=before.algorithm,
            destination_encryption_algorithm=after.algorithm,
            source_material_id=before.material_id,
            destination_material_id=after.material_id,
        )

    async def GenerateDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        made = await self._encryption.generate_data_key(call, _asked(request), request.number_of_bytes)
        await _released(call)
        return pb.GenerateDataKeyResponse(
            plaintext=made.plaintext.reveal(),
            ciphertext=made.ciphertext,
            key_name=str(made.used.key.name),
            material_id=made.used.material_id,
        )

    async def GenerateDataKeyWithoutPlaintext(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        made = await self._encryption.generate_data_key(
            call, _asked(request), request.number_of_bytes, with_plaintext=False
        )
        await _released(call)
        return pb.GenerateDataKeyWithoutPlaintextResponse(
            ciphertext=made.ciphertext,
            key_name=str(made.used.key.name),
            material_id=made.used.material_id,
        )

    async def GenerateDataKeyPair(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        made = await self._encryption.generate_data_key_pair(
            call, _asked(request), spec_of(request.pair_spec)
        )
        await _released(call)
        return pb.GenerateDataKeyPairResponse(
            private_key_plaintext=made.private_key.reveal(),
            private_key_ciphertext=made.ciphertext,
            public_key=made.public_key,
            key_name=str(made.used.key.name),
            material_id=made.used.material_id,
        )

    async def GenerateDataKeyPairWithoutPlaintext(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        made = await self._encryption.generate_data_key_pair(
            call, _asked(request), spec_of(request.pair_spec), with_plaintext=False
        )
        await _released(call)
        return pb.GenerateDataKeyPairWithoutPlaintextResponse(
            private_key_ciphertext=made.ciphertext,
            public_key=made.public_key,
            key_name=str(made.used.key.name),
            material_id=made.used.material_id,
        )

    async def GenerateRandom(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        made = await self._encryption.random(call, request.number_of_bytes)
        await _released(call)
        return pb.GenerateRandomResponse(plaintext=made.reveal())

    async def Sign(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        asked = _signed(request)
        signature, key = await self._signing.sign(call, asked, request.message)
        await _released(call)
        return pb.SignResponse(signature=signature, key_name=str(key.name), signing_algorithm=asked.algorithm)

    async def Verify(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        asked = _signed(request)
        key = await self._signing.verify(call, asked, request.message, request.signature)
        await _released(call)
        return pb.VerifyResponse(key_name=str(key.name), signing_algorithm=asked.algorithm)

    async def GenerateMac(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        asked = _coded(request)
        mac, key = await self._signing.generate_mac(call, asked, request.message)
        await _released(call)
        return pb.GenerateMacResponse(mac=mac, key_name=str(key.name), mac_algorithm=asked.algorithm)

    async def VerifyMac(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        asked = _coded(request)
        key = await self._signing.verify_mac(call, asked, request.message, request.mac)
        await _released(call)
        return pb.VerifyMacResponse(key_name=str(key.name), mac_algorithm=asked.algorithm)

    async def GetPublicKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        public_key, key = await self._signing.public_key(
            current_call(), request.key_name, tuple(request.grant_tokens)
        )
        return pb.GetPublicKeyResponse(public_key=public_key, key=key_message(key))

    async def DeriveSharedSecret(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        asked = AskedOf(
            request.key_name,
            request.key_agreement_algorithm,
            grant_tokens=tuple(request.grant_tokens),
            dry_run=request.dry_run,
        )
        secret, key = await self._signing.derive_shared_secret(call, asked, request.public_key)
        await _released(call)
        return pb.DeriveSharedSecretResponse(
            shared_secret=secret.reveal(), key_name=str(key.name), origin=origin_number(key.origin)
        )


async def _released(call: CallContext) -> None:
    """Let an answer leave, which is the effect of its call, once the intent is durable."""
    await call.intended()
    call.conclude()


def _signed(request: Any) -> AskedOf:
    return AskedOf(
        request.key_name,
        request.signing_algorithm,
        request.message_type,
        tuple(request.grant_tokens),
        request.dry_run,
    )


def _coded(request: Any) -> AskedOf:
    return AskedOf(
        request.key_name,
        request.mac_algorithm,
        grant_tokens=tuple(request.grant_tokens),
        dry_run=request.dry_run,
    )
