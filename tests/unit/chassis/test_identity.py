"""SPIFFE ids."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.identity import WorkloadId


def test_round_trip_and_names() -> None:
    pool = WorkloadId.parse("spiffe://craton.local/pool/sbert")
    assert pool == WorkloadId("craton.local", "pool", "sbert")
    assert str(pool) == "spiffe://craton.local/pool/sbert"
    assert pool.path == "pool/sbert"
    assert pool.dns_name == "pool-sbert.craton.internal"
    assert WorkloadId("craton.local", "service", "auth").dns_name == "auth.craton.internal"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://craton.local/service/auth",
        "spiffe://craton.local/service",
        "spiffe://craton.local/service/auth/more",
        "spiffe://craton.local/user/auth",
        "spiffe://craton.local/service/Auth",
        "spiffe://craton.local/service/auth\n",
        "spiffe:///service/auth",
    ],
)
def test_others_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="SPIFFE"):
        WorkloadId.parse(uri)


@given(st.text())
def test_parsing_is_total(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert str(WorkloadId.parse(text)) == text
