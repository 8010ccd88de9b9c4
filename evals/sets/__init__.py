"""Loaders: files as others published them become questions, gold and texts."""
