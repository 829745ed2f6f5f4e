"""Evaluates kazoo for a test: each line `NAME EXPRESSION` is evaluated in a thread with `zk`, a client of its own session
per thread, and answered with `NAME value JSON` or `NAME failed REASON`."""

import json
import logging
import os
import sys
import threading

from kazoo.client import KazooClient

logging.basicConfig(level='CRITICAL')
printing = threading.Lock()
# What has to live on: an expression that adds to it keeps its client.
keep = []


def say(*words):
    with printing:
        print(*words, flush=True)


def taken(get, count):
    """Takes so many things, as text."""
    found = []
    while len(found) < count:
        one = get()
        if one is not None:
            found.append(one.decode())
    return found


def consumed(queue, count):
    """The same from a LockingQueue."""
    found = []
    while len(found) < count:
        one = queue.get(timeout=5)
        if one is not None:
            found.append(one.decode())
            queue.consume()
    return found


def evaluate(name, expression):
    try:
        zk = KazooClient(hosts=sys.argv[1], timeout=30.0)
        zk.start(timeout=60)
        kept = len(keep)
        value = eval(expression, {'zk': zk, 'taken': taken, 'consumed': consumed, 'keep': keep})
        say(name, 'value', json.dumps(value))
        if len(keep) == kept:
            zk.stop()
            zk.close()
    except Exception as error:
        say(name, 'failed', repr(error))


for line in sys.stdin:
    threading.Thread(target=evaluate, args=line.strip().split(' ', 1), daemon=True).start()
os._exit(0)
