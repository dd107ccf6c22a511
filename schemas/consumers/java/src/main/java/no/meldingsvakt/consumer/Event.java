package no.meldingsvakt.consumer;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/** What this consumer reads of an event; other fields are ignored, since a later version may have more. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(
        @JsonProperty(value = "type", required = true) String type,
        @JsonProperty(value = "event_id", required = true) String eventId,
        @JsonProperty(value = "report_id", required = true) String reportId,
        @JsonProperty("receiver") Receiver receiver, // null where no readable record named it
        @JsonProperty("reason") String reason,
        @JsonProperty("portal_deletes_at") String portalDeletesAt,
        @JsonProperty("episode") int episode,
        @JsonProperty("previous_event_id") String previousEventId, // null for a report's first alarm
        @JsonProperty("missing_event_id") String missingEventId,
        @JsonProperty("cause") String cause,
        @JsonProperty("outcome") String outcome) {

    static final String MISSING = "no.meldingsvakt.report.missing.v1";
    static final String RECOVERED = "no.meldingsvakt.report.recovered.v1";
    static final String CLOSED = "no.meldingsvakt.report.closed.v1";
    static final String REOPENED = "no.meldingsvakt.report.reopened.v1";

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Receiver(@JsonProperty("municipality") String municipality) {}
}
