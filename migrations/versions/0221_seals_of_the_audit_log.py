"""seals over the audit log"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0221'
down_revision = '0252'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_seal',
    sa.Column('up_to_id', core.db.Id, autoincrement=False, nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('sealed_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('up_to_id', name=op.f('pk_audit_seal'))
    )


def downgrade() -> None:
    op.drop_table('audit_seal')
