"""Customisation jobs: whose they are, their states, and a position in the list of them."""

import enum
from dataclasses import dataclass
from datetime import datetime

from services.training.errors import invalid_field


class JobStatus(enum.Enum):
    """The life of a job, in the words of Amazon Bedrock's API."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @classmethod
    def parse(cls, text: str) -> "JobStatus":
        """Parse AWS's word. Raises DomainError(INVALID_FIELD)."""
        try:
            return cls(text)
        except ValueError:
            words = ", ".join(status.value for status in cls)
            raise invalid_field("status_equals", f"it must be one of {words}") from None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose jobs, and in which region."""

    account_id: str
    incarnation: str
    """Incarnation of the account: jobs of a purged account are not those of its successor."""
    region: str


@dataclass(frozen=True, slots=True)
class Job:
    """One customisation job."""

    owner: Owner
    job_id: str
    """"{base model}/{12 characters}", as in the job's ARN."""
    job_name: str
    status: JobStatus
    base_model_id: str
    created: datetime

    @property
    def name(self) -> str:
        """The resource name."""
        owner = self.owner
        return f"accounts/{owner.account_id}/regions/{owner.region}/modelCustomizationJobs/{self.job_id}"


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs; what is None or empty matches all."""

    name_contains: str = ""
    status: JobStatus | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a job in the list, newest first; jobs of one microsecond go by their id."""

    created_us: int
    job_id: str

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Parse what `str()` made. Raises DomainError(INVALID_FIELD)."""
        microseconds, _, job_id = text.partition(" ")
        if not (microseconds.isascii() and microseconds.isdigit() and len(microseconds) <= 18 and job_id):
            raise invalid_field("page_token", "it is not a token of an earlier page")
        return cls(int(microseconds), job_id)

    def __str__(self) -> str:
        """The text that a page token carries."""
        return f"{self.created_us} {self.job_id}"
