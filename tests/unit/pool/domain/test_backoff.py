"""Delays and limits."""

from services.pool.domain.backoff import Backoff, RestartLimit


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(0.2, 2.0)
    assert [backoff.delay(n) for n in range(7)] == [0.0, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert backoff.delay(10**6) == 2.0


def test_restarts_are_counted_within_the_window_only() -> None:
    limit = RestartLimit(2, 10.0)
    assert [limit.exceeded(now) for now in (0.0, 1.0, 2.0)] == [False, False, True]
    assert not limit.exceeded(12.5)
