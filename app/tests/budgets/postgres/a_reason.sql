-- a reason
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid, $3 bigint
SELECT "reason"."id", "reason"."tenant_id", "reason"."version", "reason"."created_at", "reason"."updated_at", "reason"."kind",
"reason"."code", "reason"."name", "reason"."stage", "reason"."avoidable", "reason"."archived_at"
FROM "reason"
WHERE "reason"."tenant_id" = $1
AND "reason"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on reason
-->         Filter: ((tenant_id = $1) AND (id = $2))
