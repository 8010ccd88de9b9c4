"""The steps of cleaning, one a module; `ingest.clean` puts them in order."""
