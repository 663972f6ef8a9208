"""Audit: what is recorded, the durable local spool, and its shipping to the audit service."""
