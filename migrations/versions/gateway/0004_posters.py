"""Short codes of posters, and the districts of the regency."""

from alembic import op

revision = "gateway_0004_posters"
down_revision = "gateway_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gateway.poster (
            region text NOT NULL,
            code   text NOT NULL,
            kind   text NOT NULL,
            slug   text NOT NULL,
            PRIMARY KEY (region, code),
            UNIQUE (region, kind, slug)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE gateway.poster IS "
        "'The code in the short address of each poster: never given to another one, for paper "
        "hangs on'"
    )
    op.execute(
        """
        CREATE TABLE gateway.district (
            region text NOT NULL,
            code   text NOT NULL,
            name   text NOT NULL,
            PRIMARY KEY (region, code)
        )
        """
    )
