"""partners: their people, accounts, tasks and orders"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0250'
down_revision = '0220'
branch_labels = None
depends_on = None

OLD_ROLES = "role IN ('admin','marketer','sales','viewer')"
NEW_ROLES = "role IN ('admin','marketer','sales','viewer','partner')"


def upgrade() -> None:
    _set_roles(OLD_ROLES, NEW_ROLES)
    op.create_table('partner',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('region', sa.String(length=200), nullable=False),
    sa.Column('note', sa.String(length=2000), nullable=False),
    sa.Column('sees_people', sa.Boolean(), nullable=False),
    sa.Column('sees_all_orders', sa.Boolean(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("kind IN ('distributor','wholesaler','agent','dealer')", name=op.f('ck_partner_kind')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_partner')),
    sa.UniqueConstraint('name', name=op.f('uq_partner_name'))
    )
    op.create_table('partner_user',
    sa.Column('user_id', core.db.Id, nullable=False),
    sa.Column('partner_id', core.db.Id, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_partner_user_user_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], name=op.f('fk_partner_user_partner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_partner_user'))
    )
    op.create_index('ix_partner_user_partner', 'partner_user', ['partner_id'])
    op.create_table('partner_account',
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('partner_id', core.db.Id, nullable=False),
    sa.Column('assigned_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('assigned_by', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_partner_account_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], name=op.f('fk_partner_account_partner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_partner_account'))
    )
    op.create_index('ix_partner_account_partner', 'partner_account', ['partner_id'])
    op.create_table('partner_task',
    sa.Column('task_id', core.db.Id, nullable=False),
    sa.Column('partner_id', core.db.Id, nullable=False),
    sa.Column('given_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('given_by', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_partner_task_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], name=op.f('fk_partner_task_partner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', name=op.f('pk_partner_task'))
    )
    op.create_index('ix_partner_task_partner', 'partner_task', ['partner_id'])
    op.create_table('partner_order',
    sa.Column('order_id', core.db.Id, nullable=False),
    sa.Column('partner_id', core.db.Id, nullable=False),
    sa.Column('user_id', core.db.Id, nullable=True),
    sa.Column('entered_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['customer_order.id'], name=op.f('fk_partner_order_order_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['partner_id'], ['partner.id'], name=op.f('fk_partner_order_partner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_partner_order'))
    )
    op.create_index('ix_partner_order_partner', 'partner_order', ['partner_id'])


def downgrade() -> None:
    for table in ('partner_order', 'partner_task', 'partner_account', 'partner_user', 'partner'):
        op.drop_table(table)
    op.execute("DELETE FROM app_user WHERE role = 'partner'")
    _set_roles(NEW_ROLES, OLD_ROLES)


def _set_roles(old: str, new: str) -> None:
    """Making the table anew would take with it every row that refers to a user, since SQLite cannot switch foreign keys
    off inside a transaction; so there the sentence of the check alone is exchanged, as its manual describes."""
    bind = op.get_bind()
    if bind.dialect.name == 'postgresql':
        op.drop_constraint(op.f('ck_app_user_role'), 'app_user', type_='check')
        op.create_check_constraint(op.f('ck_app_user_role'), 'app_user', new)
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    bind.exec_driver_sql("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'app_user'",
                         (old, new))
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=OFF")
