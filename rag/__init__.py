"""A question becomes an Answer, each sentence backed by a verbatim span, or an Abstention."""
