"""The window of seen counters, against the plain set that it stands for."""

import random
import sys

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.sealing.replay import WINDOW, ReplayWindow

STEPS = st.lists(
    st.one_of(
        st.integers(-20, 20),
        st.sampled_from((-WINDOW - 1, -WINDOW, 1 - WINDOW, WINDOW - 1, WINDOW, WINDOW + 1)),
    ),
    max_size=60,
)


@given(st.integers(1, 3 * WINDOW), STEPS)
def test_a_counter_is_accepted_once_and_never_below_the_window(start, steps):
    window, seen, highest, counter = ReplayWindow(), set(), 0, start
    for step in (0, *steps):
        counter = max(1, counter + step)
        new = counter not in seen and counter > highest - WINDOW
        assert window.accept(counter) is new
        if new:
            seen.add(counter)
            highest = max(highest, counter)


def test_a_long_life_in_any_order():
    chance = random.Random(7)
    window = ReplayWindow()
    counters = list(range(1, 4 * WINDOW))
    for start in range(0, len(counters), 1000):
        part = counters[start : start + 1000]
        chance.shuffle(part)
        counters[start : start + 1000] = part
    assert all(window.accept(counter) for counter in counters)
    assert not any(window.accept(counter) for counter in counters)
    assert sys.getsizeof(window._bits) < 9000


def test_no_counter_is_zero_or_less():
    window = ReplayWindow()
    assert not window.accept(0)
    assert not window.accept(-1)
    assert window.accept(1)
