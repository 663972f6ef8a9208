"""The HTTP listener: TLS, the guarded protocol, and the ASGI application."""
