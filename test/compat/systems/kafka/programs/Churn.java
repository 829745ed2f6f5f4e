import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Makes topics, changes them and deletes older ones: what keeps a controller and its ZooKeeper at work.
 *
 * Arguments: BOOTSTRAP KEPT. To a line `round N` it makes the topic churn-N, sets its retention to 1000000 + N, gives it a
 * third partition and deletes churn-(N - KEPT), each until it is certain, and answers `ok N`.
 */
public final class Churn {
  private interface Step {
    KafkaFuture<?> take();
  }

  private final Admin admin;
  private final int kept;

  private Churn(String bootstrap, int kept) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("request.timeout.ms", "15000");
    settings.put("default.api.timeout.ms", "60000");
    admin = Admin.create(settings);
    this.kept = kept;
  }

  public static void main(String[] args) throws Exception {
    Churn churn = new Churn(args[0], Integer.parseInt(args[1]));
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      int number = Integer.parseInt(line.split(" ")[1]);
      try {
        churn.round(number);
        System.out.println("ok " + number);
      } catch (Exception error) {
        System.out.println("failed " + error);
      }
    }
    System.exit(0);
  }

  private void round(int number) throws Exception {
    String name = "churn-" + number;
    // An answer may be lost, or time out: done already is done.
    NewTopic topic = new NewTopic(name, 2, (short) 3);
    until(() -> admin.createTopics(List.of(topic)).all(), TopicExistsException.class, null);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
    ConfigEntry entry = new ConfigEntry("retention.ms", Integer.toString(1_000_000 + number));
    AlterConfigOp set = new AlterConfigOp(entry, AlterConfigOp.OpType.SET);
    // A broker that has not heard of a topic yet says that there is none.
    Class<? extends Exception> notYet = UnknownTopicOrPartitionException.class;
    until(() -> admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all(), null, notYet);
    Map<String, NewPartitions> third = Map.of(name, NewPartitions.increaseTo(3));
    until(() -> admin.createPartitions(third).all(), InvalidPartitionsException.class, notYet);
    if (number < kept) return;
    String old = "churn-" + (number - kept);
    until(() -> admin.deleteTopics(List.of(old)).all(), notYet, null);
  }

  private static void until(Step step, Class<?> done, Class<?> again) throws Exception {
    for (;;) {
      try {
        step.take().get();
        return;
      } catch (ExecutionException wrapped) {
        Throwable error = wrapped.getCause();
        if (done != null && done.isInstance(error)) return;
        // Fewer brokers than replicas: one of them is away.
        boolean isTransient =
            error instanceof RetriableException
                || error instanceof InvalidReplicationFactorException;
        if (!isTransient && (again == null || !again.isInstance(error))) throw wrapped;
        Thread.sleep(100);
      }
    }
  }
}
