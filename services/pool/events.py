"""How the pool's methods appear in the audit log."""

from services.chassis.audit.ports import AuditedMethod, Recording

EVENTS = {
    "/craton.pool.v1.PoolService/ListModelInstances": AuditedMethod(
        "pool.craton", "ListModelInstances", Recording.SUMMARY
    ),
}
