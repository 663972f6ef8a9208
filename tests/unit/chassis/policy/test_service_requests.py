"""The condition keys of what a service does in its own name."""

from datetime import UTC, datetime

from services.chassis.policy.service_requests import service_context

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def test_region_and_account_are_those_of_what_it_works_for() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a.b:c/d:e"
    context = service_context("bedrock.amazonaws.com", arn, NOW, "o-exampleorgid")
    assert context["aws:requestedregion"] == "us-east-1"
    assert context["aws:sourceaccount"] == context["aws:resourceaccount"] == "123456789012"
    assert context["aws:sourcearn"] == arn
    assert context["aws:sourceorgid"] == context["aws:resourceorgid"] == "o-exampleorgid"
    assert context["aws:principalservicename"] == "bedrock.amazonaws.com"
    assert context["aws:currenttime"] == "2026-11-21T10:30:00Z"


def test_without_an_organization_none_is_named() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/j"
    assert not [key for key in service_context("bedrock.amazonaws.com", arn, NOW) if "org" in key]
