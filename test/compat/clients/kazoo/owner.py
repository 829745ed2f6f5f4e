"""Owns an ephemeral until it is killed; prints its session."""

import sys
import time

from kazoo.exceptions import ConnectionLoss, NodeExistsError, SessionExpiredError

from steps import connected

client = connected(timeout=2.0)


def owner_of(path):
    """The session that owns the znode; None when it is over, or may be: this process stood still."""
    session = client.client_id
    try:
        try:
            client.create(path, b'', ephemeral=True)
        except NodeExistsError:
            # Of a session before, or from a call whose answer was lost.
            pass
        stat = client.exists(path)
    except (ConnectionLoss, SessionExpiredError):
        return None
    return session if stat is not None and stat.ephemeralOwner == session[0] else None


owner = None
while owner is None:
    time.sleep(0.05)
    owner = owner_of(sys.argv[2])
print(owner[0], owner[1].hex(), flush=True)
time.sleep(60)
