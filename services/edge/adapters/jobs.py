"""The customisation-job operations of bedrock, answered by training."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.training.v1 import customization_job_service_pb2 as pb
from craton.training.v1 import customization_job_service_pb2_grpc as rpc
from craton.training.v1 import resources_pb2 as resources

from services.chassis.arn import arn_of, foundation_model_arn
from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.chassis.rich_status import from_rpc_error
from services.edge.ports import Caller

# Filters of AWS's model that training cannot apply yet. Ignoring them would answer another question.
_UNSUPPORTED = ("creationTimeAfter", "creationTimeBefore")


class CustomizationJobs:
    """ListModelCustomizationJobs."""

    def __init__(self, channel: Channel, partition: str) -> None:
        """Use `channel`, which leads to training; ARNs are of `partition`."""
        self._stub = rpc.CustomizationJobServiceStub(channel)
        self._partition = partition

    async def list_jobs(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the account's jobs, newest first."""
        for name in _UNSUPPORTED:
            if name in values:
                raise _unsupported(name)
        if values.get("sortOrder") == "Ascending":
            raise _unsupported("sortOrder")
        request = pb.ListModelCustomizationJobsRequest(
            name_contains=values.get("nameContains", ""),
            status_equals=values.get("statusEquals", ""),
            page_size=values.get("maxResults", 0),
            page_token=values.get("nextToken", ""),
        )
        try:
            response = await self._stub.ListModelCustomizationJobs(request, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "training") from error
        region = caller.claims.region
        return {
            "modelCustomizationJobSummaries": [self._job(job, region) for job in response.jobs],
            "nextToken": response.next_page_token or None,
        }

    def _job(self, job: resources.CustomizationJob, region: str) -> Mapping[str, Any]:
        return {
            "jobArn": arn_of(job.name, self._partition),
            "jobName": job.job_name,
            "status": job.status,
            "baseModelArn": foundation_model_arn(region, job.base_model_id, self._partition),
            "creationTime": job.create_time.ToDatetime(UTC),
        }


def _unsupported(member: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        "this installation cannot filter or sort by it",
    )
