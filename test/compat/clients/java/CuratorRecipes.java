import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.retry.RetryForever;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/** Curator's recipes with several sessions that compete. */
public class CuratorRecipes {
    static void equal(Object found, Object wanted) {
        if (!String.valueOf(found).equals(String.valueOf(wanted))) {
            throw new AssertionError("found " + found + ", wanted " + wanted);
        }
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    static void waitUntil(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) throw new AssertionError("still not true: " + what);
            Thread.sleep(20);
        }
    }

    static void lock(List<CuratorFramework> clients) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger entered = new AtomicInteger();
        ExecutorService pool = Executors.newFixedThreadPool(clients.size());
        List<Future<?>> all = new ArrayList<>();
        for (CuratorFramework client : clients) {
            all.add(pool.submit(() -> {
                InterProcessMutex mutex = new InterProcessMutex(client, "/curator/lock");
                for (int i = 0; i < 20; i++) {
                    mutex.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    entered.incrementAndGet();
                    client.checkExists().forPath("/curator/lock");
                    inside.decrementAndGet();
                    mutex.release();
                }
                return null;
            }));
        }
        for (Future<?> one : all) one.get(90, TimeUnit.SECONDS);
        pool.shutdown();
        equal(entered.get() + " " + most.get(), "60 1");
        System.out.println("ok lock");
    }

    static void leaderLatch(List<CuratorFramework> clients) throws Exception {
        List<LeaderLatch> latches = new ArrayList<>();
        for (CuratorFramework client : clients) {
            LeaderLatch latch = new LeaderLatch(client, "/curator/leader");
            latch.start();
            latches.add(latch);
        }
        while (!latches.isEmpty()) {
            waitUntil("one leads", () -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1);
            LeaderLatch leader = latches.stream().filter(LeaderLatch::hasLeadership).findFirst().get();
            leader.close();
            latches.remove(leader);
        }
        System.out.println("ok leader latch");
    }

    static void persistentNode(CuratorFramework client, CuratorFramework other) throws Exception {
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/curator/node", "v".getBytes());
        node.start();
        equal(node.waitForInitialCreate(60, TimeUnit.SECONDS), true);
        Stat before = other.checkExists().forPath("/curator/node");
        other.delete().forPath("/curator/node");
        waitUntil("the node is back", () -> {
            Stat stat = other.checkExists().forPath("/curator/node");
            return stat != null && stat.getCzxid() != before.getCzxid();
        });
        node.close();
        waitUntil("the node is gone", () -> other.checkExists().forPath("/curator/node") == null);
        System.out.println("ok persistent node");
    }

    static void cache(CuratorFramework client, CuratorFramework other) throws Exception {
        other.create().creatingParentsIfNeeded().forPath("/curator/cache/a/b", "1".getBytes());
        CuratorCache cache = CuratorCache.build(client, "/curator/cache");
        cache.start();
        waitUntil("the cache is filled", () -> cache.get("/curator/cache/a/b").isPresent());
        other.setData().forPath("/curator/cache/a/b", "2".getBytes());
        waitUntil("the cache follows", () -> "2".equals(new String(cache.get("/curator/cache/a/b").get().getData())));
        other.delete().forPath("/curator/cache/a/b");
        waitUntil("the cache forgets", () -> cache.get("/curator/cache/a/b").isEmpty());
        cache.close();
        System.out.println("ok cache");
    }

    static void counter(List<CuratorFramework> clients) throws Exception {
        for (int i = 0; i < 30; i++) {
            CuratorFramework client = clients.get(i % clients.size());
            equal(new DistributedAtomicLong(client, "/curator/counter", new RetryNTimes(10, 10)).increment().succeeded(), true);
        }
        equal(new DistributedAtomicLong(clients.get(0), "/curator/counter", new RetryForever(10)).get().postValue(), 30);
        System.out.println("ok counter");
    }

    static void containersAndTransactions(CuratorFramework client) throws Exception {
        client.createContainers("/curator/box/inner");
        equal(client.checkExists().forPath("/curator/box/inner").getEphemeralOwner(), 0);
        client.transaction().forOperations(
            client.transactionOp().create().forPath("/curator/t", "1".getBytes()),
            client.transactionOp().setData().forPath("/curator/t", "2".getBytes()),
            client.transactionOp().check().withVersion(1).forPath("/curator/t"));
        equal(new String(client.getData().forPath("/curator/t")), "2");
        System.out.println("ok containers and transactions");
    }

    public static void main(String[] args) throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], 60000, 60000, new RetryNTimes(10, 100));
            client.start();
            equal(client.blockUntilConnected(60, TimeUnit.SECONDS), true);
            clients.add(client);
        }
        lock(clients);
        leaderLatch(clients);
        persistentNode(clients.get(0), clients.get(1));
        cache(clients.get(0), clients.get(1));
        counter(clients);
        containersAndTransactions(clients.get(2));
        for (CuratorFramework client : clients) client.close();
        System.exit(0);
    }
}
