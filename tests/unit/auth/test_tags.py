"""Tags of identities."""

import pytest

from services.auth.domain.identity import (
    Tag,
)
from services.auth.domain.tag_rules import check_tags
from services.chassis.errors import DomainError
from tests.unit.auth.identities import ADMINISTRATOR, ALICE, Iam, allow, refused


async def test_tagging_can_be_allowed_for_keys_and_values(iam: Iam) -> None:
    await iam.allow(
        allow("iam:TagUser", StringEquals={"aws:RequestTag/Team": ["red", "blue"]}),
        allow("iam:UntagUser", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}),
    )
    call = await iam.alice()
    await iam.tags.tag(call, ALICE, [Tag("team", "red")])
    await iam.tags.untag(call, ALICE, ["team"])
    for refusal in (
        iam.tags.tag(call, ALICE, [Tag("team", "green")]),
        iam.tags.tag(call, ALICE, [Tag("other", "red")]),
        iam.tags.untag(call, ALICE, ["team", "other"]),
    ):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"


async def test_creating_a_tagged_user_needs_the_right_to_tag(iam: Iam) -> None:
    await iam.allow(allow("iam:CreateUser"))
    call = await iam.alice()
    name, message = await refused(iam.users.create(call, "bob", "", [Tag("a", "b")]))
    assert (name, "iam:TagUser" in message) == ("ACCESS_DENIED", True)
    await iam.users.create(call, "bob")
    await iam.allow(allow("iam:CreateUser"), allow("iam:TagUser", StringEquals={"aws:RequestTag/a": "b"}))
    details = await iam.users.create(await iam.alice(), "carol", ADMINISTRATOR, [Tag("a", "b")])
    assert details == await iam.users.get(iam.root, "carol")


@pytest.mark.parametrize(
    "tags",
    [
        [Tag("aws:x", "")],
        [Tag("AWS:x", "")],
        [Tag("a", ""), Tag("A", "")],
        [Tag("a*", "")],
        [Tag("a", "$")],
        [Tag("a\n", "")],
        [Tag("a", "\x00")],
    ],
)
def test_tags_that_are_refused(tags: list[Tag]) -> None:
    with pytest.raises(DomainError) as caught:
        check_tags(tags)
    assert caught.value.reason_name == "INVALID_FIELD"


def test_tags_that_are_accepted() -> None:
    check_tags([Tag("awsx", "aws:value"), Tag("Ä é_.:/=+-@ 9", ""), Tag("ß", "字")])
