"""What the models of a stack are to commands that look at them, and the time in which they do."""

from pathlib import Path

from deploy.local.stack import DEFINITION, Definition, Stack
from services.chassis.config import load
from tests.fakes.echo_manifest import SignedCatalog

ONE, TWO = "craton.one-v1", "craton.two-v1"
"""The models that `with_models` serves."""


def with_models(home: Path) -> Stack:
    """A stack whose catalogue has two models that it serves, and two that it does not."""
    one = Stack(load(DEFINITION, Definition), home, home, "127.0.0.1", separate_uids=False)
    signed = SignedCatalog(one.catalog)
    for name in ("one-v1", "two-v1"):
        signed.publish(name)
    signed.publish("elsewhere-v1", regions=["eu-west-1"])
    SignedCatalog(one.catalog, "stranger").publish("no-pool-v1")
    return one


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
