"""Every kind of request that kazoo can make, with the answers a ZooKeeper server must give."""

import kazoo
from kazoo.exceptions import (
    AuthFailedError,
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
)
from kazoo.protocol.states import EventType
from kazoo.security import make_acl, make_digest_acl

from steps import Events, connected, equal, expect, fails_with, step

client = connected()
other = connected()


def create_and_read():
    equal(client.create('/data', b'one'), '/data')
    data, stat = client.get('/data')
    equal(data, b'one')
    equal((stat.version, stat.cversion, stat.aversion), (0, 0, 0))
    equal((stat.dataLength, stat.numChildren, stat.ephemeralOwner), (3, 0, 0))
    equal(stat.czxid, stat.mzxid)
    equal(stat.ctime, stat.mtime)
    equal(other.get('/data')[0], b'one')
    fails_with(NodeExistsError, client.create, '/data')
    fails_with(NoNodeError, client.get, '/none')
    fails_with(NoNodeError, client.create, '/none/child')
    equal(client.exists('/none'), None)
    equal(client.create('/null', None), '/null')
    path, stat = client.create('/with-stat', b'four', include_data=True)
    equal((path, stat.dataLength), ('/with-stat', 4))
    equal(client.create('/deep/er/still', b'', makepath=True), '/deep/er/still')
    big = bytes(range(256)) * 2000
    client.create('/big', big)
    equal(client.get('/big')[0], big)
    equal(client.create('/päth', b''), '/päth')
    equal(client.create('/päth/名前', 'wörld'.encode()), '/päth/名前')
    equal(client.get_children('/päth'), ['名前'])


def set_and_versions():
    stat = client.set('/data', b'two')
    equal(stat.version, 1)
    expect(stat.mzxid > stat.czxid, 'mzxid grows')
    equal(client.set('/data', b'three', version=1).version, 2)
    fails_with(BadVersionError, client.set, '/data', b'x', version=1)
    fails_with(NoNodeError, client.set, '/none', b'x')
    equal(client.get('/data')[0], b'three')


def children():
    client.create('/parent')
    for name in ('a', 'b', 'c'):
        client.create('/parent/' + name)
    equal(sorted(client.get_children('/parent')), ['a', 'b', 'c'])
    names, stat = client.get_children('/parent', include_data=True)
    equal((sorted(names), stat.numChildren, stat.cversion), (['a', 'b', 'c'], 3, 3))
    client.delete('/parent/b')
    names, stat = client.get_children('/parent', include_data=True)
    equal((sorted(names), stat.numChildren, stat.cversion), (['a', 'c'], 2, 4))
    fails_with(NotEmptyError, client.delete, '/parent')
    fails_with(BadVersionError, client.delete, '/parent/a', version=3)
    fails_with(NoNodeError, client.delete, '/parent/b')
    client.delete('/parent', recursive=True)
    equal(client.exists('/parent'), None)


def sequential():
    client.create('/queue')
    made = [client.create('/queue/n-', b'', sequence=True) for _ in range(3)]
    equal(made, ['/queue/n-000000000%d' % i for i in range(3)])
    client.delete(made[2])
    equal(client.create('/queue/n-', b'', sequence=True), '/queue/n-0000000003')
    equal(client.create('/queue/', b'', sequence=True), '/queue/0000000004')


def ephemeral():
    owner = connected()
    path = owner.create('/mine', b'e', ephemeral=True)
    equal(client.exists(path).ephemeralOwner, owner.client_id[0])
    fails_with(NoChildrenForEphemeralsError, owner.create, '/mine/child')
    made = owner.create('/queue/e-', b'', ephemeral=True, sequence=True)
    equal(made, '/queue/e-0000000005')
    seen = Events()
    client.exists(path, watch=seen)
    owner.stop()
    owner.close()
    equal(seen.wait(1), [(EventType.DELETED, '/mine')])
    equal(client.exists(made), None)


def watches():
    seen = Events()
    client.create('/watched', b'')
    client.get('/watched', watch=seen)
    other.set('/watched', b'1')
    equal(seen.wait(1), [(EventType.CHANGED, '/watched')])
    client.get_children('/watched', watch=seen)
    other.create('/watched/child')
    equal(seen.wait(2)[1], (EventType.CHILD, '/watched'))
    client.exists('/watched/late', watch=seen)
    other.create('/watched/late')
    equal(seen.wait(3)[2], (EventType.CREATED, '/watched/late'))
    client.exists('/watched/late', watch=seen)
    other.delete('/watched/late')
    equal(seen.wait(4)[3], (EventType.DELETED, '/watched/late'))
    other.set('/watched', b'2')
    client.sync('/')
    equal(len(seen.wait(4)), 4)


