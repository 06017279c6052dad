"""A run notes when to look for newcomers again."""

import sqlalchemy as sa
from alembic import op

revision = "0296"
down_revision = "0290"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("newcomers_due_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("run", "newcomers_due_at")
