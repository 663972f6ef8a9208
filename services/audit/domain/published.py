"""Events of the installation that every account may have proved: those that publish something."""

from craton.audit.v1 import resources_pb2 as pb

from tlog.receipt_file import CERTIFIER

INSTALLATION = ""
"""Stands in the place of the account."""
CERTIFICATION = "CertifyReceiptKey"
"""What kms calls it."""


def is_certificate(event: pb.Event) -> bool:
    """Say whether an event publishes the certificate of a receipt key.

    Who has a receipt has the certificate as well, and needs its event to complete the receipt; whoever is
    shown a complete receipt sees that event. A recorder can only be the workload that has shipped the event.
    """
    return (
        event.account_id == INSTALLATION
        and event.event_name == CERTIFICATION
        and event.recorder == CERTIFIER
        and event.phase == pb.EVENT_PHASE_OUTCOME
        and event.status_code == "OK"
        and bool(event.statement_sha256)
    )
