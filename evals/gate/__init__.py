"""A gate: runs may not fall below thresholds, nor below a baseline by more than noise."""
