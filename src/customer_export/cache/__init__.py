"""Finished exports, kept for a while, and identical ones in the making, shared."""
