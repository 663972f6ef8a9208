"""Messages of the AWS Encryption SDK open whole, or not at all."""

import subprocess
import sys

import pytest

from services.chassis.encryption_sdk import NotSealedError, open_message, seal
from services.chassis.secret import SecretBytes

CONTEXT = {"aws:cloudtrail:arn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/t", "other": "\N{SNOWMAN}"}


def test_what_was_altered_opens_to_nothing() -> None:
    data_key, body = SecretBytes(bytes(32)), b"a record" * 9
    message = seal(body, data_key, b"encrypted", "arn:aws:kms:us-east-1:123456789012:key/k", CONTEXT)
    assert open_message(message, lambda *_: data_key) == (body, CONTEXT)
    wrong = [message[:length] for length in range(0, len(message), 7)]
    # The highest bit: what were texts of the header are none.
    for bit in (1, 0x80):
        wrong += [message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :] for at in range(len(message))]
    for altered in (*wrong, message + b"\0", b"{}"):
        with pytest.raises(NotSealedError):
            open_message(altered, lambda *_: data_key)
    with pytest.raises(NotSealedError):
        open_message(message, lambda *_: SecretBytes(bytes(31) + b"1"))


def test_starting_a_service_does_not_wait_for_the_library() -> None:
    program = "import sys, services.audit.wiring, cli.trails; print('aws_encryption_sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["False"]
