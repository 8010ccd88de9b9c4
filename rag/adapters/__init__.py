"""Implementations of `rag.ports` over libraries; only `rag.wiring` names them."""
