"""The store in SQL, sealing by kms, revocations by Redis, manifests and the bootstrap token from files."""
