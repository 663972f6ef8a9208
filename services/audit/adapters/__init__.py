"""SQL, the key service, and this service's own spool."""
