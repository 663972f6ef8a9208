"""The key store in SQL, the root key in a file, and the principal's policies."""
