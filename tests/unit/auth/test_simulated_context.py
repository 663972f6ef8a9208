"""The condition keys of simulated requests: whatever is given decides, or is refused."""

import botocore.session
import pytest

from services.auth.domain.simulated_context import ContextKeyType, GivenKey, given_context
from services.chassis.errors import DomainError

T = ContextKeyType


def refusal(*keys: GivenKey) -> str:
    with pytest.raises(DomainError) as caught:
        given_context(keys)
    assert (caught.value.reason_name, caught.value.field) == ("INVALID_FIELD", "context")
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "stated", "values"),
    [
        ("aws:username", T.STRING, ["alice"]),
        ("aws:username", T.STRING_LIST, ["alice"]),
        ("aws:username", None, ["alice"]),
        ("aws:TagKeys", T.STRING_LIST, ["a", "b"]),
        ("aws:EpochTime", T.NUMERIC, ["1764000000"]),
        ("aws:EpochTime", T.DATE, ["1764000000"]),
        ("aws:EpochTime", T.NUMERIC_LIST, ["1764000000"]),
        ("aws:SecureTransport", T.BOOLEAN, ["true"]),
        ("aws:SecureTransport", T.BOOLEAN_LIST, ["FALSE"]),
        ("aws:SecureTransport", T.STRING, ["true"]),
        ("aws:SourceIp", T.IP, ["2001:db8::1"]),
        ("aws:SourceIp", T.IP_LIST, ["10.1.2.3"]),
        ("aws:CurrentTime", T.DATE, ["2026-11-21T10:00:00Z"]),
        ("aws:CurrentTime", T.DATE_LIST, ["2026-11-21"]),
        ("aws:username", T.BINARY, ["YWxpY2U="]),
        ("aws:username", T.BINARY_LIST, ["YWxpY2U="]),
    ],
)
def test_values_of_the_stated_type_are_taken(
    name: str, stated: ContextKeyType | None, values: list[str]
) -> None:
    [(key, value)] = given_context([GivenKey(name, values, stated)]).items()
    assert key == name.lower()
    assert value in (values[0], tuple(values))


@pytest.mark.parametrize(
    ("name", "stated", "value"),
    [
        ("aws:SourceIp", T.IP, "banana"),
        ("aws:SourceIp", T.IP, ""),
        ("aws:SourceIp", T.IP_LIST, "10.0.0.0/8"),
        ("aws:username", T.IP, "alice"),
        ("aws:EpochTime", T.NUMERIC, "one"),
        ("aws:username", T.NUMERIC_LIST, "alice"),
        ("aws:SecureTransport", T.BOOLEAN, "yes"),
        ("aws:username", T.BOOLEAN_LIST, "1"),
        ("aws:CurrentTime", T.DATE, "tomorrow"),
        ("aws:username", T.DATE_LIST, "2026-13-01"),
        ("aws:username", T.BINARY, "%"),
        ("aws:username", T.BINARY_LIST, "YQ"),
    ],
)
def test_values_that_are_not_of_the_stated_type_are_refused(
    name: str, stated: ContextKeyType, value: str
) -> None:
    assert f"not of type {stated.value}" in refusal(GivenKey(name, [value], stated))


@pytest.mark.parametrize("stated", [None, T.STRING])
def test_values_that_are_not_what_the_key_is_are_refused(stated: ContextKeyType | None) -> None:
    assert "aws:SourceIp that is not an IP address" in refusal(GivenKey("aws:sourceip", ["banana"], stated))
    assert "not a date" in refusal(GivenKey("aws:CurrentTime", ["soon"], stated))


def test_several_values_need_a_list_and_a_key_that_has_several() -> None:
    assert "stated to be of type string" in refusal(GivenKey("aws:TagKeys", ["a", "b"], T.STRING))
    assert "which has one" in refusal(GivenKey("aws:username", ["a", "b"], T.STRING_LIST))
    assert given_context([GivenKey("aws:TagKeys", ["a", "b"])]) == {"aws:tagkeys": ("a", "b")}


@pytest.mark.parametrize("again", ["aws:username", "AWS:UserName"])
def test_a_key_that_is_given_twice_is_refused(again: str) -> None:
    assert "aws:username twice" in refusal(GivenKey("aws:username", ["a"]), GivenKey(again, ["a"]))


def test_a_key_that_no_request_carries_is_refused() -> None:
    assert "no request carries" in refusal(GivenKey("aws:Nothing", ["a"]))


def test_every_type_is_one_of_iams() -> None:
    model = botocore.session.Session().get_service_model("iam")
    assert {each.value for each in ContextKeyType} == set(model.shape_for("ContextKeyTypeEnum").enum)
