"""What the key of digests signs: the text of a digest, to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.kms.domain.digest_text import require_digest_text
from tests.fakes.digest_texts import KEY, PLACE, SHA_256, SIGNATURE, digest_text


def refused(text: str) -> str:
    """Return what is said of a text that is refused."""
    with pytest.raises(DomainError) as caught:
        require_digest_text(text)
    assert (caught.value.reason_name, caught.value.field) == ("INVALID_FIELD", "text")
    return caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        digest_text(),
        digest_text(previous=SIGNATURE),
        digest_text("2024-02-29T23:59:59Z"),
        digest_text(place=f"a.b-c/some prefix/of ~ours!/{KEY}"),
        digest_text(place=f"0-0/{KEY.replace('AWSLogs/', 'AWSLogs/o-exampleorgid/')}"),
        digest_text(place=PLACE.replace(".json.gz", "_backfill.json.gz")),
        digest_text(place=f"{'b' * 63}/{'p' * (1023 - len(KEY))}/{KEY}"),
        digest_text(place=f"bucket/AWSLogs/..a/b../{KEY}"),
    ],
    ids=["first", "next", "leap day", "prefix", "organization", "backfill", "longest", "dots in names"],
)
def test_texts_of_digests(text: str) -> None:
    require_digest_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n\n", "craton", f"{digest_text()}\n", f"\n{digest_text()}", f"{digest_text()}\nmore",
        digest_text().rpartition("\n")[0], digest_text().replace("\n", "\r"),
        digest_text().replace("\n", "\u2028"), digest_text(place=PLACE.replace("/us-east-2/", "\n")),
    ],
)  # fmt: skip
def test_there_are_four_lines(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    "end",
    [
        "", "2015-08-17T15:01:31", "2015-08-17t15:01:31z", "2015-08-17 15:01:31Z",
        "2015-08-17T15:01:31+00:00", "2015-08-17T15:01:31.0Z", "2015-8-17T15:01:31Z", "20150817T150131Z",
        " 2015-08-17T15:01:31Z",
        "2015-08-17T15:01:31Z ", "2015-08-17T15:01:31Z\r", "2015-02-29T15:01:31Z", "2015-13-01T15:01:31Z",
        "2015-08-17T24:00:00Z", "2015-08-17T15:01:60Z", "0000-08-17T15:01:31Z", "２015-08-17T15:01:31Z",
    ],
)  # fmt: skip
def test_the_first_line_is_a_time(end: str) -> None:
    assert "first line" in refused(digest_text(end))


@pytest.mark.parametrize(
    "place",
    [
        "", "/", KEY, f"/{KEY}", f"s3://bucket/{KEY}", f"ab/{KEY}", f"{'b' * 64}/{KEY}", f"Bucket/{KEY}",
        f"a..b/{KEY}", f".ab/{KEY}", f"ab-/{KEY}", f"a_b/{KEY}", f"bücket/{KEY}", f"../{KEY}",
        f"bucket\r/{KEY}", f"bucket/../{KEY}", f"bucket/./{KEY}", f"bucket//{KEY}", f"bucket/p/../{KEY}",
        f"bucket/prefix//{KEY}", PLACE.replace("/us-east-2/", "/../"), PLACE.replace("/us-east-2/", "//"),
        PLACE.replace("3333_", "3333_é"),
        PLACE.replace("3333_", "3333_\x00"), PLACE.replace("3333_", "3333_\x7f"), f"{PLACE}\r", f"{PLACE} ",
        PLACE.replace("/CloudTrail-Digest/", "/CloudTrail/"), PLACE.replace("AWSLogs/", "Logs/"),
        PLACE.replace("AWSLogs/", "notAWSLogs/"), PLACE.replace("AWSLogs/111122223333/", "AWSLogs/"),
        PLACE.replace("/CloudTrail-Digest/", "/CloudTrail-Digest"), PLACE.removesuffix(".gz"), f"{PLACE}x",
        PLACE.replace(".json.gz", "-json.gz"), "bucket/CloudTrail-Digest/x/AWSLogs/y.json.gz",
        "bucket/AWSLogs/a/b/c/CloudTrail-Digest/x.json.gz", "bucket/AWSLogs/a/CloudTrail-Digest/.json.gz",
        f"bucket/{'p' * (1024 - len(KEY))}/{KEY}",
    ],
)  # fmt: skip
def test_the_second_line_is_where_a_digest_lies(place: str) -> None:
    assert "second line" in refused(digest_text(place=place))


@pytest.mark.parametrize(
    "sha_256",
    [
        "",
        SHA_256.upper(),
        SHA_256[:-1],
        f"{SHA_256}0",
        f"{SHA_256[:-1]}g",
        f"{SHA_256}\r",
        f" {SHA_256}",
        "null",
    ],
)
def test_the_third_line_is_a_digest(sha_256: str) -> None:
    assert "third line" in refused(digest_text(sha_256=sha_256))


@pytest.mark.parametrize(
    "previous",
    [
        "",
        "Null",
        "NULL",
        '"null"',
        "None",
        "null ",
        "null\r",
        SIGNATURE.upper(),
        SIGNATURE[:-2],
        f"{SIGNATURE}00",
    ],
)
def test_the_fourth_line_is_a_signature_or_null(previous: str) -> None:
    assert "fourth line" in refused(digest_text(previous=previous))


@given(st.data())
def test_a_character_of_another_kind_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    text = digest_text(previous=SIGNATURE)
    place = data.draw(st.integers(0, len(text)))
    strange = data.draw(st.characters(max_codepoint=31) | st.characters(min_codepoint=127))
    refused(f"{text[:place]}{strange}{text[place:]}")
