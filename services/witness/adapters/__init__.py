"""Adapters: what the witness keeps on its own disk."""
