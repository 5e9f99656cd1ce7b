import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.transaction.Transaction;

/** Publishes two messages in a transaction and aborts it. Arguments: service URL, topic. */
public class AbortedTransaction {
  public static void main(String[] arguments) throws Exception {
    PulsarClient client = PulsarClient.builder().serviceUrl(arguments[0]).enableTransaction(true).build();
    try (Producer<byte[]> producer = client.newProducer(Schema.BYTES).topic(arguments[1])
        .enableBatching(false).sendTimeout(0, TimeUnit.SECONDS).create()) {
      Transaction transaction = client.newTransaction().withTransactionTimeout(1, TimeUnit.MINUTES).build().get();
      for (String text : new String[] {"one", "two"}) {
        producer.newMessage(transaction).value(text.getBytes(StandardCharsets.UTF_8)).send();
      }
      transaction.abort().get();
    }
    client.close();
  }
}
