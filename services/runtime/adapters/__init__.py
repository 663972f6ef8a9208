"""How runtime reaches pools, auth and Redis."""
