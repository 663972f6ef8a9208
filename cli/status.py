"""`craton status`: what runs, how well, and what this installation does not protect."""

import json
import sys
from typing import Any

import grpc

from cli.audit_health import audit_health, lines
from cli.health import health
from cli.output import Exit, console, emit
from cli.readiness import loaded_models, served_models
from cli.running import stopped
from cli.session import Session
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor

_MIB = 1024 * 1024
_COLUMNS = ("program", "state", "health", "pid", "processes", "memory_mib")


def show(stack: Stack, *, as_json: bool) -> None:
    """Print the status; the process ends with 1 when a program does not serve or a model is not ready.

    Raises CommandError (5, unavailable) when the stack does not run.
    """
    supervisor = Supervisor(stack)
    if error := stopped(stack):
        raise error
    session = Session(stack)
    programs = health(stack, supervisor, session, memory=True)
    rows = [
        {
            "program": each.name,
            "state": each.state,
            "health": each.health,
            "pid": each.pid,
            "processes": each.processes,
            "memory_mib": round(each.memory_bytes / _MIB),
        }
        for each in programs
    ]
    pools = _pools(stack, session)
    total = sum(each.memory_bytes for each in programs)
    report = {
        "healthy": all(each.healthy for each in programs)
        and all(model["ready"] for pool in pools for model in pool["models"]),
        "programs": rows,
        "pools": pools,
        "audit": audit_health(stack),
        "custody": custody(separate_uids=stack.separate_uids),
        "separate_uids": stack.separate_uids,
        "memory_mib": round(total / _MIB),
    }
    if as_json:
        emit(report, as_json=True)
    else:
        _print(report)
    session.close()
    if not report["healthy"]:
        sys.exit(int(Exit.FAILED))


def custody(*, separate_uids: bool) -> str:
    """Say who can read the root key."""
    if separate_uids:
        return "development: the root key is a 0600 file of kms's own uid on this machine"
    return (
        "development: the root key is a 0600 file on this machine, of the one uid that every program has: "
        "each of them could read it"
    )


def _print(report: dict[str, Any]) -> None:
    emit(report["programs"], as_json=False, columns=_COLUMNS)
    console.print(f"{'':<14}memory of all programs: {report['memory_mib']} MiB\n", markup=False)
    for pool in report["pools"]:
        style = "green" if pool["isolation"] == "full" else "red"
        console.print(f"pool {pool['name']}: isolation [{style}]{pool['isolation']}[/{style}]")
        for remark in pool["remarks"]:
            console.print(f"  {remark}", markup=False)
        for model in pool["models"]:
            console.print(
                f"  {model['model_id']}: {'ready' if model['ready'] else 'not ready'}", markup=False
            )
    for line, style in lines(report["audit"]):
        console.print(line, markup=False, style=style)
    console.print(f"root key custody: {report['custody']}", markup=False)
    if not report["separate_uids"]:
        console.print("every program runs under one uid (not started by root)", style="yellow")


def _pools(stack: Stack, session: Session) -> list[dict[str, Any]]:
    served = [(each.provider, each.model_id) for each in served_models(stack)]
    names = [pool.name for pool in stack.definition.pools]
    return [_pool(stack, session, name, [model for pool, model in served if pool == name]) for name in names]


def _pool(stack: Stack, session: Session, name: str, served: list[str]) -> dict[str, Any]:
    """Describe a pool and its models: those that it should serve, loaded or not, and whatever else it has."""
    isolation, remarks = _isolation(stack, name)
    loaded: dict[str, bool] = {}
    try:
        loaded = loaded_models(session, name)
    except grpc.RpcError as error:
        remarks = [*remarks, f"its agent does not answer: {error.code().name}"]
    ready = dict.fromkeys(served, False) | loaded
    models = [{"model_id": model, "ready": ready[model]} for model in sorted(ready)]
    return {"name": name, "isolation": isolation, "remarks": remarks, "models": models}


def _isolation(stack: Stack, name: str) -> tuple[str, list[str]]:
    """Return the launcher's word on the sandbox; "unknown" rather than a guess when there is none."""
    path = stack.home / f"run/pool-{name}/isolation.json"
    try:
        status = json.loads(path.read_text())
    except (OSError, ValueError):
        return "unknown", ["the launcher has not reported yet"]
    remarks = []
    isolation = str(status.get("isolation", "unknown"))
    if isolation == "none":
        remarks.append("this pool runs WITHOUT ISOLATION: model code can reach network and disk")
    if not status.get("separate_users", True):
        remarks.append("agent and sandbox share one uid (not started by root)")
    if not status.get("memory_and_process_caps", True):
        remarks.append("memory and number of processes are not capped (no cgroup could be made)")
    return isolation, remarks
