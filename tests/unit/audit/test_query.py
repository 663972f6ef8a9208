"""Page tokens: good for their own question, refused for any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain.query import Place, Query
from services.chassis.errors import DomainError
from services.chassis.pages import encode_page_token


@given(st.integers(-(2**62), 2**62), st.integers(0, 2**62), st.text(max_size=50))
def test_a_token_leads_back_to_its_place(time_us, sequence, name):
    query = Query(account_id="123456789012", event_name=name)
    place = Place(time_us, sequence)
    assert Place.of_token(place.token(query), query) == place


def test_no_token_is_the_first_page():
    assert Place.of_token("", Query()) is None


@pytest.mark.parametrize(
    "other",
    [
        Query(account_id="210987654321", event_name="A"),
        Query(account_id="123456789012", event_name="B"),
        Query(account_id="123456789012", event_name="A", start_us=0),
        Query(event_name="A"),
    ],
)
def test_a_token_of_another_question_is_refused(other):
    token = Place(1, 2).token(Query(account_id="123456789012", event_name="A"))
    with pytest.raises(DomainError) as refusal:
        Place.of_token(token, other)
    assert refusal.value.field == "page_token"


@pytest.mark.parametrize("token", ["%%%", "AAAA", encode_page_token("x"), encode_page_token("a:b:c")])
def test_a_forged_token_is_refused(token):
    with pytest.raises(DomainError) as refusal:
        Place.of_token(token, Query())
    assert refusal.value.reason_name == "INVALID_FIELD"
