"""Takes and gives back a lock of kazoo: the twin of locks.ts, with the same argument and the same output."""

import json
import logging
import sys
import threading
import time

from kazoo.client import KazooClient

logging.basicConfig(level='CRITICAL')
options = json.loads(sys.argv[1])


def connected():
    client = KazooClient(hosts=options['address'], timeout=40.0)
    client.start(timeout=60)
    return client


def contend(client, grants, waits):
    lock = client.Lock(options['znode'])
    for _ in range(grants):
        before = time.perf_counter()
        lock.acquire()
        waits.append((time.perf_counter() - before) * 1000)
        lock.release()


def each(clients, grants):
    waits = []
    threads = [
        threading.Thread(target=contend, args=(clients[i % len(clients)], grants, waits))
        for i in range(options['contenders'])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


clients = [connected() for _ in range(options['sessions'])]
each(clients, options['warmup'])
start = time.perf_counter()
waits = sorted(each(clients, options['grants']))
seconds = time.perf_counter() - start
print(json.dumps({
    'grantsPerSecond': len(waits) / seconds,
    'p50Ms': waits[int(0.5 * (len(waits) - 1))],
    'p99Ms': waits[int(0.99 * (len(waits) - 1))],
}))
for client in clients:
    client.stop()
    client.close()
