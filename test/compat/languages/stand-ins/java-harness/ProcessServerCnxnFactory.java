package org.apache.zookeeper.server;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * For `-Dzookeeper.serverCnxnFactory`: what the tests of Apache ZooKeeper start as a server is one of zabkeeper in a
 * process of its own. The server object that they hand over stays empty and hears of nothing: a test that looks into it sees
 * nothing of what its clients do.
 */
public final class ProcessServerCnxnFactory extends ServerCnxnFactory {
    private InetSocketAddress address;
    private int connectionsMax;
    private ServerProcess process;
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void configure(InetSocketAddress addr, int maxcc, int backlog, boolean secure) {
        address = addr;
        connectionsMax = maxcc;
    }

    @Override
    public void startup(ZooKeeperServer zks, boolean startServer) throws IOException, InterruptedException {
        File data = zks.getTxnLogFactory().getSnapDir().getParentFile();
        Path folder = data.toPath().resolve("zabkeeper");
        Properties config = new Properties();
        config.setProperty("dataDir", folder.resolve("data").toString());
        config.setProperty("clientPort", String.valueOf(address.getPort()));
        config.setProperty("tickTime", String.valueOf(zks.getTickTime()));
        config.setProperty("minSessionTimeout", String.valueOf(zks.getMinSessionTimeout()));
        config.setProperty("maxSessionTimeout", String.valueOf(zks.getMaxSessionTimeout()));
        config.setProperty("maxClientCnxns", String.valueOf(Math.max(0, connectionsMax)));
        process = new ServerProcess(folder, config);
        process.start();
        setZooKeeperServer(zks);
        zks.startdata();
        synchronized (zks) {
            zks.setState(ZooKeeperServer.State.RUNNING);
            zks.notifyAll();
        }
    }

    @Override
    public void shutdown() {
        if (process != null) process.stop();
        if (zkServer != null) {
            zkServer.setState(ZooKeeperServer.State.SHUTDOWN);
        }
        ended.countDown();
    }

    @Override
    public void start() {}

    @Override
    public void join() throws InterruptedException {
        ended.await();
    }

    @Override
    public int getLocalPort() {
        return address.getPort();
    }

    @Override
    public InetSocketAddress getLocalAddress() {
        return address;
    }

    @Override
    public Iterable<ServerCnxn> getConnections() {
        return List.of();
    }

    @Override
    public void closeAll(ServerCnxn.DisconnectReason reason) {}

    @Override
    public void reconfigure(InetSocketAddress addr) {}

    @Override
    public int getMaxClientCnxnsPerHost() {
        return connectionsMax;
    }

    @Override
    public void setMaxClientCnxnsPerHost(int max) {
        connectionsMax = max;
    }

    @Override
    public int getSocketListenBacklog() {
        return -1;
    }

    @Override
    public void resetAllConnectionStats() {}

    @Override
    public Iterable<Map<String, Object>> getAllConnectionInfo(boolean brief) {
        return List.of();
    }
}
