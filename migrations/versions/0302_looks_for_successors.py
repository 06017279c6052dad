"""A run notes when to look for successors of leavers again, and who took whose place is found by an index (few rows)."""

import sqlalchemy as sa
from alembic import op

revision = "0302"
down_revision = "0300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("successors_due_at", sa.DateTime(timezone=True), nullable=True))
    taken = sa.text("replaces_id IS NOT NULL")
    op.create_index("ix_enrolment_replaces", "enrolment", ["replaces_id"], sqlite_where=taken, postgresql_where=taken)


def downgrade() -> None:
    op.drop_index("ix_enrolment_replaces", "enrolment")
    op.drop_column("run", "successors_due_at")
