import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;

/** Receives a topic's backlog with the Java client and prints what it took, as one line of JSON. */
public final class Receive {
  public static void main(String[] arguments) throws Exception {
    String serviceUrl = arguments[0];
    String topic = arguments[1];
    long messages = Long.parseLong(arguments[2]);
    long begun = System.nanoTime();
    long first = 0;
    long bytes = 0;
    PulsarClient client = PulsarClient.builder().serviceUrl(serviceUrl).build();
    Consumer<byte[]> consumer =
        client
            .newConsumer()
            .topic(topic)
            .subscriptionName("bench-java-" + begun)
            .subscriptionInitialPosition(SubscriptionInitialPosition.Earliest)
            .receiverQueueSize(20_000)
            .subscribe();
    for (long received = 0; received < messages; received++) {
      Message<byte[]> message = consumer.receive();
      if (received == 0) first = System.nanoTime();
      bytes += message.getData().length;
    }
    long ended = System.nanoTime();
    consumer.unsubscribe();
    client.close();
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    System.out.printf(
        "{\"messages\":%d,\"bytes\":%d,\"milliseconds\":%d,\"firstEntryMilliseconds\":%d,\"cpuMicroseconds\":%d}%n",
        messages,
        bytes,
        (ended - begun) / 1_000_000,
        (first - begun) / 1_000_000,
        system.getProcessCpuTime() / 1_000);
    System.exit(0);
  }
}
