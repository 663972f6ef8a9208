"""Nouns and rules of auth. No I/O."""
