"""Owns an ephemeral until it is killed; prints its session."""

import sys
import time

from steps import connected

client = connected(timeout=2.0)
client.create(sys.argv[2], b'', ephemeral=True)
print(client.client_id[0], client.client_id[1].hex(), flush=True)
time.sleep(60)
