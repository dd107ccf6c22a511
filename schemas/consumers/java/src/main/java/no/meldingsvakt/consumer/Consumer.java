package no.meldingsvakt.consumer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer of {@code {app}.missing}: it opens a task for each alarm, and closes it when the report is found or
 * somebody says so. Copy it and put your own work where {@link Tasks} writes its table.
 *
 * <p>Four habits make it act on every event exactly once. It reads {@code read_committed}, which is not the default
 * here: what the checker took back was never said. What it does, and the id of the event that it did it for, are one
 * transaction in one database. Only after that it commits the offset to Kafka: if it ends in between, the event comes
 * again and its id is known. It reads the fields that it needs and ignores the others.
 *
 * <p>The database belongs to the group: where several instances share a group, let them share the database.
 */
public final class Consumer {
    private static final ObjectReader EVENTS = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .readerFor(Event.class);

    private final KafkaConsumer<byte[], byte[]> kafka;
    private final Tasks tasks;
    private volatile boolean stopping;

    private Consumer(KafkaConsumer<byte[], byte[]> kafka, Tasks tasks) {
        this.kafka = kafka;
        this.tasks = tasks;
    }

    /** Runs until SIGTERM or SIGINT; what is at hand is finished and its offset committed. */
    public static void main(String[] arguments) throws SQLException {
        int code = 0;
        try (Tasks tasks = new Tasks(setting("DATABASE", "tasks.sqlite"));
                KafkaConsumer<byte[], byte[]> kafka = new KafkaConsumer<>(settings())) {
            Consumer consumer = new Consumer(kafka, tasks);
            consumer.stopOnSignal(Thread.currentThread());
            kafka.subscribe(List.of(setting("TOPIC", "reports.missing")));
            consumer.consume();
        } catch (NotAnEvent error) {
            System.err.println(error.getMessage());
            code = 1;
        }
        Runtime.getRuntime().halt(code); // System.exit would wait for the hook, which waits for this thread
    }

    private void stopOnSignal(Thread working) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            kafka.wakeup();
            try {
                working.join();
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    private void consume() throws SQLException, NotAnEvent {
        while (!stopping) {
            try {
                ConsumerRecords<byte[], byte[]> polled = kafka.poll(Duration.ofSeconds(1));
                for (TopicPartition partition : polled.partitions()) {
                    long next = actOnAll(polled.records(partition));
                    commit(partition, next);
                }
            } catch (WakeupException asked) {
                stopping = true;
            }
        }
    }

    private long actOnAll(List<ConsumerRecord<byte[], byte[]>> records) throws SQLException, NotAnEvent {
        long next = records.get(0).offset();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            Event event = read(record);
            System.out.println(place(record) + " " + event.eventId() + ": " + tasks.actOn(event));
            next = record.offset() + 1;
            if (stopping) {
                break;
            }
        }
        return next;
    }

    private void commit(TopicPartition partition, long next) {
        Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(partition, new OffsetAndMetadata(next));
        try {
            kafka.commitSync(offsets);
        } catch (WakeupException asked) { // the signal came meanwhile, and is used up now
            stopping = true;
            kafka.commitSync(offsets);
        } catch (CommitFailedException | RebalanceInProgressException error) {
            System.out.println(partition + " belongs to another instance now, which knows what was seen.");
        }
    }

    private static Event read(ConsumerRecord<byte[], byte[]> record) throws NotAnEvent {
        try {
            Event event = record.value() == null ? null : EVENTS.readValue(record.value());
            if (event != null) {
                return event;
            }
            throw new NotAnEvent(place(record), "it is null");
        } catch (IOException error) {
            String reason = error instanceof JsonProcessingException json ? json.getOriginalMessage() : "unreadable";
            throw new NotAnEvent(place(record), reason);
        }
    }

    private static String place(ConsumerRecord<byte[], byte[]> record) {
        return record.topic() + "/" + record.partition() + "/" + record.offset();
    }

    /** TLS and SASL are further entries, under the names that every Kafka client in Java has. */
    private static Map<String, Object> settings() {
        return Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, setting("KAFKA_BROKERS", "127.0.0.1:9092"),
                ConsumerConfig.GROUP_ID_CONFIG, setting("GROUP", "tasks"),
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 100,
                // so long after a crash its partitions are given to somebody
                ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6_000,
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    }

    private static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    /** Never go past what may be a missing report: the consumer ends, with the offset not committed. */
    private static final class NotAnEvent extends Exception {
        NotAnEvent(String place, String reason) {
            super(place + " is no event as its schema says (" + reason + "): nothing after it was acted on.");
        }
    }
}
