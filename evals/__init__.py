"""The same wiring as production, measured."""
