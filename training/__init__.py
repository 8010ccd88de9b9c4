"""How the weights of the shipped reader were made; not part of the installed package."""
