"""What callers may do with keys: rules over the ports, one module a class of callers."""
