"""Verify an event's proof with nothing but hashes and one signature, as docs/audit-format.md describes it.

    python docs/examples/audit_log/verify_by_hand.py docs/examples/audit_log/event.json KEY

It shares no code with Craton: another language's verifier looks like this.
"""

import base64
import json
import sys
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def require(condition: bool, otherwise: str) -> None:
    """End the program unless the condition holds."""
    if not condition:
        sys.exit(f"not proved: {otherwise}")


def main(file: str, key: str) -> None:
    """Print what is proved, or fail."""
    with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - as a reader of any language would write it
        members = json.load(stream)
    entry, event, salt = (base64.b64decode(members[name]) for name in ("entry", "event", "salt"))

    # 1. The entry commits to the event: its bytes 41 to 73.
    require(entry[0] == 2, "another version")
    # Without this, the first bytes of an event could pass for the last ones of its salt.
    require(len(salt) == 32, "another salt")
    require(sha256(b"craton audit event v1\n" + salt + event).digest() == entry[41:73], "another event")

    # 2. The hashes lead from the entry to the root.
    head, note = members["proof"].split("\n\n", 1)
    lines = head.split("\n")
    require(lines[0] == "c2sp.org/tlog-proof@v1", "another version")
    index = int(lines[1].removeprefix("index "))
    require(index >= 0 and lines[1] == f"index {index}", "no index")
    path = [base64.b64decode(line) for line in lines[2:]]
    text, signatures = note.rsplit("\n\n", 1)
    origin, size, root = text.split("\n")
    place, last, node = index, int(size) - 1, sha256(b"\0" + entry).digest()
    require(place <= last, "beyond the tree")
    for sibling in path:
        require(last > 0, "too many hashes")
        if place & 1 or place == last:
            node = sha256(b"\1" + sibling + node).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        place, last = place >> 1, last >> 1
    require(last == 0, "too few hashes")
    require(node == base64.b64decode(root), "another root")

    # 3. The log has signed the root.
    name, _, encoded = key.split("+", 2)
    public = base64.b64decode(encoded)
    require((public[0], name) == (1, origin), "another log")
    key_id = sha256(name.encode() + b"\n" + public).digest()[:4]
    signed = [base64.b64decode(line.split(" ")[2]) for line in signatures.strip().split("\n")]
    [signature] = [each[4:] for each in signed if each[:4] == key_id]
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature, f"{text}\n".encode())
    print(f"entry {index} of {size} in {origin}: {len(event)} bytes of event are proved")


if __name__ == "__main__":
    main(*sys.argv[1:])
