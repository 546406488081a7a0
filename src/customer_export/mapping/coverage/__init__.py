"""What a map covers of its database, and how the database has changed since."""
