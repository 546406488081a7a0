"""Our own database: tokens, audit records and manifests."""
