package bench;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;

/**
 * The peer: Kafka Streams' own left join of sent and stored. What stays unmatched when its window closes is announced.
 *
 * <p>Keys and values stay bytes, so that nothing is spent on reading JSON. Arguments: a properties file with Kafka
 * Streams' settings, the two input topics, the output topic, the deadline and the grace in milliseconds.
 */
public final class LeftJoin {
    private static final byte[] MATCHED = new byte[0];

    private LeftJoin() {}

    /** Run until the process is ended; an error ends it at once. */
    public static void main(String[] arguments) throws IOException {
        Properties settings = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            settings.load(reader);
        }
        Duration deadline = Duration.ofMillis(Long.parseLong(arguments[4]));
        Duration grace = Duration.ofMillis(Long.parseLong(arguments[5]));
        Topology topology = topology(settings, arguments[1], arguments[2], arguments[3], deadline, grace);
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
        streams.start();
    }

    private static Topology topology(
            Properties settings, String sent, String stored, String missing, Duration deadline, Duration grace) {
        Serde<byte[]> bytes = Serdes.ByteArray();
        StreamsBuilder builder = new StreamsBuilder();
        JoinWindows window = JoinWindows.ofTimeDifferenceAndGrace(deadline, grace);
        builder.stream(sent, Consumed.with(bytes, bytes))
                .leftJoin(
                        builder.stream(stored, Consumed.with(bytes, bytes)),
                        (left, right) -> right == null ? left : MATCHED,
                        window,
                        StreamJoined.with(bytes, bytes, bytes))
                .filter((key, value) -> value.length > 0)
                .to(missing, Produced.with(bytes, bytes));
        return builder.build(settings);
    }
}
