"""Sessions over a crash of the server: kept with their data and ephemerals, or expired."""

import os
import subprocess
import sys

from kazoo.client import KazooState
from kazoo.exceptions import NoNodeError

from steps import ADDRESS, ask, connected, equal, expect, fails_with, step, wait_until

states = []
client = connected(timeout=60.0)
client.add_listener(states.append)
session = client.client_id


def before():
    client.create('/kept', b'value')
    client.create('/kept/mine', b'e', ephemeral=True)
    for i in range(200):
        client.create('/kept/n-', b'%d' % i, sequence=True)
    client.delete('/kept/n-0000000007')
    client.set('/kept', b'changed')


def same_session():
    ask('kill and start')
    wait_until(lambda: states and states[-1] == KazooState.CONNECTED, 'reconnected')
    equal(client.client_id, session)
    equal([one for one in states if one == KazooState.LOST], [])
    data, stat = client.get('/kept')
    equal((data, stat.version, stat.numChildren, stat.cversion), (b'changed', 1, 200, 202))
    equal(client.exists('/kept/mine').ephemeralOwner, session[0])
    fails_with(NoNodeError, client.get, '/kept/n-0000000007')
    equal(client.get('/kept/n-0000000200')[0], b'199')
    equal(client.create('/kept/n-', b'', sequence=True), '/kept/n-0000000201')


def graceful():
    count = len(states)
    ask('stop and start')
    wait_until(lambda: len(states) > count and states[-1] == KazooState.CONNECTED, 'reconnected')
    equal(client.client_id, session)
    equal(client.exists('/kept/mine').ephemeralOwner, session[0])


def abandoned_session(path):
    """A session with an ephemeral whose client dies without a word; its id and password."""
    owner = subprocess.Popen(
        [sys.executable, '-B', os.path.join(os.path.dirname(__file__), 'owner.py'), ADDRESS, path],
        stdout=subprocess.PIPE,
        text=True,
    )
    identity = owner.stdout.readline().split()
    owner.kill()
    owner.wait()
    return int(identity[0]), bytes.fromhex(identity[1])


def expiry():
    old = abandoned_session('/short')
    wait_until(lambda: client.exists('/short') is None, 'the session expired')
    late = connected(client_id=old, timeout=2.0)
    expect(late.client_id[0] != old[0], 'another session')
    late.stop()


def expiry_over_a_restart():
    abandoned_session('/over')
    count = len(states)
    ask('kill and start')
    wait_until(lambda: len(states) > count and states[-1] == KazooState.CONNECTED, 'reconnected')
    wait_until(lambda: client.exists('/over') is None, 'the session expired after the restart')
    equal(client.exists('/kept/mine').ephemeralOwner, session[0])


step('before', before)
step('same session after kill -9', same_session)
step('same session after a graceful stop', graceful)
step('expiry', expiry)
step('expiry over a restart', expiry_over_a_restart)
client.stop()
