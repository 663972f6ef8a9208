"""Deployment: the local stack, its certificates, and the checked-in configuration."""
