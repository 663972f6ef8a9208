"""Craton's services, one folder each.

This module runs before anything of a service is imported, and sets what must be set before gRPC is, or
before the many objects of all modules are made.
"""

import os
import sys

from services.chassis.garbage import put_off

# TLS 1.3 alone between workloads. Python's gRPC cannot set a minimum version. Our certificates are ECDSA;
# with only an RSA suite offered for TLS 1.2 no 1.2 handshake can succeed, while the suites of TLS 1.3 are
# not affected. The core reads this when it is loaded, so afterwards it would be too late to set it.
_SUITES = "ECDHE-RSA-AES128-GCM-SHA256"
if "grpc" in sys.modules and os.environ.get("GRPC_SSL_CIPHER_SUITES") != _SUITES:
    raise ImportError("import services before grpc, or TLS 1.2 would be accepted between workloads")
os.environ["GRPC_SSL_CIPHER_SUITES"] = _SUITES

# gRPC's EventEngine hands every read and write to threads of its own before Python's see it; its older
# pollers do without: 100 µs less CPU for a proxied call at 1 in flight, 50 at 32 (grpcio 1.85.1). What an
# operator sets wins. Unknown names are only logged: a release without these experiments still starts.
_EXPERIMENTS = ("client", "listener", "callback_cq", "for_all_other_endpoints")
os.environ.setdefault("GRPC_EXPERIMENTS", ",".join(f"-event_engine_{name}" for name in _EXPERIMENTS))

put_off()
