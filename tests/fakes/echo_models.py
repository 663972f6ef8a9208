"""Manifests of echo models, which have no weights."""

import hashlib

from services.chassis.manifest import ModelManifest, Offer

EULA = "For tests."


def echo_manifest(name: str, provider: str = "bench") -> ModelManifest:
    """Return the manifest of one echo model."""
    text_hash = hashlib.sha256(EULA.encode()).hexdigest()
    return ModelManifest(
        version=1,
        provider=provider,
        provider_name="Bench",
        model_id=f"{provider}.{name}",
        model_name=name,
        family="titan-text",
        task="echo",
        input_modalities=("TEXT",),
        output_modalities=("TEXT",),
        inference_types=("ON_DEMAND",),
        customizations=(),
        response_streaming=True,
        lifecycle="ACTIVE",
        max_input_tokens=1000,
        regions=("*",),
        license="Apache-2.0",
        offer=Offer("offer-1", "https://example.com/eula", text_hash, EULA),
        max_output_tokens=1000,
        default_output_tokens=10,
    )
