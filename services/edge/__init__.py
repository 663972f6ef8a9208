"""The HTTP edge: speaks AWS's wire protocol to clients and gRPC to the services."""
