"""Takes part in contests with kazoo's recipes, as told line by line on standard input.

hold ID RECIPE PATH                         answers `ID held SESSION` when it has it, or `ID failed REASON`
release ID                                  answers `ID released`
contend ID RECIPE PATH GRANTS WORKERS PORT  answers `ID done`; every grant is shown to the witness at PORT
"""

import logging
import socket
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import LockTimeout
from kazoo.recipe.lock import ReadLock

ADDRESS = sys.argv[1]
logging.basicConfig(level='CRITICAL')
printing = threading.Lock()
releases = {}


def say(*words):
    with printing:
        print(*words, flush=True)


def connected():
    again = {'max_tries': -1, 'delay': 0.1, 'max_delay': 0.5}
    client = KazooClient(hosts=ADDRESS, connection_retry=again, timeout=30.0)
    client.start(timeout=60)
    return client


def recipe_at(client, recipe, path):
    if recipe == 'Lock':
        return client.Lock(path)
    if recipe == 'Lock+':
        return client.Lock(path, extra_lock_patterns=['-lock-'])
    if recipe == 'ReadLock':
        return client.ReadLock(path)
    if recipe == 'WriteLock':
        return client.WriteLock(path)
    if recipe.startswith('Semaphore:'):
        return client.Semaphore(path, max_leases=int(recipe.split(':')[1]))
    raise ValueError('no recipe ' + recipe)


def acquire(lock):
    """A reader of kazoo 2.8.0 waits for the last writer, also for one that came after it and waits for the reader
    (`_get_predecessor` does not find the reader among the contenders). Readers and writers of kazoo alone stop each
    other that way. So a reader steps back after a while, and comes again."""
    while isinstance(lock, ReadLock):
        try:
            return lock.acquire(timeout=0.25)
        except LockTimeout:
            pass
    return lock.acquire()


def hold(name, recipe, path):
    client = connected()
    done = threading.Event()
    releases[name] = done
    try:
        lock = recipe_at(client, recipe, path)
        lock.acquire()
        say(name, 'held', client.client_id[0])
        done.wait()
        lock.release()
        say(name, 'released')
    except Exception as error:
        say(name, 'failed', repr(error))
    finally:
        client.stop()
        client.close()


class Witness:
    """Sees every grant; says nothing before the witness has noted it."""

    def __init__(self, port):
        self._file = socket.create_connection(('127.0.0.1', port)).makefile('rw')

    def tell(self, *words):
        self._file.write(' '.join(words) + '\n')
        self._file.flush()
        assert self._file.readline() == 'noted\n'


def contend(name, recipe, path, grants, workers, port):
    failures = []

    def work(number):
        try:
            client = connected()
            witness = Witness(port)
            who = 'kazoo-%d' % number

            def inside(kind):
                witness.tell('enter', path, kind, who)
                client.exists(path)
                witness.tell('leave', path, kind, who)

            if recipe == 'Election':
                # `run` returns after each turn.
                for _ in range(grants):
                    client.Election(path, who).run(inside, 'exclusive')
            for turn in range(grants if recipe != 'Election' else 0):
                kind = 'exclusive'
                one = recipe
                if recipe == 'ReadWrite':
                    kind = 'shared' if (turn + number) % 2 == 0 else 'exclusive'
                    one = 'ReadLock' if kind == 'shared' else 'WriteLock'
                lock = recipe_at(client, one, path)
                acquire(lock)
                inside(kind)
                lock.release()
            client.stop()
            client.close()
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(name, *(['failed'] + failures if failures else ['done']))


for line in sys.stdin:
    command, name, *rest = line.split()
    if command == 'release':
        releases[name].set()
        continue
    if command == 'hold':
        work, args = hold, (name, *rest)
    else:
        recipe, path, *numbers = rest
        work, args = contend, (name, recipe, path, *(int(number) for number in numbers))
    threading.Thread(target=work, args=args, daemon=True).start()
