"""How often a client may."""
