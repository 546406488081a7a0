"""Bulk: the exports of many customers, read set-wise, each the bytes of the synchronous one."""
