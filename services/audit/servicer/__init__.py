"""The RPC services of audit: protobuf to domain and back."""
