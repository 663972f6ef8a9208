"""Unmodified boto3 clients, all of one session: each new session reads the service models again, which takes
a tenth of a second."""

import functools
import threading
from typing import Any

import boto3
import botocore.session

from services.edge.domain.model import OWN_MODELS

_LOCK = threading.Lock()
"""Clients may be used by any thread, but not made by two of one session at once."""


def boto_client(service: str, **values: Any) -> Any:
    """Return a client; `values` say everything that the environment would say otherwise."""
    with _LOCK:
        return _session().client(service, **values)


def botocore_session() -> botocore.session.Session:
    """Return a session that finds our own service models as well, as with AWS_DATA_PATH."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(OWN_MODELS))
    return session


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session(botocore_session=botocore_session())
