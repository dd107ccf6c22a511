"""Saved questions for the SQL box; their titles are in the catalogues under `saved`."""

QUESTIONS = {
    "missing_now": "SELECT report_id, municipality_name, reason, case_system, sent_at, alarm_at, portal_deletes_at\n"
    "FROM missing_now",
    "worst_receivers": "SELECT m.name, m.county_name, count(*) AS missing, min(r.alarm_at) AS oldest\n"
    "FROM reports r LEFT JOIN municipalities m ON m.code = r.municipality_today\n"
    "WHERE r.status = 'missing'\nGROUP BY ALL ORDER BY missing DESC, oldest",
    "versions": "SELECT case_system, case_system_version, count(*) AS sent,\n"
    "    count(*) FILTER (status IN ('missing', 'recovered')) AS announced,\n"
    "    round(100.0 * announced / sent, 2) AS percent\n"
    "FROM reports GROUP BY ALL ORDER BY percent DESC, sent DESC",
    "by_day": "SELECT day, sum(reports) AS sent, sum(stored) AS stored, sum(missing) AS missing\n"
    "FROM counts_by_day GROUP BY day ORDER BY day DESC",
    "confirmation": "SELECT * FROM confirmation_times ORDER BY month DESC, case_system",
    "recovered": "SELECT a.report_id, m.name, a.cause, r.alarm_at, a.arrived_at, a.arrived_at - r.alarm_at AS late\n"
    "FROM announcements a JOIN reports r ON r.report_id = a.report_id\n"
    "LEFT JOIN municipalities m ON m.code = r.municipality\n"
    "WHERE a.type = 'recovered' ORDER BY late DESC",
    "receipts": "SELECT case_system, case_system_version, count(*) AS receipted\nFROM reports\n"
    "WHERE reason = 'receipted_not_stored'\nGROUP BY ALL ORDER BY receipted DESC",
    "balance": "SELECT municipality, sent, difference FROM balance ORDER BY abs(difference) DESC, sent DESC",
}
