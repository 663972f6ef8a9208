"""A gRPC client for the hot path: as much of HTTP/2 (RFC 9113) as calls with one request need.

gRPC's Python library spends more on handing a call between the threads of its core than the runtime
spends on all of its own work. This client lives in the event loop alone. It is used towards one peer, a
pool's model server; every other channel is gRPC's own (docs/adr/0011).
"""
