"""The tables. Ids are never used twice, so an index that lags cannot name another chunk by mistake."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rowids only in columns declared INTEGER, which hold 64 bits there.
IDENTIFIER = BigInteger().with_variant(Integer, "sqlite")


def _id_column() -> Column[int]:
    return Column("id", IDENTIFIER, primary_key=True, autoincrement=True)


def _reference(name: str, target: str) -> Column[int]:
    return Column(name, IDENTIFIER, ForeignKey(target, ondelete="CASCADE"), nullable=False)


embedding_space = Table(
    "embedding_space",
    METADATA,
    _id_column(),
    Column("model", Text, nullable=False),
    Column("fingerprint", String(128), nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    sqlite_autoincrement=True,
)

collection = Table(
    "collection",
    METADATA,
    _id_column(),
    Column("name", String(128), nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),
    Column("space_id", IDENTIFIER, ForeignKey("embedding_space.id"), nullable=True),
    Column("last_change", BigInteger, nullable=False, default=0),
    Column("max_risk", Float(53), nullable=True),
    Column("domain", String(16), nullable=False, default=""),
    Column("unsupported_sentences", String(16), nullable=True),
    sqlite_autoincrement=True,
)

document = Table(
    "document",
    METADATA,
    _id_column(),
    _reference("collection_id", "collection.id"),
    Column("source", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("recipe", String(128), nullable=False),
    Column("title", Text, nullable=False),
    Column("language", String(16), nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("pages", JSON, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("updated_at", String(32), nullable=False),
    # Last, so that SQLite reads the columns before it without walking its overflow pages.
    Column("text", Text, nullable=False),
    UniqueConstraint("collection_id", "source", "uri"),
    sqlite_autoincrement=True,
)

document_metadata = Table(
    "document_metadata",
    METADATA,
    _id_column(),
    _reference("document_id", "document.id"),
    Column("key", Text, nullable=False),
    # Ordered by code points on both databases.
    Column("text", Text().with_variant(Text(collation="C"), "postgresql"), nullable=True),
    Column("number", Float(53), nullable=True),
    Column("flag", Boolean, nullable=True),
    Index(None, "document_id", "key"),
)

chunk = Table(
    "chunk",
    METADATA,
    _id_column(),
    _reference("document_id", "document.id"),
    _reference("collection_id", "collection.id"),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("section", JSON, nullable=False),
    UniqueConstraint("document_id", "ordinal"),
    Index(None, "collection_id"),
    sqlite_autoincrement=True,
)

embedding = Table(
    "embedding",
    METADATA,
    Column("chunk_id", IDENTIFIER, ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True),
    Column("space_id", IDENTIFIER, ForeignKey("embedding_space.id"), primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float16, little-endian, `dimension` numbers
)

change = Table(
    "change",
    METADATA,
    Column("collection_id", IDENTIFIER, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("token", String(32), nullable=False),
    Column("removed", JSON, nullable=False),  # ids of chunks that are gone
    Column("added", JSON, nullable=False),  # ids of chunks that came
)

failed_file = Table(
    "failed_file",
    METADATA,
    Column("collection_id", IDENTIFIER, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("uri", Text, primary_key=True),
    Column("revision", String(64), nullable=False),
    Column("recipe", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("failed_at", String(32), nullable=False),
)

ingest_job = Table(
    "ingest_job",
    METADATA,
    _id_column(),
    _reference("collection_id", "collection.id"),
    Column("folder", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32), nullable=True),
    Column("finished_at", String(32), nullable=True),
    Column("files_total", Integer, nullable=False, default=0),
    Column("files_done", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    sqlite_autoincrement=True,
)

ingest_item = Table(
    "ingest_item",
    METADATA,
    _id_column(),
    _reference("job_id", "ingest_job.id"),
    Column("uri", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Index(None, "job_id"),
    UniqueConstraint("job_id", "uri"),
)

calibrator = Table(
    "calibrator",
    METADATA,
    _id_column(),
    _reference("collection_id", "collection.id"),
    Column("json", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("removed_at", String(32), nullable=True),
    Index(None, "collection_id"),
    sqlite_autoincrement=True,
)

# No column may ever hold words of a question or of a document.
answer_log = Table(
    "answer_log",
    METADATA,
    Column("id", String(32), primary_key=True),
    _reference("collection_id", "collection.id"),
    Column("asked_at", String(32), nullable=False),
    Column("language", String(16), nullable=False),
    Column("generator", String(64), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("score", Float(53), nullable=False),
    Column("signals", JSON, nullable=False),
    Column("sentences", Integer, nullable=False),
    Index(None, "collection_id"),
    Index(None, "asked_at"),
)

feedback = Table(
    "feedback",
    METADATA,
    _id_column(),
    Column("answer_id", String(32), ForeignKey("answer_log.id", ondelete="CASCADE"), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("sentence", Integer, nullable=True),
    Column("comment", Text, nullable=False, default=""),
    Column("created_at", String(32), nullable=False),
    Index(None, "answer_id"),
    sqlite_autoincrement=True,
)
