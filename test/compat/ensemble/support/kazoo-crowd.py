"""
Clients of kazoo's that live through a migration: each owns an ephemeral znode, and watches a common znode and its
neighbour's ephemeral.

    python3 kazoo-crowd.py HOST:PORT,HOST:PORT,... CLIENTS

Prints `ready`. For each line `check N` of the input one client writes N to the common znode; once the watches of all
clients have seen it, and each client has found its ephemeral with its own session, prints `ok N`. At the end of the
input the clients are closed; prints `end`. Whatever went wrong, a lost session too, is printed as `error ...` and ends
the program with 1.
"""
import logging
import os
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.retry import KazooRetry

LIMIT_S = 60

logging.basicConfig(level=logging.CRITICAL)


class Member:
    def __init__(self, hosts, index, count):
        self.own = '/crowd/%d' % index
        self.neighbour = '/crowd/%d' % ((index + 1) % count)
        self.lost = 0
        self.seen = None
        self.gone = 0
        retry = KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5, ignore_expire=False)
        self.client = KazooClient(
            hosts=hosts, timeout=15, connection_retry=retry, command_retry=retry, randomize_hosts=True
        )
        self.client.add_listener(self.on_state)
        self.client.start(timeout=LIMIT_S)
        self.session = self.client.client_id[0]

    def on_state(self, state):
        if state == KazooState.LOST:
            self.lost += 1

    def enter(self):
        self.client.create(self.own, b'', ephemeral=True, makepath=True)

    def watch(self):
        @self.client.DataWatch('/crowd')
        def on_data(data, _stat):
            self.seen = data

        @self.client.DataWatch(self.neighbour)
        def on_neighbour(data, _stat):
            if data is None:
                self.gone += 1

    def verify(self):
        stat = self.client.retry(self.client.exists, self.own)
        assert stat is not None, '%s is gone' % self.own
        assert stat.ephemeralOwner == self.session, '%s has another owner' % self.own
        assert self.client.client_id[0] == self.session, '%s has a new session' % self.own
        assert self.lost == 0, '%s lost its session' % self.own
        assert self.gone == 0, '%s was told that %s is gone' % (self.own, self.neighbour)


def check(members, number):
    value = str(number).encode()
    writer = members[number % len(members)].client
    writer.retry(writer.set, '/crowd', value)
    limit = time.monotonic() + LIMIT_S
    while any(member.seen != value for member in members):
        assert time.monotonic() < limit, 'a watch did not fire: %r' % [one.seen for one in members]
        time.sleep(0.01)
    threads = []
    errors = []

    def verify(member):
        try:
            member.verify()
        except Exception as error:  # told below, whatever it is
            errors.append(repr(error))

    for member in members:
        thread = threading.Thread(target=verify, args=(member,))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(LIMIT_S)
        assert not thread.is_alive(), 'a client gets no answer'
    assert not errors, errors


def main():
    hosts, count = sys.argv[1], int(sys.argv[2])
    members = [Member(hosts, index, count) for index in range(count)]
    members[0].client.ensure_path('/crowd')
    for member in members:
        member.enter()
    for member in members:
        member.watch()
    print('ready', flush=True)
    for line in sys.stdin:
        number = int(line.split()[1])
        check(members, number)
        print('ok %d' % number, flush=True)
    for member in members:
        member.client.stop()
        member.client.close()
    print('end', flush=True)


if __name__ == '__main__':
    try:
        main()
    except Exception as error:  # the test wants one line
        print('error %r' % error, flush=True)
        # Threads of clients that cannot be stopped would keep the program alive.
        os._exit(1)
