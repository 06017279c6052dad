"""who else approved a campaign, and the fingerprint of the people that were approved"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0274'
down_revision = '0276'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column('audience_hash', sa.String(length=64), server_default='', nullable=False),
        sa.Column('needs_second', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('second_by_id', core.db.Id, nullable=True),
        sa.Column('second_by', sa.String(length=200), server_default='', nullable=False),
        sa.Column('second_at', core.db.UtcDateTime(), nullable=True),
    ):
        op.add_column('approval', column)


def downgrade() -> None:
    for name in ('second_at', 'second_by', 'second_by_id', 'needs_second', 'audience_hash'):
        op.drop_column('approval', name)
