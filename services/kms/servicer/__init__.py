"""The RPC services of kms: protobuf to domain and back, one module a service."""
