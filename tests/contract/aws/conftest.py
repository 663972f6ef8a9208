"""Clients of the whole stack."""

from typing import Any

import pytest


@pytest.fixture
def iam(stack: Any) -> Any:
    """The administrator's client of IAM."""
    return stack.client("iam")
