"""Sessions over a crash of the server: kept with their data and ephemerals, or expired."""

from kazoo.client import KazooState
from kazoo.exceptions import NoNodeError

from steps import ask, connected, equal, expect, fails_with, step, wait_until

states = []
client = connected(timeout=20.0)
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


def expired_while_down():
    short = connected(timeout=2.0)
    lost = []
    short.add_listener(lost.append)
    old = short.client_id[0]
    short.create('/short', b'', ephemeral=True)
    short._connection.stop()
    wait_until(lambda: client.exists('/short') is None, 'the session expired')
    short._connection.start()
    wait_until(lambda: KazooState.LOST in lost and lost[-1] == KazooState.CONNECTED, 'a new one')
    expect(short.client_id[0] != old, 'another session')
    short.stop()


def expired_over_a_restart():
    short = connected(timeout=2.0)
    short.create('/over', b'', ephemeral=True)
    short._connection.stop()
    count = len(states)
    ask('kill and start')
    wait_until(lambda: len(states) > count and states[-1] == KazooState.CONNECTED, 'reconnected')
    wait_until(lambda: client.exists('/over') is None, 'the session expired after the restart')
    short._session_watchers.clear() if hasattr(short, '_session_watchers') else None


step('before', before)
step('same session after kill -9', same_session)
step('same session after a graceful stop', graceful)
step('expiry', expired_while_down)
step('expiry over a restart', expired_over_a_restart)
client.stop()
# A client whose connection was stopped by hand leaves a thread behind.
import os

os._exit(0)
