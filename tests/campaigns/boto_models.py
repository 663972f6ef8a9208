"""botocore's own reading of its service models."""

import gzip
import json
from pathlib import Path

import botocore
from botocore.model import ServiceModel


def boto_model(service: str, version: str) -> ServiceModel:
    """Return a service model as botocore reads it."""
    path = Path(botocore.__file__).parent / "data" / service / version / "service-2.json.gz"
    return ServiceModel(json.loads(gzip.decompress(path.read_bytes())), service)
