"""A session whose server stands still for longer than the session timeout."""

from kazoo.client import KazooState

from steps import ask, connected, equal, expect, step, wait_until

states = []
client = connected(timeout=4.0)
client.add_listener(states.append)
session = client.client_id[0]
client.create('/kazoo-paused', b'', ephemeral=True)


def session_survives():
    ask('pause')
    wait_until(lambda: client.connected, 'connected')
    equal(client.exists('/kazoo-paused').ephemeralOwner, session)
    equal(client.client_id[0], session)
    expect(KazooState.LOST not in states, 'never lost: %r' % states)


step('session survives', session_survives)
client.stop()
