"""The shared microservice chassis: configuration, identity, servers, telemetry, audit and policy."""
