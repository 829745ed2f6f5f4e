import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryForever;

/** Recipes of Curator that hold values: each line `NAME COMMAND PATH …` is answered `NAME value TEXT` or `NAME failed REASON`. */
public class Values {
    static CuratorFramework client;
    static final Map<String, DistributedDoubleBarrier> entered = new ConcurrentHashMap<>();

    public static void main(String[] arguments) throws Exception {
        client = CuratorFrameworkFactory.newClient(arguments[0], 30000, 30000, new RetryForever(50));
        client.start();
        if (!client.blockUntilConnected(60, TimeUnit.SECONDS)) throw new AssertionError("not connected");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            Thread thread = new Thread(() -> answer(words));
            thread.setDaemon(true);
            thread.start();
        }
        System.exit(0);
    }

    static void answer(String[] words) {
        String answer;
        try {
            answer = words[0] + " value " + evaluate(words[1], words[2], words.length > 3 ? words[3] : "");
        } catch (Exception error) {
            answer = words[0] + " failed " + error;
        }
        synchronized (Values.class) {
            System.out.println(answer);
        }
    }

    static String evaluate(String command, String path, String argument) throws Exception {
        switch (command) {
            case "long": {
                DistributedAtomicLong counter = new DistributedAtomicLong(client, path, new RetryForever(5));
                for (int left = Integer.parseInt(argument); left > 0; left--) {
                    if (!counter.increment().succeeded()) throw new AssertionError("not counted");
                }
                return "";
            }
            case "count": {
                try (SharedCount count = new SharedCount(client, path, 0)) {
                    count.start();
                    int before = count.getCount();
                    count.setCount(Integer.parseInt(argument));
                    return String.valueOf(before);
                }
            }
            case "set":
                new DistributedBarrier(client, path).setBarrier();
                return "";
            case "remove":
                new DistributedBarrier(client, path).removeBarrier();
                return "";
            case "wait":
                new DistributedBarrier(client, path).waitOnBarrier();
                return "";
            case "enter": {
                DistributedDoubleBarrier barrier =
                    new DistributedDoubleBarrier(client, path, Integer.parseInt(argument));
                barrier.enter();
                entered.put(path, barrier);
                return "";
            }
            case "leave":
                entered.remove(path).leave();
                return "";
            case "offer":
                new SimpleDistributedQueue(client, path).offer(argument.getBytes());
                return "";
            case "take":
                return new String(new SimpleDistributedQueue(client, path).take());
            default:
                throw new IllegalArgumentException(command);
        }
    }
}
