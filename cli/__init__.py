"""The `craton` command for operators, providers and auditors."""

# Sets gRPC's TLS versions, which gRPC reads once, when it is first imported.
import services as services
