"""Measurements, against the peers and against the goals."""
