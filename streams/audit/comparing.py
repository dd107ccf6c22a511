"""The statements that compare an audit's verdicts with announcements. Parameters: `late` (microseconds), `until`.

`said` is a category and, behind a blank, why. A report has at most one line in `ours`; every line in `theirs` comes out
once. `until`, where the audit ends, is null where the result does not tell it.
"""

NEEDED = (
    "report_id", "status", "untold", "municipality_today", "alarm_at", "missing_event_id", "policy_version",
    "by_event_time",
)  # fmt: skip
COLUMNS = (
    "category", "event", "report_id", "municipality", "alarm_at", "announced_at", "seconds_late", "missing_event_id",
    "announced_event_id", "why",
)  # fmt: skip

# What the audit holds of reports that are due or were announced: however many reports there are, these are few.
OURS = """
    CREATE TABLE ours AS
    SELECT report_id, status, untold, municipality_today AS municipality, alarm_at, policy_version, by_event_time,
        CASE WHEN status IN ('missing', 'recovered') THEN missing_event_id END AS missing_event_id
    FROM read_parquet($file)
    WHERE status IN ('missing', 'recovered') OR report_id IN (SELECT report_id FROM given)
"""
# Announced several times with one id counts once, and the first time.
THEIRS = """
    CREATE TABLE theirs AS
    SELECT event_id, any_value(event) AS event, any_value(missing_event_id) AS missing_event_id,
        any_value(report_id) AS report_id, any_value("at") AS "at", any_value(policy_version) AS policy_version,
        min(recorded) AS recorded
    FROM given GROUP BY event_id
"""
_ANNOUNCED_MISSING = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.missing_event_id = t.event_id AND t.recorded > t."at" + to_microseconds($late) THEN 'late'
            WHEN o.missing_event_id = t.event_id THEN 'agree'
            WHEN o.missing_event_id IS NOT NULL AND o.policy_version IS DISTINCT FROM t.policy_version
                THEN 'differs policy_version'
            WHEN o.missing_event_id IS NOT NULL THEN if(o.by_event_time, 'differs by_event_time', 'differs alarm_at')
            WHEN o.status = 'pending' AND (t."at" = o.alarm_at OR t."at" >= $until) THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('stored', 'pending', 'unproven') THEN 'phantom ' || o.status
            ELSE 'not_comparable ' || coalesce(o.untold, o.status)
        END AS said,
        t.event, t.report_id, o.municipality, t."at" AS alarm_at, t.recorded, o.missing_event_id, t.event_id
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event = 'missing'
"""
_NEVER_ANNOUNCED = """
    SELECT 'lost ' || o.status, 'missing', o.report_id, o.municipality, o.alarm_at, NULL, o.missing_event_id, NULL
    FROM ours o ANTI JOIN (SELECT report_id FROM theirs WHERE event = 'missing') t USING (report_id)
    WHERE o.missing_event_id IS NOT NULL
"""
# An id tells the report, the kind of event and the alarm time: where the missing events are the same, so are these.
_ANNOUNCED_RECOVERED = """
    SELECT CASE
            WHEN o.report_id IS NULL THEN 'not_comparable not_in_audit'
            WHEN o.status = 'recovered' THEN if(o.missing_event_id = t.missing_event_id, 'agree', 'differs alarm_at')
            WHEN o.status IN ('missing', 'pending') AND t."at" >= $until THEN 'not_comparable ends_earlier'
            WHEN o.status = 'pending' AND t."at" >= o.alarm_at THEN 'not_comparable ends_earlier'
            WHEN o.status IN ('missing', 'stored', 'pending', 'unproven') THEN 'phantom_recovered ' || o.status
            ELSE 'not_comparable ' || coalesce(o.untold, o.status)
        END,
        t.event, t.report_id, o.municipality, o.alarm_at, t.recorded, o.missing_event_id, t.event_id
    FROM theirs t LEFT JOIN ours o USING (report_id)
    WHERE t.event = 'recovered'
"""
# Only where the missing event was announced as the audit has it: else that it was not is said already.
_NEVER_RECOVERED = """
    SELECT 'missing_recovered', 'recovered', o.report_id, o.municipality, o.alarm_at, NULL, o.missing_event_id, NULL
    FROM ours o SEMI JOIN theirs m ON m.event_id = o.missing_event_id
        ANTI JOIN (SELECT report_id FROM theirs WHERE event = 'recovered') t ON t.report_id = o.report_id
    WHERE o.status = 'recovered'
"""
LINES = f"""
    CREATE TABLE lines AS
    SELECT split_part(said, ' ', 1) AS category, event, report_id, municipality, alarm_at, recorded AS announced_at,
        if(event = 'missing', (epoch_us(recorded) - epoch_us(alarm_at)) // 1000000, NULL) AS seconds_late,
        missing_event_id, event_id AS announced_event_id, nullif(split_part(said, ' ', 2), '') AS why
    FROM ({_ANNOUNCED_MISSING} UNION ALL {_NEVER_ANNOUNCED} UNION ALL {_ANNOUNCED_RECOVERED}
        UNION ALL {_NEVER_RECOVERED})
"""
