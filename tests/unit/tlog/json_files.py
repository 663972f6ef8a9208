"""Files that readers of JSON understand in more than one way, made of one that all understand alike."""

import json

_SIGNATURE = "— %s YWJjZHNpZ25hdHVyZQ==\n"
"""A line by somebody who is not asked for, which may stand below every note."""


def signed_by(content: bytes, name: str) -> bytes:
    """A file whose notes somebody of this name has signed as well; halves of surrogate pairs are escaped."""

    def signed(value: object) -> object:
        if isinstance(value, dict):
            return {key: signed(each) for key, each in value.items()}
        if isinstance(value, str) and value.endswith("\n"):
            return value + _SIGNATURE % name
        return value

    return json.dumps(signed(json.loads(content))).encode()


def read_differently(content: bytes) -> list[bytes]:
    """The files; each is the proof that it was made of to some reader."""
    text, members = content.decode(), json.loads(content)
    first, last = next(iter(members)), list(members)[-1]
    raw = json.dumps(json.loads(signed_by(content, "n\udc80")), ensure_ascii=False)
    return [
        text.replace("{", f'{{"{first}": "AAAA", ', 1).encode(),
        text.replace("{", f'{{"\\u{ord(first[0]):04x}{first[1:]}": "AAAA", ', 1).encode(),
        f'{text.rstrip()[:-1]}, "{last}": {json.dumps(members[last])}}}'.encode(),
        *(
            text.encode(name)
            for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig")
        ),
        *(signed_by(content, name) for name in ("\ud800", "n\udc80", "\udc80\ud800")),
        raw.encode("utf-8", "surrogatepass"),
    ]
