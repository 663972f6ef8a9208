"""Templates with policy variables, and their parts."""

import pytest

from services.chassis.policy.templates import Variable, parse_template, split_parts

TEAM = Variable("aws:principaltag/team", "a:b")
TEXT = "${aws:PrincipalTag/team, 'a:b'}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", [("a",)]),
        ("a:b", [("a",), ("b",)]),
        ("::", [(), (), ()]),
        ("a:b:c:d:e:f:g", [("a",), ("b",), ("c",), ("d",), ("e",), ("f:g",)]),
        (f"a:{TEXT}:c", [("a",), (TEAM,), ("c",)]),
        (f"a:b:c:d:{TEXT}:f:g:h", [("a",), ("b",), ("c",), ("d",), (TEAM,), ("f:g:h",)]),
        (
            f"a:b:c:d:e:{TEXT}:g:{TEXT}x:y",
            [("a",), ("b",), ("c",), ("d",), ("e",), (TEAM, ":g:", TEAM, "x:y")],
        ),
        (f"a:b:c:d:e{TEXT}f:g:h", [("a",), ("b",), ("c",), ("d",), ("e", TEAM, "f"), ("g:h",)]),
    ],
)
def test_parts_end_at_colons_but_not_at_those_of_a_variable(text: str, parts: object) -> None:
    assert split_parts(parse_template(text)) == parts
