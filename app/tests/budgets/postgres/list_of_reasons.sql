-- list of reasons
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "reason"."id", "reason"."tenant_id", "reason"."version", "reason"."created_at", "reason"."updated_at", "reason"."kind",
"reason"."code", "reason"."name", "reason"."stage", "reason"."avoidable", "reason"."archived_at"
FROM "reason"
WHERE "reason"."tenant_id" = $1
AND "reason"."archived_at" IS NULL
ORDER BY "reason"."kind" ASC, "reason"."code" ASC
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_reason_kind_code on reason
-->         Index Cond: (tenant_id = $1)
-->         Filter: (archived_at IS NULL)
