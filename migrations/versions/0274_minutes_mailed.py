"""who was mailed the minutes of a meeting"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0274b'
down_revision = '0280'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('meeting', sa.Column('mailed', core.db.Json, nullable=True))


def downgrade() -> None:
    op.drop_column('meeting', 'mailed')
