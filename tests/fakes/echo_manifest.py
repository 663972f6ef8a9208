"""A signed catalogue with one model without weights, for tests that need models but no inference."""

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis import catalog, manifest


class SignedCatalog:
    """A catalogue folder, and the provider who signs in it."""

    def __init__(self, folder: Path, provider: str = "craton") -> None:
        self.folder = folder
        self.provider = provider
        self._key = Ed25519PrivateKey.generate()
        catalog.register_provider(folder, provider, self._key.public_key())

    def publish(self, name: str, eula: str = "Be kind.", **changes: Any) -> manifest.ModelManifest:
        """Sign a manifest and put it into the catalogue."""
        document = {
            "version": 1,
            "provider": self.provider,
            "provider_name": "Craton",
            "model_id": f"{self.provider}.{name}",
            "model_name": name,
            "family": "titan-text",
            "task": "echo",
            "input_modalities": ["TEXT"],
            "output_modalities": ["TEXT"],
            "inference_types": ["ON_DEMAND"],
            "customizations": [],
            "response_streaming": True,
            "lifecycle": "ACTIVE",
            "max_input_tokens": 1024,
            "max_output_tokens": 512,
            "default_output_tokens": 128,
            "regions": ["*"],
            "license": "Apache-2.0",
            "offer": {
                "offer_id": "offer-1",
                "eula_url": "https://example.com/eula",
                "eula_sha256": hashlib.sha256(eula.encode()).hexdigest(),
                "eula_text": eula,
            },
            **changes,
        }
        made = manifest.from_document(document)
        catalog.write_manifest(self.folder, made, manifest.sign(made, self._key))
        return made
