"""Keys of receipts are renewed long before they end, and never used outside their hour."""

import asyncio

import pytest

from services.chassis.errors import DomainError
from services.runtime.domain.generation import LONGEST_CALL_S
from services.runtime.operations.receipt_keys import RENEW_S, ReceiptKeys
from tests.fakes.clock import ManualClock
from tests.fakes.receipts import Certifier
from tlog.errors import TlogError
from tlog.note import Note
from tlog.statement import signed_text

HOUR_S = 3600.0 - 60.0
"""A certificate begins a minute before it is made."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def certifier(clock: ManualClock) -> Certifier:
    return Certifier(clock)


@pytest.fixture
def keys(certifier: Certifier, clock: ManualClock) -> ReceiptKeys:
    return ReceiptKeys(certifier, clock)


def refused(keys: ReceiptKeys) -> bool:
    try:
        keys.current()
    except DomainError as error:
        return error.reason_name == "DEPENDENCY_UNAVAILABLE"
    return False


async def test_a_key_is_certified_once_and_signs(keys: ReceiptKeys, certifier: Certifier) -> None:
    assert refused(keys)
    assert keys.seconds_left == 0
    for _ in range(3):
        await keys.renew_if_due()
    [certificate] = certifier.certified
    found = keys.current()
    assert found.certificate == certificate
    assert keys.seconds_left == HOUR_S
    assert signed_text(Note.parse(found.sign("text\n")), certificate.key, "it") == "text\n"
    assert "private" not in repr(found)


async def test_it_is_renewed_long_before_its_end(
    keys: ReceiptKeys, certifier: Certifier, clock: ManualClock
) -> None:
    await keys.renew_if_due()
    clock.advance(HOUR_S - RENEW_S - 1)
    await keys.renew_if_due()
    assert len(certifier.certified) == 1
    clock.advance(1)
    await keys.renew_if_due()
    assert len({each.key for each in certifier.certified}) == 2
    assert keys.current().certificate == certifier.certified[1]


async def test_without_kms_the_old_key_signs_until_no_call_could_end_in_its_hour(
    keys: ReceiptKeys, certifier: Certifier, clock: ManualClock
) -> None:
    await keys.renew_if_due()
    certifier.down = True
    clock.advance(HOUR_S - RENEW_S)
    with pytest.raises(DomainError):
        await keys.renew_if_due()
    clock.advance(RENEW_S - LONGEST_CALL_S - 31)
    assert keys.current().certificate == certifier.certified[0]
    clock.advance(1)
    assert refused(keys)
    certifier.down = False
    await keys.renew_if_due()
    assert keys.current().certificate == certifier.certified[1]


async def test_a_clock_that_was_put_back_needs_another_key(
    keys: ReceiptKeys, certifier: Certifier, clock: ManualClock
) -> None:
    await keys.renew_if_due()
    clock.set_wall(-120)
    assert refused(keys)
    await keys.renew_if_due()
    assert not refused(keys)


async def test_a_certificate_of_another_key_is_not_taken(keys: ReceiptKeys, certifier: Certifier) -> None:
    certifier.of_another_key = True
    with pytest.raises(TlogError):
        await keys.renew_if_due()
    assert refused(keys)


async def test_the_task_goes_on_when_it_fails(keys: ReceiptKeys, certifier: Certifier) -> None:
    certifier.of_another_key = True
    running = asyncio.create_task(keys.run())
    while not certifier.certified:
        await asyncio.sleep(0)
    certifier.of_another_key = False
    async with asyncio.timeout(10):
        while refused(keys):
            await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
