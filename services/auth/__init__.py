"""The auth service: accounts, principals, credentials, tokens, policies and model access."""
