"""What callers may do with auth: rules over the ports, one module a subject."""
