-- list of periods
-- statements: 1

-- 1
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = ?
ORDER BY "period"."last_day" DESC
LIMIT ?;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=?)
