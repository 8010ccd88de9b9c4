"""The one composition root: the only module that names concrete adapters."""

from rag.settings import Settings
from rag.system import System


def open_system(settings: Settings) -> System:
    """Open the store, the indexes and the models that the settings name. Loads no weights yet."""
    raise NotImplementedError
