"""One root of errors; each message gives the cause and the remedy."""


class AttestError(Exception):
    """The root of every error that Attest raises on purpose."""


class InvalidRequestError(AttestError):
    """The caller asked for something malformed; `field` names the part at fault."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotFoundError(AttestError):
    """The named collection, document or job does not exist."""


class ConflictError(AttestError):
    """The request contradicts the present state: a name taken, a job already running."""


class ForbiddenError(AttestError):
    """The caller may not do this: a folder outside the configured roots, a key without the scope."""


class EmbeddingSpaceMismatchError(AttestError):
    """A collection was embedded by another model than the one configured."""


class ModelUnavailableError(AttestError):
    """A model cannot be loaded or its weights are not the expected ones."""


class ModelTimeoutError(AttestError):
    """A language model did not answer in time."""


class AbandonedError(AttestError):
    """Whoever asked does not wait for the answer any more."""


class ContextOverflowError(AttestError):
    """A question and its evidence are longer than the language model reads."""


class StoreUnavailableError(AttestError):
    """The database is locked, gone or out of space; the transaction was rolled back."""


class OverloadedError(AttestError):
    """Too many callers want the same scarce thing at once; try again in a moment."""


class CorruptIndexError(StoreUnavailableError):
    """An index's files were damaged or removed while it was open; the next use rebuilds it from the store."""


class UnreadableDocumentError(AttestError):
    """A file cannot become a document; the message is the reason shown in the job's report."""
