package no.meldingsvakt.consumer;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/** The work, and the ids of the events that it was done for, in one database. */
final class Tasks implements AutoCloseable {
    private final Connection database;

    Tasks(String path) throws SQLException {
        database = DriverManager.getConnection("jdbc:sqlite:" + path);
        try (Statement statement = database.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 30000");
            statement.execute("CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY)");
            statement.execute(
                    """
                    CREATE TABLE IF NOT EXISTS tasks (
                        missing_event_id TEXT NOT NULL, report_id TEXT NOT NULL, municipality TEXT,
                        reason TEXT NOT NULL, act_before TEXT NOT NULL, closed_because TEXT
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
            case Event.RECOVERED -> close(event);
            default -> "of a type that this consumer does not know";
        };
    }

    private String open(Event event) throws SQLException {
        String municipality = event.receiver() == null ? null : event.receiver().municipality();
        execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, NULL)",
                event.eventId(), event.reportId(), municipality, event.reason(), event.portalDeletesAt());
        return "opened";
    }

    private String close(Event event) throws SQLException {
        int closed = execute(
                "UPDATE tasks SET closed_because = ? WHERE missing_event_id = ?",
                event.cause(), event.missingEventId());
        return closed == 0 ? "closed without having been opened here" : "closed";
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
