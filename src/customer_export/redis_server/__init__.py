"""The one Redis or Valkey that limits and cache share."""
