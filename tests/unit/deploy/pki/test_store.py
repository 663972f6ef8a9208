"""Files are replaced as a whole, with the modes that keep them private."""

import os
import threading
from pathlib import Path

from deploy.pki.store import replace_files, write_private

UID = os.geteuid()


def test_a_private_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, b"secret", UID)
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_replacing_leaves_one_version(tmp_path: Path) -> None:
    folder = tmp_path / "service-auth"
    for number in range(3):
        replace_files(folder, {"tls.crt": b"c%d" % number, "tls.key": b"k%d" % number}, UID)
    assert (folder / "tls.crt").read_bytes() == b"c2"
    assert (folder / "tls.key").read_bytes() == b"k2"
    versions = [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()]
    assert len(versions) == 1
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_reader_of_one_version_never_sees_two(tmp_path: Path) -> None:
    """The two files change at one instant: a folder opened once holds a pair that belongs together."""
    folder = tmp_path / "service-auth"
    replace_files(folder, {"tls.crt": b"0", "tls.key": b"0"}, UID)
    stop = threading.Event()
    seen: set[tuple[bytes, bytes]] = set()

    def read() -> None:
        while not stop.is_set():
            version = folder / (folder / "..current").readlink()
            try:
                seen.add(((version / "tls.crt").read_bytes(), (version / "tls.key").read_bytes()))
            except FileNotFoundError:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        content = b"%d" % number
        replace_files(folder, {"tls.crt": content, "tls.key": content}, UID)
    stop.set()
    reader.join()
    assert len(seen) > 1
    assert all(certificate == key for certificate, key in seen)
