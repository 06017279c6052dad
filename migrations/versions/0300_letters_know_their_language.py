"""A letter knows the language of its words, so that its date is in the same one."""

import sqlalchemy as sa
from alembic import op

revision = "0300"
down_revision = "0296"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("letter", sa.Column("language", sa.String(20), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("letter", "language")
