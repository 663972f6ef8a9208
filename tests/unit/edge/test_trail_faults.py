"""What audit refuses about trails has an exception of CloudTrail's."""

import pytest

from services.audit.errors import unusable_bucket, unusable_key
from services.edge.domain.trail_faults import TrailProblem, trail_fault


@pytest.mark.parametrize("problem", TrailProblem)
def test_every_problem_has_a_status(problem: TrailProblem) -> None:
    fault = problem.fault("text")
    assert (fault.code, 400 <= fault.status < 500) == (problem.value, True)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("KMS.NotFoundException", "KmsKeyNotFoundException"),
        ("KMS.AccessDeniedException", "InsufficientEncryptionPolicyException"),
        ("KMS.DisabledException", "KmsException"),
        ("KMS.KMSInvalidStateException", "KmsException"),
        ("KMS.InvalidKeyUsageException", "KmsException"),
    ],
)
def test_keys_that_cannot_be_used(code: str, expected: str) -> None:
    fault = trail_fault(unusable_key(code), of_tags=False)
    assert fault is not None
    assert fault.code == expected
    assert "key" in fault.message.lower()


def test_a_bucket_is_no_key() -> None:
    fault = trail_fault(unusable_bucket("AccessDenied"), of_tags=False)
    assert fault is not None
    assert fault.code == "InsufficientS3BucketPolicyException"
