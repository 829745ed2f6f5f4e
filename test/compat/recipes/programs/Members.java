import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;

/**
 * A member of a group and a persistent node of Curator. Arguments: server, group, path of the node. Says what it sees
 * and goes on when it is told a line.
 */
public class Members {
    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(arguments[0], 40000, 40000, new RetryForever(50));
        client.start();
        if (!client.blockUntilConnected(60, TimeUnit.SECONDS)) throw new AssertionError("not connected");
        GroupMember member = new GroupMember(client, arguments[1], "curator", "theirs".getBytes());
        member.start();
        until(member, "{curator=theirs, ours=mine}");
        System.out.println("sees both");
        until(member, "{curator=theirs}");
        System.out.println("sees one");
        PersistentNode node =
            new PersistentNode(client, CreateMode.EPHEMERAL, false, arguments[2], "theirs".getBytes());
        node.start();
        node.waitForInitialCreate(60, TimeUnit.SECONDS);
        System.out.println("has its node");
        System.in.read();
        node.close();
        member.close();
        client.close();
    }

    static void until(GroupMember member, String wanted) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        for (;;) {
            Map<String, String> found = new TreeMap<>();
            member.getCurrentMembers().forEach((id, data) -> found.put(id, new String(data)));
            if (found.toString().equals(wanted)) return;
            if (System.nanoTime() > deadline) throw new AssertionError(found + ", not " + wanted);
            Thread.sleep(20);
        }
    }
}
