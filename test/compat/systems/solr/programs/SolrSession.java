import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.solr.client.solrj.SolrQuery;
import org.apache.solr.client.solrj.impl.CloudHttp2SolrClient;
import org.apache.solr.client.solrj.impl.CloudSolrClient;
import org.apache.solr.client.solrj.request.CollectionAdminRequest;
import org.apache.solr.client.solrj.request.UpdateRequest;
import org.apache.solr.common.SolrDocument;
import org.apache.solr.common.SolrDocumentList;
import org.apache.solr.common.SolrInputDocument;
import org.apache.solr.common.cloud.ClusterState;
import org.apache.solr.common.cloud.DocCollection;
import org.apache.solr.common.cloud.Replica;
import org.apache.solr.common.cloud.Slice;
import org.apache.solr.common.cloud.SolrZkClient;
import org.apache.solr.common.cloud.ZkMaintenanceUtils;

/** Solr's own client. Takes one command a line and answers each with one line, `ok …` or `failed …`. */
public class SolrSession {
  private final String servers;
  private final String root;
  private final CloudSolrClient client;
  private final AtomicInteger acknowledged = new AtomicInteger();
  private final AtomicInteger repeated = new AtomicInteger();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private Thread writer;

  private SolrSession(String servers, String root) {
    this.servers = servers;
    this.root = root;
    client = new CloudHttp2SolrClient.Builder(List.of(servers.split(",")), Optional.of(root)).build();
  }

  public static void main(String[] args) throws Exception {
    SolrSession session = new SolrSession(args[0], args[1]);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = input.readLine()) != null; ) {
      String answer;
      try {
        answer = "ok " + session.run(line.split(" "));
      } catch (Throwable error) {
        answer = "failed " + line + ": " + String.valueOf(error).replace('\n', ' ');
      }
      System.out.println(answer);
      System.out.flush();
    }
    session.client.close();
  }

  private String run(String[] words) throws Exception {
    switch (words[0]) {
      case "config": return config(words[1], Path.of(words[2]));
      case "create": return create(words[1], words[2], Integer.parseInt(words[3]), Integer.parseInt(words[4]));
      case "drop": CollectionAdminRequest.deleteCollection(words[1]).process(client); return "dropped";
      case "split": return split(words[1], words[2]);
      case "slices": return slices(words[1]);
      case "alias": CollectionAdminRequest.createAlias(words[1], words[2]).process(client); return "aliased";
      case "reload": CollectionAdminRequest.reloadCollection(words[1]).process(client); return "reloaded";
      case "load": return load(words[1]);
      case "acknowledged": return acknowledged();
      case "stop": stopping.set(true); writer.join(); return acknowledged();
      case "check": return check(words[1], Integer.parseInt(words[2]));
      case "overseer": return overseer();
      case "shards": return shards(words[1]);
      default: throw new IllegalArgumentException("unknown command");
    }
  }

  private String config(String name, Path folder) throws Exception {
    try (SolrZkClient zookeeper = new SolrZkClient.Builder()
        .withUrl(servers + root).withTimeout(20_000, TimeUnit.MILLISECONDS).build()) {
      ZkMaintenanceUtils.uploadToZK(zookeeper, folder, "/configs/" + name, null);
    }
    return "uploaded";
  }

  private String create(String name, String config, int shards, int replicas) throws Exception {
    CollectionAdminRequest.createCollection(name, config, shards, replicas).process(client);
    return "created";
  }

  private String split(String name, String shard) throws Exception {
    CollectionAdminRequest.splitShard(name).setShardName(shard).process(client);
    return "split";
  }

  private String slices(String name) {
    TreeSet<String> names = new TreeSet<>();
    for (Slice slice : client.getClusterState().getCollection(name).getActiveSlices()) names.add(slice.getName());
    return "active " + String.join(",", names);
  }

  /** Adds document after document until `stop`; one that is refused is added again. */
  private String load(String collection) {
    acknowledged.set(0);
    stopping.set(false);
    writer = new Thread(() -> {
      while (!stopping.get()) {
        int n = acknowledged.get();
        SolrInputDocument document = new SolrInputDocument();
        document.addField("id", String.valueOf(n));
        document.addField("value", "value-" + n);
        while (!add(collection, document)) repeated.incrementAndGet();
        acknowledged.incrementAndGet();
      }
    });
    writer.start();
    return "loading";
  }

  private boolean add(String collection, SolrInputDocument document) {
    try {
      // The machine has more to do than this.
      Thread.sleep(10);
      new UpdateRequest().add(document).process(client, collection);
      return true;
    } catch (Exception error) {
      return false;
    }
  }

  private String acknowledged() {
    return "acknowledged " + acknowledged.get() + " repeated " + repeated.get();
  }

  /** All documents below `count` are there with their values; says how many there are. */
  private String check(String collection, int count) throws Exception {
    client.commit(collection);
    SolrDocumentList found = client
        .query(collection, new SolrQuery("*:*").setFields("id", "value").setRows(count + 1000)).getResults();
    boolean[] seen = new boolean[count];
    for (SolrDocument document : found) {
      int n = Integer.parseInt((String) document.getFirstValue("id"));
      if (!("value-" + n).equals(document.getFirstValue("value"))) throw new IllegalStateException("value of " + n);
      if (n < count) seen[n] = true;
    }
    int missing = 0;
    for (boolean one : seen) if (!one) missing++;
    return "documents " + found.getNumFound() + " missing " + missing;
  }

  private String overseer() throws Exception {
    return "overseer " + CollectionAdminRequest.getOverseerStatus().process(client).getResponse().get("leader");
  }

  /** Nodes that live, replicas that are active, and the leaders of the shards. */
  private String shards(String name) throws Exception {
    ClusterState state = client.getClusterState();
    DocCollection collection = state.getCollection(name);
    int active = 0;
    List<String> leaders = new ArrayList<>();
    for (Slice slice : collection.getSlices()) {
      for (Replica replica : slice.getReplicas()) if (replica.isActive(state.getLiveNodes())) active++;
      Replica leader = slice.getLeader();
      leaders.add(leader == null || !leader.isActive(state.getLiveNodes()) ? "none" : leader.getNodeName());
    }
    return "live " + String.join(",", new TreeSet<>(state.getLiveNodes())) + " active " + active
        + " leaders " + String.join(",", leaders);
  }
}
