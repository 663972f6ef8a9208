"""Amazon's encryption libraries, unmodified and in an environment of their own, over the whole stack."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import s3_server

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv/clients/bin/python"


def printed(stack: Any, program: str, *words: str) -> Any:
    """Run a customer's program, which sees nothing of the repository, and return what it printed."""
    environment = {name: value for name, value in stack.environment.items() if name.startswith("AWS_")}
    done = subprocess.run(
        [str(PYTHON), "-I", str(ROOT / "tests/e2e/clients" / program), *words],
        cwd=stack.home,
        env={**environment, "PATH": "/usr/bin:/bin", "HOME": str(stack.home), "LANG": "C.UTF-8"},
        text=True,
        capture_output=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def encrypted(stack: Any) -> Any:
    return printed(stack, "encryption_sdk.py")


@pytest.fixture(scope="module")
def objects(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with s3_server.running(tmp_path_factory.mktemp("s3")) as server:
        return printed(stack, "s3_encryption.py", server.endpoint, server.access_key, server.secret_key)


def test_keyrings_of_the_encryption_sdk(encrypted: Any) -> None:
    told = encrypted["symmetric"]
    assert told["round trip"] == told["after a rotation"] == told["enabled again"] == "opened"
    assert "does not match" in told["wrong context"]
    assert "No Encrypted Data Keys found to match" in told["wrong key"]
    assert told["changed"].startswith("InvalidSignature")
    assert "No Configured KMS Key was able to decrypt" in told["disabled"]
    assert "is disabled" in told["encrypting while disabled"]
    refused = ["Decrypt DisabledException", "GenerateDataKey DisabledException"]
    assert told["refusals while disabled"] == refused


def test_data_keys_of_the_encryption_sdk_are_bound_by_kms(encrypted: Any) -> None:
    """Not by the library alone: whoever has a message and goes round the library has no more."""
    told = encrypted["symmetric"]
    assert told["data key, right context"] == "not refused"
    assert told["data key, wrong context"] == "InvalidCiphertextException"
    assert told["data key, wrong key"] == "IncorrectKeyException"


def test_multi_and_discovery_keyrings(encrypted: Any) -> None:
    told = encrypted["many"]
    assert told["by the first"] == told["by the second"] == told["discovered"] == "opened"
    assert "No Encrypted Data Keys found to match" in told["discovered of another account"]


def test_rsa_and_ecdh_keyrings(encrypted: Any) -> None:
    told = encrypted["asymmetric"]
    assert told["rsa"] == told["ecdh, the other side"] == "opened"
    assert told["refusals while pending deletion"] == ["Decrypt KMSInvalidStateException"]
    assert encrypted["calls"]["DeriveSharedSecret"] == 2


def test_caching_asks_once(encrypted: Any) -> None:
    """Five messages of one context and one of another; the five are opened."""
    assert encrypted["caching"] == {
        "opened": True,
        "calls": {"GenerateDataKey": 2, "Decrypt": 1},
        "another context": True,
    }


def test_the_s3_encryption_client(objects: Any) -> None:
    assert objects["round trip"] == objects["in parts"] == "opened"
    assert objects["after a rotation"] == objects["enabled again"] == "opened"
    assert objects["stored in the clear"] is False
    # The wrapped data key and the encryption context lie beside the object.
    assert {"x-amz-3", "x-amz-t"} <= set(objects["metadata"])


def test_what_the_s3_encryption_client_is_refused(objects: Any) -> None:
    assert "does not match" in objects["wrong context"]
    assert objects["stored context changed"].endswith("Decrypt InvalidCiphertextException")
    assert objects["wrong key"].endswith("Decrypt IncorrectKeyException")
    assert "Failed to decrypt" in objects["another object's data key"]
    assert objects["disabled"].endswith("Decrypt DisabledException")
    assert objects["writing while disabled"] == "GenerateDataKey DisabledException"
    assert objects["pending deletion"].endswith("Decrypt KMSInvalidStateException")
