"""The embedded queue server: one per folder, whatever becomes of it."""

import os
import signal
import subprocess
import time

from core.jobs import embedded


def _servers_of(socket) -> list[int]:
    listed = subprocess.run(["ps", "-wweo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    found = [line.split() for line in listed.splitlines() if str(socket) in line]
    return [int(parts[0]) for parts in found if not parts[1].startswith("Z")]


def test_a_server_that_hangs_is_replaced_and_never_joined_by_a_second(data_dir, queue_server, monkeypatch):
    monkeypatch.setattr(embedded, "_HUNG_SECONDS", 0.5)
    socket = embedded.socket_path(data_dir)
    [hung] = _servers_of(socket)
    os.kill(hung, signal.SIGSTOP)
    assert embedded.embedded_url(data_dir)
    [present] = _servers_of(socket)
    assert present != hung
    assert embedded.is_running(data_dir)


def test_a_server_that_only_pauses_is_kept(data_dir, queue_server):
    [server] = _servers_of(embedded.socket_path(data_dir))
    os.kill(server, signal.SIGSTOP)
    thaw = subprocess.Popen(["sh", "-c", f"sleep 5; kill -CONT {server}"])
    started = time.monotonic()
    assert embedded.embedded_url(data_dir)
    assert time.monotonic() - started > 4
    assert thaw.wait() == 0
    assert _servers_of(embedded.socket_path(data_dir)) == [server]
