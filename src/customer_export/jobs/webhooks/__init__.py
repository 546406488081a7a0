"""Webhooks: who is told of jobs, and the telling."""
