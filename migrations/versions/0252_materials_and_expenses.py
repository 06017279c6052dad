"""expenses of visits, materials and the wishes for them"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0252'
down_revision = '0241'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('visit_expense',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('task_id', core.db.Id, nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('amount', core.db.Money(), nullable=False),
    sa.Column('user_id', core.db.Id, nullable=True),
    sa.Column('at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("kind IN ('travel','lodging','meals','gifts','other')", name=op.f('ck_visit_expense_kind')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_visit_expense_task_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_expense'))
    )
    op.create_index('ix_visit_expense_task', 'visit_expense', ['task_id'])
    op.create_table('material',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('product', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('url', sa.String(length=1000), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_material'))
    )
    op.create_index('ix_material_title', 'material', ['title'])
    op.create_table('material_request',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('contact_id', core.db.Id, nullable=False),
    sa.Column('material_id', core.db.Id, nullable=True),
    sa.Column('wish', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('event_id', core.db.Id, nullable=True),
    sa.Column('task_id', core.db.Id, nullable=True),
    sa.Column('asked_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('asked_of', sa.String(length=200), nullable=False),
    sa.Column('sent_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('sent_key', sa.String(length=50), nullable=True),
    sa.CheckConstraint("state IN ('open','task','sending','sent','failed','declined')", name=op.f('ck_material_request_state')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_material_request_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_material_request_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['material_id'], ['material.id'], name=op.f('fk_material_request_material_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_material_request')),
    sa.UniqueConstraint('sent_key', name=op.f('uq_material_request_sent_key'))
    )
    op.create_index('ix_material_request_account', 'material_request', ['account_id'])
    op.create_index('ix_material_request_state', 'material_request', ['state', 'asked_at'])
    op.create_index('uq_material_request_event', 'material_request', ['event_id'], unique=True)


def downgrade() -> None:
    for table in ('material_request', 'material', 'visit_expense'):
        op.drop_table(table)
