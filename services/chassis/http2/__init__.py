"""gRPC on the hot path: as much of HTTP/2 (RFC 9113) as calls with one request need, both ends of it.

gRPC's Python library spends more on handing a call between the threads of its core than the runtime
spends on all of its own work. This lives in the event loop alone. It carries edge's calls to runtime and
runtime's to model servers; every other channel and listener is gRPC's own (docs/adr/0012).
"""
