"""offers of maintenance and of repair"""

from alembic import op

revision = '0253'
down_revision = '0221'
branch_labels = None
depends_on = None

OLD = "kind IN ('discount','gift','service','upgrade','credit','guarantee','priority','information')"
NEW = "kind IN ('discount','gift','service','upgrade','credit','guarantee','priority','information','maintenance','repair')"


def upgrade() -> None:
    _set_kinds(OLD, NEW)


def downgrade() -> None:
    op.execute("UPDATE offer SET kind = 'service' WHERE kind IN ('maintenance','repair')")
    _set_kinds(NEW, OLD)


def _set_kinds(old: str, new: str) -> None:
    """Making the table anew on SQLite would take its grants with it, so there the sentence of the check alone is
    exchanged, as in 0250."""
    bind = op.get_bind()
    if bind.dialect.name == 'postgresql':
        op.drop_constraint(op.f('ck_offer_kind'), 'offer', type_='check')
        op.create_check_constraint(op.f('ck_offer_kind'), 'offer', new)
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    bind.exec_driver_sql("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'offer'",
                         (old, new))
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=OFF")
