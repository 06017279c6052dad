"""signing secrets of webhooks can be made anew"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0241'
down_revision = '0260'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('webhook_key',
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('rotated_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('host', name=op.f('pk_webhook_key'))
    )


def downgrade() -> None:
    op.drop_table('webhook_key')
