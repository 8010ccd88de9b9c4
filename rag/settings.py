"""Everything an operator may set, read once from the environment (prefix ATTEST_) and passed down."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.domain import UnsupportedPolicy
from rag.errors import InvalidRequestError
from rag.rerank import RERANK_DEPTH

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """One frozen tree of settings; building it opens nothing and loads nothing."""

    model_config = SettingsConfigDict(env_prefix="ATTEST_", frozen=True, extra="forbid")

    home: Path = Field(Path(".attest"), description="the folder that holds all state")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite under `home`")
    embedding_model: str = Field(
        "all-MiniLM-L6-v2", description="the packaged model, or any sentence-transformers name"
    )
    embedding_url: str = Field(
        "", description="a vLLM server (--runner pooling) that embeds with that model; empty: in this process"
    )
    embedding_cache_bytes: int = Field(
        512 * MEBIBYTE, ge=0, description="vectors kept for the next ingest of equal passages; 0 keeps none"
    )
    reranker_model: str = Field(
        "attest-reader", description="the shipped reader, or any sentence-transformers CrossEncoder by name"
    )
    reranker_url: str = Field(
        "", description="a vLLM server (--runner pooling) that scores with that model; empty: in this process"
    )
    rerank_depth: int = Field(
        RERANK_DEPTH,
        ge=0,
        le=200,
        description="passages found that are reranked; 0 leaves the search's order",
    )
    llm_urls: tuple[str, ...] = Field(
        (), description="vLLM servers that word answers, all with the same model (JSON list)"
    )
    llm_model: str = Field("", description="the model's name there; empty means the first they serve")
    llm_api_key: SecretStr | None = Field(None, description="the key that vLLM servers want, of any kind")
    llm_seconds: float = Field(60.0, gt=0, description="a language model that takes longer is given up")
    templates: Path | None = Field(
        None, description="a folder of more profiles for language models, NAME.en.md and NAME.zh.md"
    )
    unsupported_sentences: UnsupportedPolicy = Field(
        UnsupportedPolicy.DROP,
        description="what to do with sentences of a language model that nothing bears out",
    )
    minimum_answer_score: float = Field(
        0.2, ge=0, le=1, description="below this probability, or uncalibrated score, Attest abstains"
    )
    ingest_roots: tuple[Path, ...] = Field((), description="folders that the API may ingest (JSON list)")
    max_file_bytes: int = Field(200 * MEBIBYTE, gt=0, description="a larger file is failed, not read")
    parse_seconds: float = Field(120.0, gt=0, description="a file that parses for longer is failed")
    parse_memory_bytes: int = Field(2048 * MEBIBYTE, gt=0, description="a parser needing more is stopped")
    max_body_bytes: int = Field(64 * MEBIBYTE, gt=0, description="a larger request body is refused (413)")
    max_concurrent_requests: int = Field(32, gt=0, description="more wait; health checks never do")
    answer_log: bool = Field(True, description="keep what calibration needs of each answer; never its words")
    answer_log_days: int = Field(
        365, gt=0, le=36500, description="an older answer and its feedback are deleted"
    )
    api_key: SecretStr | None = Field(None, description="required from clients when set")

    def resolved_database_url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'attest.db'}"


def load_settings(home: Path | None = None) -> Settings:
    """Settings from the environment, `home` given before it; InvalidRequestError names what is wrong."""
    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        problems = "; ".join(
            f"ATTEST_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors()
        )
        raise InvalidRequestError(f"the settings cannot be used: {problems}") from error
