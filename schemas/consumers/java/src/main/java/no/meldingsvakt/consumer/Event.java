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
        @JsonProperty("missing_event_id") String missingEventId,
        @JsonProperty("cause") String cause) {

    static final String MISSING = "no.meldingsvakt.report.missing.v1";
    static final String RECOVERED = "no.meldingsvakt.report.recovered.v1";

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Receiver(@JsonProperty("municipality") String municipality) {}
}
