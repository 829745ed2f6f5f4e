import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** What zkCli.sh cannot do: multi, watches that survive a reconnect, a session over a restart. */
public class JavaSession {
    interface Work {
        Object run() throws Exception;
    }

    static String address;

    static ZooKeeper open(int timeout, Watcher watcher) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(address, timeout, event -> {
            watcher.process(event);
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
        });
        if (!connected.await(60, TimeUnit.SECONDS)) throw new AssertionError("not connected");
        return zk;
    }

    static void equal(Object found, Object wanted) {
        if (!String.valueOf(found).equals(String.valueOf(wanted))) {
            throw new AssertionError("found " + found + ", wanted " + wanted);
        }
    }

    static void fails(Code code, Work work) throws Exception {
        try {
            Object result = work.run();
            throw new AssertionError(result + " instead of " + code);
        } catch (KeeperException e) {
            equal(e.code(), code);
        }
    }

    static void ask(String what) throws Exception {
        System.out.println("ask " + what);
        StringBuilder answer = new StringBuilder();
        for (int c = System.in.read(); c != '\n' && c >= 0; c = System.in.read()) answer.append((char) c);
        equal(answer, "done");
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String next(BlockingQueue<WatchedEvent> events) throws Exception {
        WatchedEvent event = events.poll(60, TimeUnit.SECONDS);
        return event == null ? "no event" : event.getType() + " " + event.getPath();
    }

    static void multi(ZooKeeper zk) throws Exception {
        var open = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        List<OpResult> results = zk.multi(List.of(
            Op.create("/multi", bytes("0"), open, CreateMode.PERSISTENT),
            Op.create("/multi/n-", null, open, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.create("/multi/box", null, open, CreateMode.CONTAINER),
            Op.setData("/multi", bytes("11"), 0),
            Op.check("/multi", 1),
            Op.delete("/multi/n-0000000000", 0)));
        equal(((OpResult.CreateResult) results.get(1)).getPath(), "/multi/n-0000000000");
        equal(((OpResult.SetDataResult) results.get(3)).getStat().getVersion(), 1);
        Stat stat = zk.exists("/multi", false);
        equal(stat.getCzxid() == stat.getMzxid(), true);
        equal(zk.getChildren("/multi", false), "[box]");
        fails(Code.BADVERSION, () -> zk.multi(List.of(
            Op.create("/multi/half", null, open, CreateMode.PERSISTENT), Op.check("/multi", 9))));
        equal(zk.exists("/multi/half", false), null);
        List<OpResult> reads = zk.multi(List.of(Op.getData("/multi"), Op.getChildren("/none"), Op.getChildren("/multi")));
        equal(new String(((OpResult.GetDataResult) reads.get(0)).getData()), "11");
        equal(((OpResult.ErrorResult) reads.get(1)).getErr(), Code.NONODE.intValue());
        equal(((OpResult.GetChildrenResult) reads.get(2)).getChildren(), "[box]");
        System.out.println("ok multi");
    }

    static void requests(ZooKeeper zk) throws Exception {
        var open = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        Stat stat = new Stat();
        equal(zk.create("/java", bytes("x"), open, CreateMode.PERSISTENT, stat), "/java");
        equal(stat.getDataLength(), 1);
        fails(Code.NODEEXISTS, () -> zk.create("/java", null, open, CreateMode.PERSISTENT));
        fails(Code.UNIMPLEMENTED, () -> zk.create("/ttl", null, open, CreateMode.PERSISTENT_WITH_TTL, null, 1000));
        zk.create("/java/e", null, open, CreateMode.EPHEMERAL);
        equal(zk.getEphemerals("/java"), "[/java/e]");
        equal(zk.getAllChildrenNumber("/java"), 1);
        equal(zk.getData("/java/e", false, stat), null);
        equal(stat.getEphemeralOwner(), zk.getSessionId());
        zk.addAuthInfo("digest", bytes("user:pass"));
        zk.create("/java/secret", null, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        equal(zk.getACL("/java/secret", stat).get(0).getId().getId(), "user:smGaoVKd/cQkjm7b88GyorAUz20=");
        equal(zk.whoAmI().size(), 2);
        CountDownLatch synced = new CountDownLatch(1);
        zk.sync("/java", (rc, path, context) -> synced.countDown(), null);
        equal(synced.await(60, TimeUnit.SECONDS), true);
        System.out.println("ok requests");
    }

    static void asynchronous(ZooKeeper zk) throws Exception {
        int count = 2000;
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch all = new CountDownLatch(2 * count);
        zk.create("/async", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        for (int i = 0; i < count; i++) {
            zk.setData("/async", bytes("" + i), i, (rc, path, context, stat) -> {
                if (rc == 0) order.add(stat.getVersion());
                all.countDown();
            }, null);
            zk.getData("/async", false, (rc, path, context, data, stat) -> {
                if (rc == 0) order.add(Integer.parseInt(new String(data)) + 1);
                all.countDown();
            }, null);
        }
        equal(all.await(60, TimeUnit.SECONDS), true);
        for (int i = 0; i < 2 * count; i++) equal(order.get(i), i / 2 + 1);
        System.out.println("ok asynchronous");
    }

    /** Every kind of watch is set, the server is killed, and the changes happen after the reconnect. */
    static void restart() throws Exception {
        BlockingQueue<WatchedEvent> states = new LinkedBlockingQueue<>();
        BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
        Watcher changes = event -> {
            if (event.getPath() != null) events.add(event);
        };
        var open = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        ZooKeeper zk = open(60000, states::add);
        long session = zk.getSessionId();
        zk.create("/r", null, open, CreateMode.PERSISTENT);
        zk.create("/r/mine", bytes("m"), open, CreateMode.EPHEMERAL);
        zk.create("/r/tree", null, open, CreateMode.PERSISTENT);
        zk.getData("/r", changes, null);
        zk.exists("/r/later", changes);
        zk.getChildren("/r", changes);
        zk.addWatch("/r/tree", changes, AddWatchMode.PERSISTENT_RECURSIVE);
        states.clear();
        ask("kill and start");
        WatchedEvent state;
        do {
            state = states.poll(60, TimeUnit.SECONDS);
            if (state == null) throw new AssertionError("not reconnected");
        } while (state.getState() != Watcher.Event.KeeperState.SyncConnected);
        equal(zk.getSessionId(), session);
        equal(new String(zk.getData("/r/mine", false, null)), "m");
        ZooKeeper other = open(60000, event -> {});
        other.setData("/r", bytes("changed"), 0);
        equal(next(events), "NodeDataChanged /r");
        other.create("/r/tree/leaf", null, open, CreateMode.PERSISTENT);
        equal(next(events), "NodeCreated /r/tree/leaf");
        other.create("/r/later", null, open, CreateMode.PERSISTENT);
        List<String> two = new ArrayList<>(List.of(next(events), next(events)));
        Collections.sort(two);
        equal(two, "[NodeChildrenChanged /r, NodeCreated /r/later]");
        zk.close();
        equal(other.exists("/r/mine", false), null);
        other.close();
        System.out.println("ok restart");
    }

    public static void main(String[] args) throws Exception {
        address = args[0];
        ZooKeeper zk = open(60000, event -> {});
        requests(zk);
        multi(zk);
        asynchronous(zk);
        zk.close();
        restart();
        System.exit(0);
    }
}
