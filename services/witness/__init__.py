"""A witness of logs: it remembers how far each has come, and cosigns what continues that."""
