"""What is a record for readers of CloudTrail, and under which names it is found."""

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.entry import index_of, is_record, key_digest
from services.audit.domain.resource_types import resource_type
from tests.unit.audit.conftest import ACCOUNT, OTHER, event

EDGE = "spiffe://craton.local/service/edge"
OPERATOR = "spiffe://craton.local/operator/admin"


@pytest.mark.parametrize(
    ("changes", "record"),
    [
        ({"caller": ""}, True),
        ({"caller": OPERATOR}, True),
        # What the service behind the edge has to say of the same call.
        ({"caller": EDGE}, False),
        # A service uses a key for somebody, under its own name.
        ({"caller": EDGE, "invoked_by": "bedrock.amazonaws.com"}, True),
        ({"phase": pb.EVENT_PHASE_INTENT}, False),
        ({"phase": pb.EVENT_PHASE_SUMMARY}, False),
        # The copy of somebody else's call.
        ({"caller": EDGE, "account_id": OTHER, "shared_event_id": "1"}, True),
    ],
)
def test_one_record_a_call(changes, record):
    assert is_record(event(**changes)) is record
    assert index_of(event(**changes)).record is record


def test_the_installation_has_no_records():
    assert not is_record(event(account=""))


def test_a_service_on_behalf_of_an_account_makes_records():
    made = event(account=ACCOUNT)
    made.ClearField("principal")
    made.caller = "spiffe://craton.local/service/kms"
    assert is_record(made)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/path/alice", "alice"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today", "today"),
    ],
)
def test_names_of_principals(arn, name):
    made = event()
    made.principal.arn, made.principal.access_key_id = arn, "AKIA"
    index = index_of(made)
    assert (index.user_name, index.access_key) == (name, key_digest("AKIA"))


def test_the_id_of_an_api_key_is_found_as_an_access_key():
    made = event()
    made.principal.credential_id = "ACCA1"
    assert index_of(made).access_key == key_digest("ACCA1")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1", "AWS::KMS::Key"),
        (f"arn:aws:iam::{ACCOUNT}:role/path/reader", "AWS::IAM::Role"),
        ("arn:aws:bedrock:us-east-1::foundation-model/m", "AWS::Bedrock::FoundationModel"),
        (f"arn:aws:iam::{ACCOUNT}:unheard-of/x", ""),
        ("arn:aws:kms", ""),
        ("accounts/1", ""),
    ],
)
def test_types_of_resources(name, kind):
    assert resource_type(name) == kind
