import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.ClusterMetrics;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.replication.ReplicationPeerConfig;
import org.apache.hadoop.hbase.util.Bytes;

/**
 * HBase's own client. Takes one command a line and answers each with one line, `ok …` or `failed …`. Row n has its
 * number as key, two letters of its hash before it so that rows spread over the regions, and `value-n`.
 */
public class HBaseSession {
  private static final byte[] FAMILY = Bytes.toBytes("f");
  private static final byte[] QUALIFIER = Bytes.toBytes("q");

  private final Connection connection;
  private final Admin admin;
  private final AtomicInteger acknowledged = new AtomicInteger();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private volatile Throwable failure;
  private Thread writer;

  private HBaseSession(Connection connection) throws Exception {
    this.connection = connection;
    this.admin = connection.getAdmin();
  }

  public static void main(String[] args) throws Exception {
    Configuration configuration = HBaseConfiguration.create();
    try (Connection connection = ConnectionFactory.createConnection(configuration)) {
      HBaseSession session = new HBaseSession(connection);
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
    }
  }

  private String run(String[] words) throws Exception {
    TableName name = words.length > 1 ? TableName.valueOf(words[1]) : null;
    switch (words[0]) {
      case "create": return create(name, Integer.parseInt(words[2]));
      case "put": return put(name, Integer.parseInt(words[2]), Integer.parseInt(words[3]));
      case "get": return get(name, Integer.parseInt(words[2]));
      case "check": return check(name, Integer.parseInt(words[2]));
      case "load": return load(name);
      case "acknowledged": return acknowledged();
      case "stop": return stop();
      case "split": return split(name, words[2]);
      case "regions": return regions(name);
      case "disable": admin.disableTable(name); return "disabled " + admin.isTableDisabled(name);
      case "enable": admin.enableTable(name); return "enabled " + admin.isTableAvailable(name);
      case "drop": admin.deleteTable(name); return "exists " + admin.tableExists(name);
      case "status": return status();
      case "peer": return addPeer(words[1], words[2]);
      case "peers": return peers();
      case "unpeer": admin.removeReplicationPeer(words[1]); return "removed";
      default: throw new IllegalArgumentException("unknown command");
    }
  }

  /** Regions are cut at the first hexadecimal digit of the key. */
  private String create(TableName name, int regions) throws Exception {
    byte[][] cuts = new byte[regions - 1][];
    for (int i = 1; i < regions; i++) cuts[i - 1] = Bytes.toBytes(String.format("%02x", 256 * i / regions));
    admin.createTable(TableDescriptorBuilder.newBuilder(name)
        .setColumnFamily(ColumnFamilyDescriptorBuilder.newBuilder(FAMILY)
            .setScope(HConstants.REPLICATION_SCOPE_GLOBAL).build())
        .build(), cuts);
    return "regions " + admin.getRegions(name).size();
  }

  private String put(TableName name, int from, int to) throws Exception {
    try (Table table = connection.getTable(name)) {
      List<Put> rows = new ArrayList<>();
      for (int n = from; n < to; n++) rows.add(row(n));
      table.put(rows);
    }
    return "put " + (to - from);
  }

  private String get(TableName name, int n) throws Exception {
    try (Table table = connection.getTable(name)) {
      return Bytes.toString(table.get(new Get(key(n))).getValue(FAMILY, QUALIFIER));
    }
  }

  /** All rows below `count` are there with their values; says how many rows there are. */
  private String check(TableName name, int count) throws Exception {
    boolean[] seen = new boolean[count];
    int rows = 0;
    try (Table table = connection.getTable(name);
        ResultScanner scanner = table.getScanner(new Scan().setCaching(500))) {
      for (Result result : scanner) {
        rows++;
        int n = Integer.parseInt(Bytes.toString(result.getRow()).substring(3));
        String value = Bytes.toString(result.getValue(FAMILY, QUALIFIER));
        if (!value.equals("value-" + n)) throw new IllegalStateException("row " + n + " has " + value);
        if (n < count) seen[n] = true;
      }
    }
    int missing = 0;
    for (boolean one : seen) if (!one) missing++;
    return "rows " + rows + " missing " + missing;
  }

  /** Writes row after row until `stop`; each is counted when HBase has answered. */
  private String load(TableName name) {
    acknowledged.set(0);
    stopping.set(false);
    failure = null;
    writer = new Thread(() -> {
      try (Table table = connection.getTable(name)) {
        while (!stopping.get()) {
          table.put(row(acknowledged.get()));
          acknowledged.incrementAndGet();
          // The machine has more to do than this.
          Thread.sleep(5);
        }
      } catch (Throwable error) {
        failure = error;
      }
    });
    writer.start();
    return "loading";
  }

  private String acknowledged() throws Exception {
    if (failure != null) throw new IllegalStateException("a row was refused", failure);
    return "acknowledged " + acknowledged.get();
  }

  private String stop() throws Exception {
    stopping.set(true);
    writer.join();
    return acknowledged();
  }

  private String split(TableName name, String at) throws Exception {
    admin.split(name, Bytes.toBytes(at));
    return "asked";
  }

  /** Region counts of the table by server, and how many it has in all. */
  private String regions(TableName name) throws Exception {
    int online = 0;
    for (ServerName server : admin.getRegionServers(true)) {
      for (RegionInfo region : admin.getRegions(server)) {
        if (region.getTable().equals(name)) online++;
      }
    }
    return "regions " + admin.getRegions(name).size() + " online " + online;
  }

  private String status() throws Exception {
    ClusterMetrics metrics = admin.getClusterMetrics();
    return "master " + metrics.getMasterName().getPort()
        + " backups " + ports(metrics.getBackupMasterNames())
        + " live " + ports(metrics.getServersName())
        + " dead " + ports(metrics.getDeadServerNames())
        + " transitions " + metrics.getRegionStatesInTransition().size();
  }

  private static String ports(Iterable<ServerName> servers) {
    List<String> ports = new ArrayList<>();
    for (ServerName server : servers) ports.add(String.valueOf(server.getPort()));
    return ports.isEmpty() ? "-" : String.join(",", ports);
  }

  private String addPeer(String id, String clusterKey) throws Exception {
    admin.addReplicationPeer(id, ReplicationPeerConfig.newBuilder().setClusterKey(clusterKey).build());
    return "added";
  }

  private String peers() throws Exception {
    return "peers " + admin.listReplicationPeers().size();
  }

  private static Put row(int n) {
    return new Put(key(n)).addColumn(FAMILY, QUALIFIER, Bytes.toBytes("value-" + n));
  }

  private static byte[] key(int n) {
    return Bytes.toBytes(String.format("%02x-%d", (n * 0x9e3779b1) >>> 24, n));
  }
}
