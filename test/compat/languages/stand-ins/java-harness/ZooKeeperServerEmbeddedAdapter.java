package org.apache.curator.test;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Properties;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ServerProcess;

/** First on the class path: the servers and clusters of Curator's tests are processes of zabkeeper. */
public final class ZooKeeperServerEmbeddedAdapter implements ZooKeeperMainFace {
    private ServerProcess process;

    @Override
    public void start(QuorumPeerConfigBuilder configBuilder) {
        try {
            Properties config = configBuilder.buildProperties();
            config.setProperty("4lw.commands.whitelist", "*");
            Path data = Paths.get(config.getProperty("dataDir"));
            process = new ServerProcess(data.resolve("zabkeeper"), config);
            process.start();
        } catch (Exception e) {
            throw new FailedServerStartException(e);
        }
    }

    @Override
    public int getClientPort() {
        return process.port();
    }

    public ServerCnxnFactory getServerCnxnFactory() {
        throw new UnsupportedOperationException("the server is in another process");
    }

    @Override
    public void kill() {
        close();
    }

    @Override
    public void close() {
        if (process != null) process.stop();
    }
}
