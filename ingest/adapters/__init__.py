"""Readers of file formats, one module each, and the process that keeps the risky ones apart."""
