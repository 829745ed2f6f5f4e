package org.apache.zookeeper.server;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * A server of zabkeeper in the place of one inside the test's own Java machine. ZABKEEPER_PROGRAM says what to start; the
 * test's system properties of ZooKeeper become those of the process.
 */
public final class ServerProcess {
    private static final int START_TIMEOUT_MS = 60_000;

    private final Path folder;
    private final int port;
    private Process process;

    /** A free port if `clientPort` is 0. */
    public ServerProcess(Path folder, Properties config) throws IOException {
        this.folder = folder;
        int wanted = Integer.parseInt(config.getProperty("clientPort"));
        port = wanted == 0 ? freePort() : wanted;
        List<String> lines = new ArrayList<>();
        for (String key : config.stringPropertyNames()) {
            lines.add(key + "=" + (key.equals("clientPort") ? String.valueOf(port) : config.getProperty(key)));
        }
        lines.add("admin.enableServer=false");
        Files.createDirectories(folder);
        Files.write(folder.resolve("zabkeeper.cfg"), lines);
    }

    public int port() {
        return port;
    }

    public boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** Returns when clients can connect. */
    public void start() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.addAll(List.of("node", System.getenv("ZABKEEPER_PROGRAM"), "serve"));
        command.addAll(List.of(folder.resolve("zabkeeper.cfg").toString(), "--log-format", "text"));
        Properties properties = System.getProperties();
        for (String key : properties.stringPropertyNames()) {
            boolean isForServers = key.matches("(zookeeper|znode|jute|readonlymode)\\..*") && !key.contains("serverCnxnFactory");
            if (isForServers) command.add("-D" + key + "=" + properties.getProperty(key));
        }
        File log = folder.resolve("zabkeeper.log").toFile();
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_TIMEOUT_MS);
        while (!isListening()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("zabkeeper does not listen on " + port + ": " + Files.readString(log.toPath()));
            }
            Thread.sleep(20);
        }
    }

    /** Returns when the process has ended. */
    public void stop() {
        if (process == null) return;
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        process = null;
    }

    private boolean isListening() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