def persistent_watches():
    from kazoo.protocol.states import AddWatchMode, WatcherType

    seen = Events()
    client.create('/tree')
    client.add_watch('/tree', seen, AddWatchMode.PERSISTENT_RECURSIVE)
    other.create('/tree/a')
    other.create('/tree/a/b')
    other.set('/tree/a/b', b'x')
    other.delete('/tree/a/b')
    equal(
        seen.wait(4),
        [
            (EventType.CREATED, '/tree/a'),
            (EventType.CREATED, '/tree/a/b'),
            (EventType.CHANGED, '/tree/a/b'),
            (EventType.DELETED, '/tree/a/b'),
        ],
    )
    client.remove_all_watches('/tree', WatcherType.ANY)
    other.set('/tree/a', b'unseen')
    client.sync('/')
    equal(len([one for one in seen.wait(4) if one[0] == EventType.CHANGED]), 1)


def transactions():
    transaction = client.transaction()
    transaction.create('/multi', b'0')
    transaction.create('/multi/n-', b'', sequence=True)
    transaction.set_data('/multi', b'1')
    transaction.check('/multi', 1)
    transaction.create('/multi/gone', b'', ephemeral=True)
    transaction.delete('/multi/gone')
    results = transaction.commit()
    equal(results[:2], ['/multi', '/multi/n-0000000000'])
    equal(results[2].version, 1)
    equal(results[3:], [True, '/multi/gone', True])
    stat = client.exists('/multi')
    equal(stat.czxid, stat.mzxid)
    equal(client.get('/multi')[0], b'1')

    refused = client.transaction()
    refused.create('/multi/half', b'')
    refused.check('/multi', 7)
    refused.delete('/multi')
    results = refused.commit()
    equal([type(one).__name__ for one in results],
          ['RolledBackError', 'BadVersionError', 'RuntimeInconsistency'])
    expect(isinstance(results[0], RolledBackError), 'rolled back')
    equal(client.exists('/multi/half'), None)


def acls():
    member = connected(auth_data=[('digest', 'user:pass')])
    member.create('/secret', b'hidden', acl=[make_digest_acl('user', 'pass', all=True)])
    equal(member.get('/secret')[0], b'hidden')
    fails_with(NoAuthError, client.get, '/secret')
    fails_with(NoAuthError, client.set, '/secret', b'x')
    entries, stat = member.get_acls('/secret')
    equal([(one.perms, one.id.scheme, one.id.id) for one in entries],
          [(31, 'digest', 'user:smGaoVKd/cQkjm7b88GyorAUz20=')])
    readable = entries + [make_acl('world', 'anyone', read=True)]
    equal(member.set_acls('/secret', readable, version=stat.aversion).aversion, 1)
    equal(client.get('/secret')[0], b'hidden')
    fails_with(NoAuthError, client.set, '/secret', b'x')
    fails_with(NoAuthError, client.set_acls, '/secret', readable)
    fails_with(BadVersionError, member.set_acls, '/secret', readable, version=0)
    fails_with(InvalidACLError, client.create, '/bad', b'', acl=[make_acl('digest', 'nocolon', all=True)])
    late = connected()
    fails_with(NoAuthError, late.set, '/secret', b'x')
    late.add_auth('digest', 'user:pass')
    equal(late.set('/secret', b'open').version, 1)
    fails_with(AuthFailedError, late.add_auth, 'nosuch', 'x')
    for one in (member, late):
        one.stop()
        one.close()


def asynchronous():
    client.create('/async')
    made = [client.create_async('/async/%d' % i, b'%d' % i) for i in range(500)]
    reads = [client.get_async('/async/%d' % i) for i in range(500)]
    equal([one.get(timeout=60) for one in made], ['/async/%d' % i for i in range(500)])
    equal([one.get(timeout=60)[0] for one in reads], [b'%d' % i for i in range(500)])
    equal(len(client.get_children('/async')), 500)


def four_letter_words():
    equal(client.command(b'ruok'), 'imok')
    expect('Mode: standalone' in client.command(b'srvr'), 'srvr')
    expect('zk_znode_count' in client.command(b'mntr'), 'mntr')
    expect('clientPort=' in client.command(b'conf'), 'conf')
    expect('Connections' in client.command(b'stat'), 'stat')
    expect(client.server_version() >= (3, 8), 'version')


step('create and read', create_and_read)
step('set and versions', set_and_versions)
step('children', children)
step('sequential', sequential)
step('ephemeral', ephemeral)
step('watches', watches)
if hasattr(client, 'add_watch'):
    step('persistent watches', persistent_watches)
else:
    print('kazoo %s has no add_watch' % kazoo.__version__, flush=True)
step('transactions', transactions)
step('acls', acls)
step('asynchronous', asynchronous)
step('four-letter words', four_letter_words)
client.stop()
other.stop()
