"""Keys of logs and witnesses in tests."""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tlog.note import Note, SignatureType, VerifierKey, cosignature, cosigned_message, note_signature


class Signer:
    """A log's or a witness' key, made from its name."""

    def __init__(self, name: str, kind: SignatureType) -> None:
        self.private_key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
        self.key = VerifierKey(name, kind, self.private_key.public_key().public_bytes_raw())

    def sign(self, note: Note, time_s: int = 0) -> Note:
        """Return the note with this key's signature."""
        if self.key.type is SignatureType.NOTE:
            return note.signed(note_signature(self.key, self.private_key.sign(note.text.encode())))
        signature = self.private_key.sign(cosigned_message(note.text, time_s))
        return note.signed(cosignature(self.key, time_s, signature))


LOG = Signer("audit.example/log", SignatureType.NOTE)
WITNESSES = [Signer(f"witness.example/{number}", SignatureType.COSIGNATURE) for number in range(3)]
