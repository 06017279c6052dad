"""mailboxes and webhooks that answers and reports come in by"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0110'
down_revision = '0061'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'mailbox',
        sa.Column('id', core.db.Id, nullable=False),
        sa.Column('name', sa.String(120), nullable=False),
        sa.Column('kind', sa.String(10), nullable=False),
        sa.Column('folder', sa.String(500), nullable=False),
        sa.Column('host', sa.String(255), nullable=False),
        sa.Column('port', sa.Integer(), nullable=False),
        sa.Column('tls', sa.String(20), nullable=False),
        sa.Column('user_name', sa.String(255), nullable=False),
        sa.Column('secret_sealed', sa.Text(), nullable=False),
        sa.Column('identity_id', core.db.Id, nullable=True),
        sa.Column('uid_validity', core.db.Id, nullable=False),
        sa.Column('last_uid', core.db.Id, nullable=False),
        sa.Column('messages', sa.Integer(), nullable=False),
        sa.Column('checked_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('problem', sa.String(300), nullable=False),
        sa.Column('is_active', sa.Boolean(), nullable=False),
        sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('maildir','imap')", name=op.f('ck_mailbox_kind')),
        sa.CheckConstraint("tls IN ('starttls','implicit','none')", name=op.f('ck_mailbox_tls')),
        sa.ForeignKeyConstraint(['identity_id'], ['sending_identity.id'], ondelete='SET NULL',
                                name=op.f('fk_mailbox_identity_id_sending_identity')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_mailbox')),
        sa.UniqueConstraint('name', name=op.f('uq_mailbox_name')),
    )
    op.create_table(
        'event_hook',
        sa.Column('id', core.db.Id, nullable=False),
        sa.Column('name', sa.String(120), nullable=False),
        sa.Column('form', sa.String(20), nullable=False),
        sa.Column('secret_sealed', sa.Text(), nullable=False),
        sa.Column('events', sa.Integer(), nullable=False),
        sa.Column('last_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('is_active', sa.Boolean(), nullable=False),
        sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("form IN ('standard','resend')", name=op.f('ck_event_hook_form')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_event_hook')),
        sa.UniqueConstraint('name', name=op.f('uq_event_hook_name')),
    )


def downgrade() -> None:
    op.drop_table('event_hook')
    op.drop_table('mailbox')
