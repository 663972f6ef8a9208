"""The services that speak AWS JSON 1.1, with what each calls its errors."""

from collections.abc import Mapping

from services.edge.domain.json_faults import JsonFaults
from services.edge.domain.kms_faults import KMS_FAULTS
from services.edge.domain.trail_faults import TRAIL_FAULTS

JSON_FAULTS: Mapping[str, JsonFaults] = {"cloudtrail": TRAIL_FAULTS, "kms": KMS_FAULTS}
"""By service model. A test compares their names with those that are served."""
