"""A transparency log, as its readers need it: no network, no service, nothing but hashing and Ed25519.

Everything that judges a log is here, and only here: the hashes and proofs of RFC 6962 (RFC 9162 has the same
and says how to verify them), and C2SP's formats of tiles, notes, checkpoints, cosignatures and proofs.
An auditor copies this folder and has a verifier; the audit service and the witness judge by the same code.
Verification raises TlogError and never returns a bool.
"""
