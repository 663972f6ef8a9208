"""The gRPC services of auth: protobuf to domain and back."""
