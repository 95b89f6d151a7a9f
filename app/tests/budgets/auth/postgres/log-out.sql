-- log-out
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, session
-- held at COMMIT: RowShareLock: audit_event

-- 1
-- $1 uuid, $2 bigint
SELECT "session"."nonce"
FROM "session"
WHERE "session"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using session_pkey on session
-->         Index Cond: (id = $1)

-- 2
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 3
BEGIN;

-- 4
-- $1 uuid, $2 bigint
SELECT "session"."user_id", "session"."tenant_id"
FROM "session"
WHERE "session"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using session_pkey on session
-->         Index Cond: (id = $1)

-- 5: writes session
-- $1 timestamp with time zone, $2 uuid, $3 uuid
UPDATE "session"
SET "revoked_at" = $1
WHERE "session"."id" = $2
AND "session"."user_id" = $3
AND "session"."revoked_at" IS NULL;
--> Update on session
-->   ->  Index Scan using session_pkey on session
-->         Index Cond: (id = $2)
-->         Filter: ((revoked_at IS NULL) AND (user_id = $3))

-- 6: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 7: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 8
COMMIT;
