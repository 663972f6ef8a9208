"""A real Redis with the generated configuration: each account can do its own part and no other."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.redis import configure, password_file, reload_certificate
from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.pki.issue import issue_due
from services.chassis.config import load
from tests.fakes.ports import free_port

ONCE = Retry(NoBackoff(), 0)
"""The client would ask again after a refusal, three times and after seconds; the first answer counts here."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("redis")
    (home / "run/redis").mkdir(parents=True)
    definition = load(DEFINITION, Definition)
    definition = replace(definition, ports=replace(definition.ports, redis=free_port()))
    made = Stack(definition, home, home, "127.0.0.1", separate_uids=False)
    issue_due(made, datetime.now(UTC))
    process = subprocess.Popen(["/usr/bin/redis-server", str(configure(made))], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with connect(made, "operator") as client:
                    client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(10)


def connect(stack: Stack, account: str, password: str | None = None) -> redis.Redis:
    return redis.Redis(
        host="127.0.0.1",
        port=stack.definition.ports.redis,
        username=account,
        password=password or password_file(stack, account).read_text(),
        ssl=True,
        ssl_ca_certs=str(stack.pki / "ca.pem"),
        decode_responses=True,
        retry=ONCE,
    )


def test_edge_keeps_signatures_and_nothing_else(stack: Stack) -> None:
    with connect(stack, "edge") as client:
        assert client.set("craton:seen:a", "1", px=1000)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("craton:other", "1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.publish("craton:revocations", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushall()


def test_auth_announces_and_the_others_only_listen(stack: Stack) -> None:
    with connect(stack, "kms") as listener, connect(stack, "auth") as announcer:
        subscription = listener.pubsub()
        subscription.subscribe("craton:revocations")
        assert subscription.get_message(timeout=5) is not None
        assert announcer.publish("craton:revocations", "123456789012 1") == 1
        heard = subscription.get_message(timeout=5)
        assert heard is not None
        assert heard["data"] == "123456789012 1"
        with pytest.raises(redis.exceptions.NoPermissionError):
            announcer.publish("another", "x")
        subscription.close()
    with connect(stack, "kms") as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.publish("craton:revocations", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("craton:seen:a")


def test_the_default_user_and_wrong_passwords_are_refused(stack: Stack) -> None:
    with connect(stack, "default", "x") as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()
    with connect(stack, "edge", "x") as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_there_is_no_listener_without_tls(stack: Stack) -> None:
    with redis.Redis(host="127.0.0.1", port=stack.definition.ports.redis, retry=ONCE) as client:
        with pytest.raises(redis.exceptions.ConnectionError):
            client.ping()


def test_a_renewed_certificate_is_served_without_a_restart(stack: Stack) -> None:
    def served() -> str:
        context = ssl.create_default_context(cafile=str(stack.pki / "ca.pem"))
        with socket.create_connection(("127.0.0.1", stack.definition.ports.redis)) as plain:
            with context.wrap_socket(plain, server_hostname="redis.craton.internal") as secured:
                return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")

    before = served()
    assert "redis" in issue_due(stack, datetime.now(UTC), force=True)
    assert served() == before
    reload_certificate(stack)
    assert served() == (stack.pki / "redis/tls.crt").read_text()
    assert served() != before


def test_nothing_is_written_to_disk(stack: Stack) -> None:
    assert [path.name for path in (stack.home / "run/redis").iterdir()] == ["redis.conf"]
