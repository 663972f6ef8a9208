"""How the audit log is, by what the services publish of it for Prometheus."""

import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from deploy.local.drift import METRICS_OFFSET
from deploy.local.stack import Stack

_TIMEOUT_S = 1.0


def audit_health(stack: Stack) -> dict[str, Any]:
    """Return what an operator should know of the log; `known` is false when audit does not answer."""
    ports = {name: port + METRICS_OFFSET for _, name, port in stack.grpc_targets()}
    ports["edge"] = stack.definition.edge.metrics_port
    with ThreadPoolExecutor(len(ports)) as executor:
        asked = {name: executor.submit(_gauges, stack.address, port) for name, port in ports.items()}
    read = {name: each.result() for name, each in asked.items()}
    log = read["audit"]
    return {
        "known": "craton_audit_log_entries" in log,
        "entries": int(log.get("craton_audit_log_entries", 0)),
        "differences": int(log.get("craton_audit_log_damage", 0)),
        "stopped": bool(log.get("craton_audit_log_stopped", 0)),
        "waits": bool(log.get("craton_audit_log_waits", 0)),
        "shipping_delayed": [name for name in read if read[name].get("craton_audit_shipping_delayed")],
    }


def lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what `craton status` prints, with styles."""
    if not found["known"]:
        return [("audit log: not known, audit does not answer", "yellow")]
    told = [(f"audit log: {found['entries']:,} entries", "")]
    if found["differences"]:
        told.append(
            (f"  {found['differences']:,} differences were found in it: run `craton audit fsck`", "red")
        )
    if found["stopped"]:
        told.append(("  it does not grow: look for log_damaged in the service's log", "red"))
    if found["waits"]:
        told.append(("  it waits, for kms or the place of its files; events are taken in", "yellow"))
    if found["shipping_delayed"]:
        names = ", ".join(found["shipping_delayed"])
        told.append((f"  events are not taken in at present from: {names}; they wait in spools", "yellow"))
    return told


def _gauges(address: str, port: int) -> dict[str, float]:
    connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return {}
        families = list(text_string_to_metric_families(answer.read().decode()))
    except (OSError, http.client.HTTPException, ValueError):
        # Nobody is there, or somebody else.
        return {}
    finally:
        connection.close()
    return {each.name: each.samples[0].value for each in families if each.type == "gauge" and each.samples}
