"""The user's database: read only, in one snapshot, as canonical text."""
