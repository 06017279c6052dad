"""second factors of users, and their recovery codes"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0275'
down_revision = '0253'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('second_factor',
        sa.Column('user_id', core.db.Id, nullable=False),
        sa.Column('secret_sealed', sa.String(length=500), nullable=False),
        sa.Column('last_step', core.db.Id, nullable=False),
        sa.Column('confirmed_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_second_factor_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_second_factor')))
    op.create_table('recovery_code',
        sa.Column('id', core.db.Id, nullable=False),
        sa.Column('user_id', core.db.Id, nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('used_at', core.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_recovery_code_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_code')),
        sa.UniqueConstraint('digest', name=op.f('uq_recovery_code_digest')))
    op.create_index(op.f('ix_recovery_code_user_id'), 'recovery_code', ['user_id'])


def downgrade() -> None:
    op.drop_table('recovery_code')
    op.drop_table('second_factor')
