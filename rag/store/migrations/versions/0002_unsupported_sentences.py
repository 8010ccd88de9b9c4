"""What a collection does with sentences that nothing bears out; null: what the server does."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("collection", sa.Column("unsupported_sentences", sa.String(length=16), nullable=True))
