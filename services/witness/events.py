"""How the methods of a witness appear in the audit log."""

from collections.abc import Mapping

from services.chassis.audit.ports import AuditedMethod, Recording

EVENTS: Mapping[str, AuditedMethod] = {
    f"/craton.audit.v1.WitnessService/{name}": AuditedMethod("witness.craton", name, Recording.SUMMARY)
    for name in ("AddCheckpoint", "GetSeenCheckpoint", "GetWitnessKey")
}
