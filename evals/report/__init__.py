"""A run on one page: figures with intervals, curves, and the answers that went wrong beside their gold."""
