"""The reviewed table of callers in the threat model is what the services enforce."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"\| (\w+) \| `([\w./]+)` \| (.+) \|")


def _enforced() -> dict[tuple[str, str], frozenset[str]]:
    table = {}
    for path in ROOT.glob("services/*/callers.toml"):
        for method, callers in tomllib.loads(path.read_text()).items():
            table[path.parent.name, method] = frozenset(callers)
    return table


def _reviewed() -> dict[tuple[str, str], frozenset[str]]:
    text = (ROOT / "docs/THREAT_MODEL.md").read_text()
    return {
        (service, f"/{method}"): frozenset(re.findall(r"`([^`]+)`", callers))
        for service, method, callers in _ROW.findall(text)
    }


def test_the_table_is_what_is_enforced() -> None:
    assert len(_enforced()) > 40
    assert _reviewed() == _enforced()


def test_pools_reach_their_keys_and_ship_events_alone() -> None:
    reached = {
        method for (_, method), callers in _enforced().items() if any(c.startswith("pool/") for c in callers)
    }
    assert reached == {
        "/craton.kms.v1.ModelKeyService/OpenModelDataKey",
        # By a grant of the key's owner, which no pool has unless it was given one.
        "/craton.kms.v1.CryptoService/Decrypt",
        "/craton.kms.v1.KeyLeaseService/CheckKeyUses",
        "/craton.audit.v1.IngestService/AppendEvents",
    }


def test_edge_never_reaches_a_service_key() -> None:
    for (_, method), callers in _enforced().items():
        if "ServiceKeyService" in method or "ModelKeyService" in method:
            assert "service/edge" not in callers


def test_providers_reach_kms_alone() -> None:
    for (service, _), callers in _enforced().items():
        if any(caller.startswith("provider/") for caller in callers):
            assert service == "kms"
