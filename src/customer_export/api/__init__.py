"""The HTTP interface; asynchronous code lives here only."""
