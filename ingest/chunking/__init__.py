"""The steps of chunking; `ingest.chunk` puts them in order."""
