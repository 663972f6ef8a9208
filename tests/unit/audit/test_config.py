"""Where the log's files lie and which servers are asked: what audit's configuration refuses."""

from pathlib import Path

import pytest

from services.audit.config import AuditConfig, DeliverySettings, LogSettings, S3Settings
from services.chassis.config import ConfigError, load

ROOT = Path(__file__).resolve().parents[3]
ORIGIN = "audit.example/log"
S3 = """
[s3]
endpoint = "https://s3.example"
credentials_file = "/key"
"""


def settings(tmp_path: Path, text: str) -> LogSettings:
    path = tmp_path / "log.toml"
    path.write_text(f'origin = "{ORIGIN}"\n{text}')
    return load(path, LogSettings)


def test_the_local_stack_keeps_its_log_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_HOME", str(tmp_path))
    monkeypatch.setenv("CRATON_BUCKETS_ENDPOINT", "https://s3.example")
    config = load(ROOT / "deploy/config/audit.toml", AuditConfig)
    assert config.log.folder == tmp_path / "state/audit/log"
    assert config.delivery.s3 == S3Settings("https://s3.example", credentials_file="/etc/craton/buckets")


def test_the_log_lies_in_a_folder_or_in_a_bucket(tmp_path: Path) -> None:
    assert settings(tmp_path, 'folder = "/log"').folder == Path("/log")
    for prefix in ("", "audit/", "2026/audit.log/"):
        found = settings(tmp_path, f'bucket = "craton-log"\nprefix = "{prefix}"\n{S3}')
        assert (found.folder, found.bucket, found.prefix) == (None, "craton-log", prefix)
        assert found.s3.endpoint == "https://s3.example"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "folder or bucket: where the log's files lie is missing"),
        ('prefix = "audit/"', "folder or bucket: where"),
        (S3, "folder or bucket: where"),
        (f'folder = "/log"\nbucket = "craton-log"\n{S3}', "in a folder or in a bucket, not in both"),
        ('folder = "/log"\nprefix = "audit/"', "not in both"),
        (f'folder = "/log"\n{S3}', "not in both"),
        ('bucket = "craton-log"', "s3: the endpoint"),
        *((f'bucket = "{name}"\n{S3}', "bucket: ") for name in ("ab", "Log", "a/b", "-log", "a" * 64)),
        *(
            (f'bucket = "craton-log"\nprefix = "{prefix}"\n{S3}', "prefix: ")
            for prefix in ("audit", "/", "/audit/", "a//", "../", "a/./", "a b/", "a/../b/")
        ),
        ('bucket = "craton-log"\n[s3]\nendpoint = "http://s3.example"\ncredentials_file = "/k"', "https://"),
        ('bucket = "craton-log"\n[s3]\nendpoint = "https://s3.example"', "credentials_file: the key"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"log\.toml") as refused:
        settings(tmp_path, text)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
def test_http_is_for_the_loopback(endpoint: str) -> None:
    assert S3Settings(endpoint, credentials_file="/key").endpoint == endpoint


@pytest.mark.parametrize(("interval_s", "digest_interval_s"), [(0, 3600), (-1, 3600), (300, 0.5)])
def test_intervals_that_are_none(interval_s: float, digest_interval_s: float) -> None:
    with pytest.raises(ValueError, match="interval_s"):
        DeliverySettings(S3Settings(), interval_s, digest_interval_s)
