"""sending identities, their keys and the health of their relays"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0080'
down_revision = '0030'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sending_identity',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('domain', sa.String(length=255), nullable=False),
    sa.Column('covers_domain', sa.Boolean(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('host', sa.String(length=255), nullable=False),
    sa.Column('port', sa.Integer(), nullable=False),
    sa.Column('tls', sa.String(length=20), nullable=False),
    sa.Column('connections', sa.Integer(), nullable=False),
    sa.Column('user_name', sa.String(length=255), nullable=False),
    sa.Column('secret_sealed', sa.Text(), nullable=False),
    sa.Column('base_url', sa.String(length=500), nullable=False),
    sa.Column('per_second', sa.Integer(), nullable=False),
    sa.Column('per_day', sa.Integer(), nullable=False),
    sa.Column('per_domain_day', sa.Integer(), nullable=False),
    sa.Column('warm_up_from', sa.Date(), nullable=True),
    sa.Column('warm_up_first', sa.Integer(), nullable=False),
    sa.Column('warm_up_growth', sa.Integer(), nullable=False),
    sa.Column('checked_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('findings', core.db.Json, nullable=True),
    sa.Column('verified_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('verified_by', sa.String(length=200), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("kind IN ('operator','smtp','json','resend')", name=op.f('ck_sending_identity_kind')),
    sa.CheckConstraint("tls IN ('starttls','implicit','none')", name=op.f('ck_sending_identity_tls')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sending_identity')),
    sa.UniqueConstraint('email', name=op.f('uq_sending_identity_email'))
    )
    op.create_index('ix_sending_identity_domain', 'sending_identity', ['domain'])
    op.create_table('relay_health',
    sa.Column('identity_id', core.db.Id, autoincrement=False, nullable=False),
    sa.Column('failures_in_row', sa.Integer(), nullable=False),
    sa.Column('times_paused', sa.Integer(), nullable=False),
    sa.Column('paused_until', core.db.UtcDateTime(), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('failed_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('opened_at', core.db.UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('identity_id', name=op.f('pk_relay_health'))
    )
    op.create_table('dkim_key',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('identity_id', core.db.Id, nullable=False),
    sa.Column('domain', sa.String(length=255), nullable=False),
    sa.Column('selector', sa.String(length=60), nullable=False),
    sa.Column('algorithm', sa.String(length=10), nullable=False),
    sa.Column('private_sealed', sa.Text(), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('activated_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('retired_at', core.db.UtcDateTime(), nullable=True),
    sa.CheckConstraint("algorithm IN ('rsa','ed25519')", name=op.f('ck_dkim_key_algorithm')),
    sa.CheckConstraint("state IN ('waiting','active','retired')", name=op.f('ck_dkim_key_state')),
    sa.ForeignKeyConstraint(['identity_id'], ['sending_identity.id'], name=op.f('fk_dkim_key_identity_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dkim_key')),
    sa.UniqueConstraint('identity_id', 'selector', name=op.f('uq_dkim_key_identity_id_selector'))
    )
    active = sa.text("state = 'active'")
    op.create_index('ix_dkim_key_active', 'dkim_key', ['identity_id'], sqlite_where=active, postgresql_where=active)
    op.add_column('batch', sa.Column('identity_id', core.db.Id, nullable=True))
    op.add_column('run', sa.Column('watched_from', core.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column('run', 'watched_from')
    op.drop_column('batch', 'identity_id')
    op.drop_table('dkim_key')
    op.drop_table('relay_health')
    op.drop_table('sending_identity')
