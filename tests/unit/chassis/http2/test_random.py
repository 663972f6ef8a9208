"""The short form of `make campaign NAME=http2`."""

import pytest

from tests.campaigns.http2 import Http2Campaign


@pytest.mark.parametrize("part", range(5))
def test_random_header_blocks_and_frames(part: int) -> None:
    campaign = Http2Campaign()
    for index in range(part * 200, (part + 1) * 200):
        campaign.case(7541, index)
