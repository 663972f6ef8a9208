"""How long a model may stay in memory after the end of its key, and what that minute is made of. Seconds."""

MODEL_OUTLIVES_KEY_S = 60.0
"""A model is gone by then, also when nobody tells the pool of the end."""
KEY_CHECK_TIMEOUT_S = 5.0
"""Of one question to the key service."""
UNLOAD_TIMEOUT_S = 15.0
"""Given to the model server for unloading; calls in progress end meanwhile."""
PROCESS_ENDS_S = 3.0
"""Given to a model process for ending by itself afterwards; then it is killed."""


def outlives_key_s(period_s: float, grace_s: float, inference_s: float) -> float:
    """Return how long a model can outlive its key.

    The key ends just after the key service said yes for the last time, which then says nothing more: the
    grace ends; that is noticed within a period and a question; an inference of the watchdog ends; and the
    model is unloaded.
    """
    return grace_s + period_s + KEY_CHECK_TIMEOUT_S + inference_s + UNLOAD_TIMEOUT_S + PROCESS_ENDS_S
