"""tokens of the API, and the events that came by it"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0276'
down_revision = '0275'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_token',
        sa.Column('id', core.db.Id, nullable=False),
        sa.Column('user_id', core.db.Id, nullable=False),
        sa.Column('name', sa.String(length=100), nullable=False),
        sa.Column('prefix', sa.String(length=16), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('scopes', core.db.Json, nullable=False),
        sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
        sa.Column('expires_at', core.db.UtcDateTime(), nullable=False),
        sa.Column('last_used_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('revoked_at', core.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_api_token_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
        sa.UniqueConstraint('digest', name=op.f('uq_api_token_digest')))
    op.create_index(op.f('ix_api_token_user_id'), 'api_token', ['user_id'])
    op.create_table('api_event',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('account_event_id', core.db.Id, nullable=False),
        sa.ForeignKeyConstraint(['account_event_id'], ['account_event.id'], name=op.f('fk_api_event_account_event_id'),
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_api_event')))
    op.create_index(op.f('ix_api_event_account_event_id'), 'api_event', ['account_event_id'])


def downgrade() -> None:
    op.drop_table('api_event')
    op.drop_table('api_token')
