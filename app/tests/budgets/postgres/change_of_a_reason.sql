-- change of a reason
-- statements: 4, round trips: 4
-- held at COMMIT: RowExclusiveLock: reason
-- held at COMMIT: RowShareLock: reason

-- 1
BEGIN;

-- 2: locks rows of reason FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "reason"."id", "reason"."tenant_id", "reason"."version", "reason"."created_at", "reason"."updated_at", "reason"."kind",
"reason"."code", "reason"."name", "reason"."stage", "reason"."avoidable", "reason"."archived_at"
FROM "reason"
WHERE "reason"."tenant_id" = $1
AND "reason"."id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on reason
-->               Filter: ((tenant_id = $1) AND (id = $2))

-- 3: writes reason
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 text, $5 text, $6 text, $7 text, $8 boolean, $9 timestamp with time zone, $10 uuid, $11 uuid
UPDATE "reason"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "kind" = $4, "code" = $5, "name" = $6, "stage" = $7, "avoidable" = $8,
"archived_at" = $9
WHERE "reason"."tenant_id" = $10
AND "reason"."id" = $11;
--> Update on reason
-->   ->  Seq Scan on reason
-->         Filter: ((tenant_id = $10) AND (id = $11))

-- 4
COMMIT;
