"""What kind of thing an ARN names, as CloudTrail and CloudFormation call it.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
"""

from collections.abc import Mapping

_TYPES: Mapping[tuple[str, str], str] = {
    ("bedrock", "custom-model"): "AWS::Bedrock::CustomModel",
    ("bedrock", "foundation-model"): "AWS::Bedrock::FoundationModel",
    ("bedrock", "model-customization-job"): "AWS::Bedrock::ModelCustomizationJob",
    ("cloudtrail", "trail"): "AWS::CloudTrail::Trail",
    ("ec2", "vpc-endpoint"): "AWS::EC2::VPCEndpoint",
    ("iam", "group"): "AWS::IAM::Group",
    ("iam", "oidc-provider"): "AWS::IAM::OIDCProvider",
    ("iam", "policy"): "AWS::IAM::ManagedPolicy",
    ("iam", "role"): "AWS::IAM::Role",
    ("iam", "user"): "AWS::IAM::User",
    ("kms", "alias"): "AWS::KMS::Alias",
    ("kms", "key"): "AWS::KMS::Key",
    ("sts", "assumed-role"): "AWS::STS::AssumedRole",
}


def resource_type(name: str) -> str:
    """Return the type of a resource, empty for what is no ARN or of a kind that has no name there."""
    if not name.startswith("arn:"):
        return ""
    parts = name.split(":", 5)
    if len(parts) < 6:
        return ""
    return _TYPES.get((parts[2], parts[5].partition("/")[0]), "")
