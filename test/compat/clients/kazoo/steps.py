"""What the kazoo scripts share: named steps, connections, and questions to the test that runs the script."""

import logging
import os
import sys
import threading
import time

from kazoo.client import KazooClient

ADDRESS = sys.argv[1]
logging.basicConfig(level=os.environ.get('KAZOO_LOG', 'CRITICAL'))


def connected(**options):
    again = {'max_tries': -1, 'delay': 0.1, 'max_delay': 0.5}
    client = KazooClient(hosts=ADDRESS, connection_retry=again, **{'timeout': 30.0, **options})
    client.start(timeout=60)
    return client


def step(name, work):
    work()
    print('ok ' + name, flush=True)


def ask(what):
    """Asks the test to do something with the server, and waits until it has."""
    print('ask ' + what, flush=True)
    answer = sys.stdin.readline().strip()
    assert answer == 'done', answer


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(found, wanted):
    if found != wanted:
        raise AssertionError('found %r, wanted %r' % (found, wanted))


def fails_with(error, call, *args, **named):
    try:
        result = call(*args, **named)
    except error:
        return
    raise AssertionError('%r instead of %s' % (result, error.__name__))


class Events:
    """Collects watch events and waits for a number of them."""

    def __init__(self):
        self._seen = []
        self._changed = threading.Condition()

    def __call__(self, event):
        with self._changed:
            self._seen.append((event.type, event.path))
            self._changed.notify_all()

    def wait(self, count, seconds=60.0):
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(self._seen) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError('only %r' % (self._seen,))
                self._changed.wait(left)
            return list(self._seen)


def wait_until(condition, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('still not true: ' + what)
        time.sleep(0.02)
