"""Data keys of kms for Craton's own use: held in memory for a minute at most, and only under a lease."""
