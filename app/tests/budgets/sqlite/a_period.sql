-- a period
-- statements: 1

-- 1
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = ?
AND "period"."id" = ?
LIMIT ?;
--> SEARCH period USING INDEX sqlite_autoindex_period_2 (tenant_id=? AND id=?)
