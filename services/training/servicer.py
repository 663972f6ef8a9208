"""training's RPCs: protobuf to domain and back."""

from typing import Any

from craton.training.v1 import (
    customization_job_service_pb2,
    customization_job_service_pb2_grpc,
    resources_pb2,
)

from services.chassis.context import current_call
from services.training.domain.jobs import Job, JobFilter, JobStatus
from services.training.operations.listing import JobListing


def _job_message(job: Job) -> Any:
    message = resources_pb2.CustomizationJob(
        name=job.name, job_name=job.job_name, status=job.status.value, base_model_id=job.base_model_id
    )
    message.create_time.FromDatetime(job.created)
    return message


class CustomizationJobServicer(customization_job_service_pb2_grpc.CustomizationJobServiceServicer):
    """Customisation jobs of the token's account and region."""

    def __init__(self, listing: JobListing) -> None:
        """Serve `listing`."""
        self._listing = listing

    async def ListModelCustomizationJobs(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = JobFilter(
            request.name_contains,
            JobStatus.parse(request.status_equals) if request.status_equals else None,
        )
        page = await self._listing.list(current_call(), wanted, request.page_size, request.page_token)
        return customization_job_service_pb2.ListModelCustomizationJobsResponse(
            jobs=[_job_message(job) for job in page.jobs], next_page_token=page.next_page_token
        )
