"""The use case: one customer's data, from the request to the proof."""
