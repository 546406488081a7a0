"""Templates: read, keep and use them."""
