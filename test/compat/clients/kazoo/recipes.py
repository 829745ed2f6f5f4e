"""Kazoo's recipes, each with several sessions that compete or wait for each other."""

import threading
import time

from kazoo.recipe.barrier import DoubleBarrier
from kazoo.recipe.cache import TreeCache

from steps import connected, equal, expect, step, wait_until

# Seconds for what takes less than one on a machine that has nothing else to do.
LIMIT = 60

clients = [connected() for _ in range(4)]
first, second = clients[:2]


def in_threads(work):
    failures = []

    def run(client):
        try:
            work(client)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    equal(failures, [])
    expect(not any(thread.is_alive() for thread in threads), 'all came back')


def lock():
    inside = []
    most = []

    def work(client):
        for _ in range(10):
            with client.Lock('/lock', 'me'):
                inside.append(client)
                most.append(len(inside))
                client.exists('/lock')
                inside.remove(client)

    in_threads(work)
    equal((len(most), max(most)), (40, 1))
    held = first.Lock('/lock', 'holder')
    held.acquire()
    equal(second.Lock('/lock').contenders(), ['holder'])
    expect(not second.Lock('/lock').acquire(blocking=False), 'taken')
    held.release()


def read_write_lock():
    readers = [client.ReadLock('/rwlock') for client in (first, second)]
    for reader in readers:
        expect(reader.acquire(timeout=LIMIT), 'readers share')
    writer = clients[2].WriteLock('/rwlock')
    expect(not writer.acquire(blocking=False), 'a writer waits for readers')
    for reader in readers:
        reader.release()
    expect(writer.acquire(timeout=LIMIT), 'the writer comes in')
    writer.release()


def semaphore():
    permits = [client.Semaphore('/semaphore', max_leases=2) for client in clients[:3]]
    expect(permits[0].acquire(timeout=LIMIT) and permits[1].acquire(timeout=LIMIT), 'two leases')
    expect(not permits[2].acquire(blocking=False), 'no third')
    permits[0].release()
    expect(permits[2].acquire(timeout=LIMIT), 'a lease came free')
    permits[1].release()
    permits[2].release()


def election():
    led = []

    def work(client):
        client.Election('/election', str(id(client))).run(lambda: led.append(client))

    in_threads(work)
    equal(len(led), 4)
    equal(set(map(id, led)), set(map(id, clients)))


def barrier():
    shared = first.Barrier('/barrier')
    shared.create()
    passed = []
    waiter = threading.Thread(target=lambda: passed.append(second.Barrier('/barrier').wait(LIMIT)))
    waiter.start()
    wait_until(lambda: second.exists('/barrier'), 'the barrier is there')
    equal(passed, [])
    shared.remove()
    waiter.join(LIMIT)
    equal(passed, [True])


def double_barrier():
    # A member that looks for the others after the first of them has come out again waits for ever: one run in seventy
    # on Apache's server, too. So the last one comes when all others have looked.
    looked = threading.Semaphore(0)
    last = clients[-1]

    class Looks:
        def __init__(self, client):
            self._client = client

        def __getattr__(self, name):
            return getattr(self._client, name)

        def get_children(self, path):
            found = self._client.get_children(path)
            looked.release()
            return found

    def work(client):
        if client is last:
            for _ in clients[:-1]:
                looked.acquire(timeout=LIMIT)
        both = DoubleBarrier(Looks(client), '/double', 4)
        both.enter()
        expect(both.participating, 'entered')
        both.leave()

    in_threads(work)
    equal(first.get_children('/double'), [])


def counter():
    def work(client):
        mine = client.Counter('/counter')
        for _ in range(25):
            mine += 1

    in_threads(work)
    equal(first.Counter('/counter').value, 100)


def queue():
    waiting = first.Queue('/work')
    for i in range(10):
        waiting.put(b'%d' % i)
    equal(len(waiting), 10)
    equal([second.Queue('/work').get() for _ in range(10)], [b'%d' % i for i in range(10)])
    equal(second.Queue('/work').get(), None)


def party():
    members = [client.Party('/party', 'p%d' % i) for i, client in enumerate(clients)]
    for member in members:
        member.join()
    equal(sorted(first.Party('/party')), ['p0', 'p1', 'p2', 'p3'])
    members[1].leave()
    equal(sorted(first.Party('/party')), ['p0', 'p2', 'p3'])


def data_and_children_watch():
    values = []
    names = []
    first.create('/observed', b'0')
    first.DataWatch('/observed', lambda data, stat: values.append(data))
    first.ChildrenWatch('/observed', lambda children: names.append(sorted(children)))
    for i in range(1, 4):
        second.set('/observed', b'%d' % i)
        wait_until(lambda: values[-1] == b'%d' % i, 'data %d was seen' % i)
        second.create('/observed/c%d' % i)
        wait_until(lambda: len(names[-1]) == i, 'child %d was seen' % i)
    equal(names[-1], ['c1', 'c2', 'c3'])
    second.delete('/observed', recursive=True)
    wait_until(lambda: values[-1] is None, 'the deletion was seen')


def tree_cache():
    second.create('/cached/a/b', b'1', makepath=True)
    cache = TreeCache(first, '/cached')
    cache.start()
    wait_until(lambda: cache.get_data('/cached/a/b') is not None, 'the cache is filled')
    second.set('/cached/a/b', b'2')
    wait_until(lambda: cache.get_data('/cached/a/b').data == b'2', 'the cache follows')
    second.create('/cached/a/c', b'')
    wait_until(lambda: cache.get_children('/cached/a') == {'b', 'c'}, 'the cache sees children')
    cache.close()


def partitioner():
    shares = {}
    shared_out = threading.Event()

    def work(client):
        part = client.SetPartitioner(
            '/parts', set=range(8), identifier=str(id(client)), time_boundary=0.5
        )
        deadline = time.monotonic() + LIMIT - 5
        # Everybody keeps following until the four of them share the set: before the last of them has joined, the
        # others share it as well.
        while not shared_out.is_set():
            expect(time.monotonic() < deadline and not part.failed, 'shared out: %r' % shares)
            if part.release:
                part.release_set()
            elif part.allocating:
                part.wait_for_acquire(2)
            if part.acquired:
                shares[client] = list(part)
            found = list(shares.values())
            if len(found) == len(clients) and sorted(sum(found, [])) == list(range(8)):
                shared_out.set()
            time.sleep(0.05)
        part.finish()

    in_threads(work)
    equal([len(share) for share in shares.values()], [2, 2, 2, 2])


step('lock', lock)
step('read-write lock', read_write_lock)
step('semaphore', semaphore)
step('election', election)
step('barrier', barrier)
step('double barrier', double_barrier)
step('counter', counter)
step('queue', queue)
step('party', party)
step('data and children watch', data_and_children_watch)
step('tree cache', tree_cache)
step('partitioner', partitioner)
for one in clients:
    one.stop()
