"""What every test shares."""

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
