"""Files made for the cache before anybody asks: lowest in rank, and within a budget."""
