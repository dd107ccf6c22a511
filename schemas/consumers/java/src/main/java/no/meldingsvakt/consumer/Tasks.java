package no.meldingsvakt.consumer;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/** The work, and the ids of the events that it was done for, in one database. */
final class Tasks implements AutoCloseable {
    /** The report has a later alarm, which is the one that counts. */
    private static final String AGAIN = "missing_again";

    private final Connection database;

    Tasks(String path) throws SQLException {
        database = DriverManager.getConnection("jdbc:sqlite:" + path);
        try (Statement statement = database.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 30000");
            statement.execute("CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY)");
            // Open are those with neither: closed_because is what somebody decided, found_because how it was found.
            statement.execute(
                    """
                    CREATE TABLE IF NOT EXISTS tasks (
                        missing_event_id TEXT NOT NULL, report_id TEXT NOT NULL, municipality TEXT,
                        reason TEXT NOT NULL, act_before TEXT NOT NULL, episode INTEGER NOT NULL,
                        previous_event_id TEXT, closed_because TEXT, found_because TEXT
                    )
                    """);
        }
        database.setAutoCommit(false);
    }

    /** Does what an event asks for, once, in one transaction with its id; what was done, in a word. */
    String actOn(Event event) throws SQLException {
        try {
            String done = execute("INSERT OR IGNORE INTO seen VALUES (?)", event.eventId()) == 0
                    ? "seen before"
                    : work(event);
            database.commit();
            return done;
        } catch (SQLException error) {
            database.rollback();
            throw error;
        }
    }

    private String work(Event event) throws SQLException {
        return switch (event.type()) {
            case Event.MISSING -> open(event);
            case Event.RECOVERED -> set("found_because = ?", event.cause(), event.missingEventId(), "found");
            case Event.CLOSED -> set("closed_because = ?", event.outcome(), event.missingEventId(), "closed");
            case Event.REOPENED -> reopen(event);
            default -> "of a type that this consumer does not know";
        };
    }

    private String open(Event event) throws SQLException {
        String municipality = event.receiver() == null ? null : event.receiver().municipality();
        execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                event.eventId(), event.reportId(), municipality, event.reason(), event.portalDeletesAt(),
                String.valueOf(event.episode()), event.previousEventId());
        // What follows is about this alarm: nothing else would ever end the one before it.
        set("closed_because = coalesce(closed_because, ?)", AGAIN, event.previousEventId(), "closed");
        return "opened";
    }

    /** Unless the report went missing again since: a decision may come behind that. */
    private String reopen(Event event) throws SQLException {
        String later = "(SELECT ? FROM tasks AS later WHERE later.previous_event_id = tasks.missing_event_id)";
        return set("closed_because = " + later, AGAIN, event.missingEventId(), "reopened");
    }

    private String set(String change, String value, String missingEventId, String done) throws SQLException {
        int changed = execute("UPDATE tasks SET " + change + " WHERE missing_event_id = ?", value, missingEventId);
        return changed == 0 ? "about an alarm that was not opened here" : done;
    }

    private int execute(String sql, String... values) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setString(i + 1, values[i]);
            }
            return statement.executeUpdate();
        }
    }

    @Override
    public void close() throws SQLException {
        database.close();
    }
}
