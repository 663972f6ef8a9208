"""Sealed files (weights at rest) and sealed sessions (prompts and answers through a model server).

Needs nothing but `cryptography`: the services' and the models' environments both import it.
"""
