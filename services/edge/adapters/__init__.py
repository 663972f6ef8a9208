"""The services behind the edge, and the store of seen signatures."""
