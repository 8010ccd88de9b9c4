"""Whether the evaluation data says what the loaders claim."""
