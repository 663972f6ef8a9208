"""KMS' grants through an unmodified boto3 client."""

from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import (
    grant_service_pb2,
    resources_pb2,
)

from services.chassis.errors import DomainError
from tests.integration.edge.kms_requests import (
    ACCOUNT,
    ARN,
    GRANT,
    ID,
    NAME,
    NOON,
    OTHER,
    PARENT,
    call,
    refusal,
)


async def test_grants(stack: Any) -> None:
    kms = stack.kms.answers
    kms["CreateGrant"] = grant_service_pb2.CreateGrantResponse(
        name=f"{NAME}/grants/{GRANT}", grant_token="token"
    )
    grantee = f"arn:aws:iam::{ACCOUNT}:user/bob"
    arguments = {
        "KeyId": ID,
        "GranteePrincipal": grantee,
        "RetiringPrincipal": grantee,
        "Operations": ["Decrypt", "RetireGrant"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
        "Name": "n",
    }
    answer = await call(stack, "create_grant", **arguments)
    assert answer == {"GrantToken": "token", "GrantId": GRANT}
    constraints = resources_pb2.GrantConstraints(encryption_context_subset={"a": "b"})
    assert stack.kms.requests[0][0] == grant_service_pb2.CreateGrantRequest(
        key_name=NAME,
        grantee_principal=grantee,
        retiring_principal=grantee,
        operations=["Decrypt", "RetireGrant"],
        constraints=constraints,
        friendly_name="n",
    )
    listed = resources_pb2.Grant(
        name=f"{NAME}/grants/{GRANT}",
        grantee_principal="pool/craton",
        operations=["Decrypt"],
        constraints=constraints,
        issuing_account=f"arn:aws:iam::{ACCOUNT}:root",
        create_time=NOON,
    )
    rendered = {
        "KeyId": ARN,
        "GrantId": GRANT,
        "CreationDate": NOON,
        "GranteePrincipal": "pool/craton",
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    kms["ListGrants"] = grant_service_pb2.ListGrantsResponse(grants=[listed])
    kms["ListRetirableGrants"] = grant_service_pb2.ListRetirableGrantsResponse(grants=[listed])
    answer = await call(stack, "list_grants", KeyId=ID, GrantId=GRANT, GranteePrincipal=grantee)
    assert answer == {"Grants": [rendered], "Truncated": False}
    assert (await call(stack, "list_retirable_grants", RetiringPrincipal=grantee))["Grants"] == [rendered]
    assert stack.kms.requests[-1][0] == grant_service_pb2.ListRetirableGrantsRequest(
        parent=PARENT, retiring_principal=grantee, page_size=50
    )
    asked = len(stack.kms.requests)
    for changed, code in (
        ({"Constraints": {"SourceArn": f"arn:aws:s3:::{ACCOUNT}:b"}}, "ValidationException"),
        (
            {"Constraints": {"SourceArn": f"arn:aws:s3:us-east-1:{ACCOUNT}:b"}},
            "UnsupportedOperationException",
        ),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "UnsupportedOperationException"),
    ):
        assert (await refusal(stack, "create_grant", **{**arguments, **changed}))[0] == code
    refusing = DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, "nobody", field="grantee_principal")
    kms["CreateGrant"] = refusing
    text = "ARN does not refer to a valid principal"
    assert await refusal(stack, "create_grant", **arguments) == ("InvalidArnException", text)
    asked += 1
    del arguments["GranteePrincipal"]
    assert (await refusal(stack, "create_grant", **arguments))[0] == "ValidationException"
    assert (await refusal(stack, "list_retirable_grants"))[0] == "ValidationException"
    for operation in ("list_grants", "revoke_grant"):
        assert (await refusal(stack, operation, KeyId=ID, GrantId="g"))[0] == "InvalidGrantIdException"
    assert len(stack.kms.requests) == asked


async def test_retiring_grants(stack: Any) -> None:
    stack.kms.answers["RetireGrant"] = grant_service_pb2.RetireGrantResponse()
    assert await call(stack, "retire_grant", GrantToken="t") == {}
    assert await call(stack, "retire_grant", KeyId=OTHER, GrantId=GRANT) == {}
    first, second = (request for request, _ in stack.kms.requests)
    assert first == grant_service_pb2.RetireGrantRequest(grant_token="t")
    name = NAME.replace(ACCOUNT, "210987654321")
    assert second == grant_service_pb2.RetireGrantRequest(name=f"{name}/grants/{GRANT}")
    assert (await refusal(stack, "retire_grant", KeyId=ID, GrantId=GRANT))[0] == "InvalidArnException"
    for arguments in ({}, {"KeyId": ARN}, {"GrantToken": "t", "KeyId": ARN, "GrantId": GRANT}):
        assert (await refusal(stack, "retire_grant", **arguments))[0] == "ValidationException"
