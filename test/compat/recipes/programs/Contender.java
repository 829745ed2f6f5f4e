import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.recipes.leader.LeaderElectionSupport;
import org.apache.zookeeper.recipes.lock.LockListener;
import org.apache.zookeeper.recipes.lock.WriteLock;

/**
 * Takes part in contests with the recipes of Curator, and of Apache ZooKeeper's own library, as told line by line on
 * standard input; the commands are those of contender.py.
 */
public class Contender {
    static String address;
    static final Map<String, CountDownLatch> releases = new ConcurrentHashMap<>();

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    interface Work {
        void run() throws Exception;
    }

    interface Hold {
        /** Returns what gives it back. */
        Work take() throws Exception;
    }

    static CuratorFramework connected() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(address, 30000, 30000, new RetryNTimes(20, 100));
        client.start();
        client.blockUntilConnected();
        return client;
    }

    static Hold curatorHold(CuratorFramework client, String recipe, String path) {
        switch (recipe) {
            case "InterProcessMutex":
                return () -> {
                    InterProcessMutex mutex = new InterProcessMutex(client, path);
                    mutex.acquire();
                    return mutex::release;
                };
            case "ReadLock":
            case "WriteLock":
                return () -> {
                    InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, path);
                    InterProcessMutex side = recipe.equals("ReadLock") ? lock.readLock() : lock.writeLock();
                    side.acquire();
                    return side::release;
                };
            case "LeaderLatch":
                return () -> {
                    LeaderLatch latch = new LeaderLatch(client, path, "curator");
                    latch.start();
                    latch.await();
                    return latch::close;
                };
            case "LeaderSelector":
                return () -> selected(client, path);
            default:
                if (!recipe.startsWith("InterProcessSemaphoreV2:")) throw new IllegalArgumentException(recipe);
                int permits = Integer.parseInt(recipe.substring(recipe.indexOf(':') + 1));
                return () -> {
                    InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, permits);
                    Lease lease = semaphore.acquire();
                    return () -> semaphore.returnLease(lease);
                };
        }
    }

    /** Leads until it is given back. */
    static Work selected(CuratorFramework client, String path) throws Exception {
        CountDownLatch leads = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        LeaderSelector selector = new LeaderSelector(client, path, new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework same) throws Exception {
                leads.countDown();
                mayEnd.await();
                ended.countDown();
            }
        });
        selector.start();
        leads.await();
        return () -> {
            mayEnd.countDown();
            ended.await();
            // Its own thread deletes the znode afterwards.
            while (!selector.getParticipants().isEmpty() && selector.hasLeadership()) Thread.sleep(1);
            selector.close();
        };
    }

    /** ZooKeeper's own recipes, on its own client. */
    static Hold zooKeeperHold(ZooKeeper client, String recipe, String path) {
        if (recipe.equals("zk:WriteLock")) {
            return () -> {
                CountDownLatch held = new CountDownLatch(1);
                WriteLock lock = new WriteLock(client, path, ZooDefs.Ids.OPEN_ACL_UNSAFE, new LockListener() {
                    public void lockAcquired() {
                        held.countDown();
                    }

                    public void lockReleased() {}
                });
                lock.lock();
                held.await();
                return lock::unlock;
            };
        }
        return () -> {
            CountDownLatch over = new CountDownLatch(1);
            LeaderElectionSupport.EventType[] last = new LeaderElectionSupport.EventType[1];
            LeaderElectionSupport election = new LeaderElectionSupport();
            election.setZooKeeper(client);
            election.setRootNodeName(path);
            election.setHostName("here");
            election.addListener(type -> {
                if (type == LeaderElectionSupport.EventType.ELECTED_COMPLETE
                        || type == LeaderElectionSupport.EventType.FAILED) {
                    last[0] = type;
                    over.countDown();
                }
            });
            election.start();
            over.await();
            if (last[0] == LeaderElectionSupport.EventType.FAILED) throw new IllegalStateException("election failed");
            return election::stop;
        };
    }

    static void hold(String id, String recipe, String path) throws Exception {
        CountDownLatch mayEnd = releases.get(id);
        Hold hold;
        long session;
        Work close;
        if (recipe.startsWith("zk:")) {
            CountDownLatch up = new CountDownLatch(1);
            // An attempt to connect that fails is told of, too: nobody has a session by then.
            ZooKeeper client = new ZooKeeper(address, 30000, (WatchedEvent event) -> {
                if (event.getState() == KeeperState.SyncConnected) up.countDown();
            });
            up.await();
            session = client.getSessionId();
            hold = zooKeeperHold(client, recipe, path);
            close = client::close;
        } else {
            CuratorFramework client = connected();
            session = client.getZookeeperClient().getZooKeeper().getSessionId();
            hold = curatorHold(client, recipe, path);
            close = client::close;
        }
        try {
            Work release = hold.take();
            say(id + " held " + session);
            mayEnd.await();
            release.run();
            say(id + " released");
        } finally {
            close.run();
        }
    }

    /** Sees every grant; says nothing before the witness has noted it. */
    static class Witness {
        final BufferedReader in;
        final PrintWriter out;

        Witness(int port) throws IOException {
            Socket socket = new Socket("127.0.0.1", port);
            socket.setTcpNoDelay(true);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
        }

        void tell(String line) throws IOException {
            out.println(line);
            if (!"noted".equals(in.readLine())) throw new IOException("the witness is gone");
        }
    }

    static void contend(String id, String recipe, String path, int grants, int workers, int port) throws Exception {
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (int n = 0; n < workers; n++) {
            int number = n;
            Thread thread = new Thread(() -> {
                try {
                    work(recipe, path, grants, number, new Witness(port));
                } catch (Throwable error) {
                    synchronized (failures) {
                        failures.add(error);
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) thread.join();
        say(id + (failures.isEmpty() ? " done" : " failed " + failures));
    }

    static void work(String recipe, String path, int grants, int number, Witness witness) throws Exception {
        CuratorFramework client = connected();
        String who = "curator-" + number;
        if (recipe.equals("LeaderSelector")) {
            takeTurns(client, path, grants, who, witness);
        } else {
            for (int turn = 0; turn < grants; turn++) {
                String one = recipe;
                if (recipe.equals("ReadWrite")) one = (turn + number) % 2 == 0 ? "ReadLock" : "WriteLock";
                Work release = curatorHold(client, one, path).take();
                inside(client, path, one.equals("ReadLock") ? "shared" : "exclusive", who, witness);
                release.run();
            }
        }
        client.close();
    }

    static void inside(CuratorFramework client, String path, String kind, String who, Witness witness)
            throws Exception {
        String what = " " + path + " " + kind + " " + who;
        witness.tell("enter" + what);
        client.checkExists().forPath(path);
        witness.tell("leave" + what);
    }

    /** One selector that queues up again after each turn. */
    static void takeTurns(CuratorFramework client, String path, int grants, String who, Witness witness)
            throws Exception {
        CountDownLatch enough = new CountDownLatch(grants);
        AtomicInteger turns = new AtomicInteger();
        List<Exception> failures = new ArrayList<>();
        LeaderSelector selector = new LeaderSelector(client, path, new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework same) throws Exception {
                if (turns.getAndIncrement() >= grants) return;
                try {
                    inside(client, path, "exclusive", who, witness);
                } catch (Exception error) {
                    failures.add(error);
                }
                enough.countDown();
            }
        });
        selector.autoRequeue();
        selector.start();
        enough.await();
        selector.close();
        if (!failures.isEmpty()) throw failures.get(0);
    }

    public static void main(String[] args) throws Exception {
        address = args[0];
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            String id = words[1];
            if (words[0].equals("release")) {
                releases.get(id).countDown();
                continue;
            }
            releases.put(id, new CountDownLatch(1));
            Thread thread = new Thread(() -> {
                try {
                    if (words[0].equals("hold")) hold(id, words[2], words[3]);
                    else contend(id, words[2], words[3], number(words[4]), number(words[5]), number(words[6]));
                } catch (Throwable error) {
                    say(id + " failed " + error);
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
        System.exit(0);
    }

    static int number(String text) {
        return Integer.parseInt(text);
    }
}
