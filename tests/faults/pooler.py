"""PgBouncer before the PostgreSQL of a run, in transaction mode."""

import asyncio
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.faults.postgres import OWNER, PASSWORD
from tests.servers import free_port

CONFIGURATION = """\
[databases]
emall = host=127.0.0.1 port={server} dbname=emall

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 20
max_client_conn = 300
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """A PgBouncer on loopback."""

    def __init__(self, folder: Path, server: int) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{OWNER}" "{PASSWORD}"\n')
        configuration = CONFIGURATION.format(server=server, port=self.port, folder=folder)
        (folder / "pgbouncer.ini").write_text(configuration)

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        program = shutil.which("pgbouncer")
        assert program is not None, "PgBouncer is missing: apt-get install pgbouncer"
        with self._folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, str(self._folder / "pgbouncer.ini")],
                user=pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None,
                stdout=log,
                stderr=log,
            )
        while True:
            assert self._process.poll() is None, "PgBouncer ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    def stop(self) -> None:
        """Stop it; it closes every connection."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
