-- end of a session
-- statements: 5, round trips: 5
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, session
-- held at COMMIT: RowShareLock: audit_event

-- 1
BEGIN;

-- 2: writes session
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

-- 3: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 4: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 5
COMMIT;
