-- list of reasons
-- statements: 1

-- 1
SELECT "reason"."id", "reason"."tenant_id", "reason"."version", "reason"."created_at", "reason"."updated_at", "reason"."kind",
"reason"."code", "reason"."name", "reason"."stage", "reason"."avoidable", "reason"."archived_at"
FROM "reason"
WHERE "reason"."tenant_id" = ?
AND "reason"."archived_at" IS NULL
ORDER BY "reason"."kind" ASC, "reason"."code" ASC
LIMIT ?;
--> SEARCH reason USING INDEX ix_reason_kind_code (tenant_id=?)
