"""A folder becomes documents in the store."""
