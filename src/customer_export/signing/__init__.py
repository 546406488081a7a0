"""Signatures: canonical JSON, Ed25519, and how its keys are named and published."""
