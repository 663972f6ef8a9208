"""Craton's services, one folder each."""
