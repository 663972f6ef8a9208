"""What the bench asks of a stack is what a stack takes."""

import json

from services.chassis.policy.document import parse
from tests.load.measured_stack import STATEMENTS, policies

_ATTACHED = 10
"""Managed policies of one user. AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def test_the_policies_of_the_user_that_is_measured_fit_a_user() -> None:
    documents = [parse(json.dumps(each)) for each in policies()]

    assert len(documents) <= _ATTACHED
    assert sum(len(each.statements) for each in documents) == STATEMENTS
