"""Failures, logged without what they failed on."""

import logging
import os

logger = logging.getLogger("craton.backend")


def log_failure(error: BaseException) -> None:
    """Log where something broke: type, file and line. Never the message, which may quote a prompt."""
    trace, places = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}")  # noqa: PTH119
        trace = trace.tb_next
    logger.error("failed: %s at %s", type(error).__name__, " < ".join(reversed(places)))
