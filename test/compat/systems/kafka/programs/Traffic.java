import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Produces and consumes until it is told to stop, then counts.
 *
 * Arguments: BOOTSTRAP TOPIC PARTITIONS RECORDS_PER_SECOND. An idempotent producer with acks=all writes 0, 1, 2, … into
 * each partition; a member of a consumer group reads along. Standard output has a line `at ACKED CONSUMED GAP_MS` ten
 * times a second; the gap is the longest time without an acknowledgement since the last line `mark` on standard input.
 * After a line `stop`, all partitions are read from their beginning, and the last line is `result NAME=NUMBER …`.
 */
public final class Traffic {
  private static final int OUTSTANDING = 2000;

  private final String bootstrap;
  private final String topic;
  private final int partitions;
  private final int rate;
  /** Of each partition: the offset that was acknowledged for record i, -1 when the broker did not say. */
  private final List<List<Long>> offsets = new ArrayList<>();
  private final long[] next;
  private final BitSet[] consumed;
  private final AtomicLong acknowledged = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong consumedCount = new AtomicLong();
  private final AtomicLong repeated = new AtomicLong();
  private long lastAck = System.nanoTime();
  private long longestGap;
  private volatile boolean stopping;
  private volatile boolean answeredAll;
  private volatile boolean ended;

  private Traffic(String[] args) {
    bootstrap = args[0];
    topic = args[1];
    partitions = Integer.parseInt(args[2]);
    rate = Integer.parseInt(args[3]);
    next = new long[partitions];
    consumed = new BitSet[partitions];
    for (int p = 0; p < partitions; p++) {
      offsets.add(new ArrayList<>());
      consumed[p] = new BitSet();
    }
  }

  public static void main(String[] args) throws Exception {
    new Traffic(args).run();
  }

  private void run() throws Exception {
    Thread producer = start("produce", this::produce);
    Thread consumer = start("consume", this::consume);
    Thread reporter = start("report", this::report);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null && !line.equals("stop"); line = in.readLine()) {
      if (line.equals("mark")) mark();
    }
    stopping = true;
    producer.join();
    answeredAll = true;
    consumer.join();
    String result = count();
    ended = true;
    reporter.join();
    System.out.println(result);
  }

  private static Thread start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setUncaughtExceptionHandler((one, error) -> {
      error.printStackTrace();
      System.exit(1);
    });
    thread.start();
    return thread;
  }

  private void produce() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("linger.ms", "5");
    settings.put("request.timeout.ms", "10000");
    // Only an answer ends a record: whatever happens meanwhile, it is sent again.
    settings.put("delivery.timeout.ms", "1800000");
    settings.put("max.block.ms", "1800000");
    StringSerializer text = new StringSerializer();
    Semaphore room = new Semaphore(OUTSTANDING);
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, text, text)) {
      long begin = System.nanoTime();
      for (long sent = 0; !stopping; sent++) {
        room.acquireUninterruptibly();
        int partition = (int) (sent % partitions);
        int number = (int) next[partition]++;
        String value = Integer.toString(number);
        producer.send(new ProducerRecord<>(topic, partition, null, value), (metadata, error) -> {
          room.release();
          answered(partition, number, error == null ? metadata.offset() : -2, error);
        });
        long aheadMs = sent * 1000 / rate - (System.nanoTime() - begin) / 1_000_000;
        if (aheadMs > 0) sleep(aheadMs);
      }
      producer.flush();
    }
  }

  private synchronized void answered(int partition, int number, long offset, Exception error) {
    if (error != null) {
      failed.incrementAndGet();
      System.err.println("partition " + partition + " record " + number + ": " + error);
    } else {
      acknowledged.incrementAndGet();
    }
    List<Long> list = offsets.get(partition);
    while (list.size() <= number) list.add(-2L);
    list.set(number, offset);
    long now = System.nanoTime();
    longestGap = Math.max(longestGap, now - lastAck);
    lastAck = now;
  }

  private synchronized void mark() {
    longestGap = 0;
    lastAck = System.nanoTime();
  }

  private synchronized long gapMs() {
    return Math.max(longestGap, System.nanoTime() - lastAck) / 1_000_000;
  }

  /** A member of a group reads along, until the producer has ended and all that was acknowledged is seen. */
  private void consume() {
    Properties settings = consumerSettings();
    settings.put("group.id", "traffic");
    settings.put("auto.commit.interval.ms", "500");
    StringDeserializer text = new StringDeserializer();
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, text, text)) {
      consumer.subscribe(List.of(topic));
      long giveUp = Long.MAX_VALUE;
      while (System.nanoTime() < giveUp) {
        for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
          BitSet seen = consumed[one.partition()];
          int number = Integer.parseInt(one.value());
          if (seen.get(number)) repeated.incrementAndGet();
          else consumedCount.incrementAndGet();
          seen.set(number);
        }
        if (!answeredAll) continue;
        if (giveUp == Long.MAX_VALUE) giveUp = System.nanoTime() + 180_000_000_000L;
        if (groupMissing() == 0) return;
      }
    }
  }

  private synchronized long groupMissing() {
    long missing = 0;
    for (int p = 0; p < partitions; p++) {
      List<Long> list = offsets.get(p);
      for (int i = 0; i < list.size(); i++) {
        if (list.get(i) != -2 && !consumed[p].get(i)) missing++;
      }
    }
    return missing;
  }

  private String count() {
    long missing = 0;
    long twice = 0;
    long disordered = 0;
    long misplaced = 0;
    long total = 0;
    StringDeserializer text = new StringDeserializer();
    try (KafkaConsumer<String, String> reader = new KafkaConsumer<>(consumerSettings(), text, text)) {
      for (int p = 0; p < partitions; p++) {
        TopicPartition partition = new TopicPartition(topic, p);
        reader.assign(List.of(partition));
        reader.seekToBeginning(List.of(partition));
        Map<TopicPartition, Long> ends = reader.endOffsets(Collections.singleton(partition));
        BitSet seen = new BitSet();
        List<Long> places = offsets.get(p);
        int previous = -1;
        while (reader.position(partition) < ends.get(partition)) {
          for (ConsumerRecord<String, String> one : reader.poll(Duration.ofMillis(500))) {
            int number = Integer.parseInt(one.value());
            total++;
            if (seen.get(number)) twice++;
            if (number < previous) disordered++;
            long place = number < places.size() ? places.get(number) : -2;
            if (place >= 0 && place != one.offset() && !seen.get(number)) misplaced++;
            seen.set(number);
            previous = number;
          }
        }
        for (int i = 0; i < places.size(); i++) if (places.get(i) != -2 && !seen.get(i)) missing++;
      }
    }
    return String.format(
        "result acknowledged=%d failed=%d total=%d missing=%d twice=%d disordered=%d misplaced=%d"
            + " groupMissing=%d groupRepeated=%d",
        acknowledged.get(), failed.get(), total, missing, twice, disordered, misplaced,
        groupMissing(), repeated.get());
  }

  private Properties consumerSettings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("auto.offset.reset", "earliest");
    settings.put("session.timeout.ms", "45000");
    return settings;
  }

  private void report() {
    while (!ended) {
      System.out.println("at " + acknowledged.get() + " " + consumedCount.get() + " " + gapMs());
      sleep(100);
    }
  }

  private static void sleep(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
