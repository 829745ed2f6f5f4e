import org.apache.solr.embedded.JettyConfig;
import org.apache.solr.embedded.JettySolrRunner;

/** A node of SolrCloud, as Solr's own tests start one: its folder has `solr.xml`. Runs until it is ended. */
public class SolrNode {
  public static void main(String[] args) throws Exception {
    JettyConfig config = new JettyConfig.Builder()
        .setContext("/solr").setPort(Integer.parseInt(args[1])).build();
    JettySolrRunner node = new JettySolrRunner(args[0], config);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.stop();
      } catch (Exception error) {
        error.printStackTrace();
      }
    }));
    node.start();
    System.err.println("node serves");
  }
}
