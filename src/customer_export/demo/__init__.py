"""The demo shop: realistic data in many scripts, made anew on every machine."""
