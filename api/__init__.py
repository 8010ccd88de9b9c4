"""HTTP in, Outcome out. No business rule lives here."""
