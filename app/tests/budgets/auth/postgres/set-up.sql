-- set-up
-- statements: 10, round trips: 10
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, instance, membership, session, tenant, user
-- held at COMMIT: RowShareLock: audit_event, membership, tenant, user

-- 1
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 2
BEGIN;

-- 3: writes instance
-- $1 timestamp with time zone, $2 text, $3 integer, $4 text
UPDATE "instance"
SET "bootstrapped_at" = $1, "setup_token_hash" = $2
WHERE "instance"."id" = $3
AND "instance"."bootstrapped_at" IS NULL
AND "instance"."setup_token_hash" = $4;
--> Update on instance
-->   ->  Seq Scan on instance
-->         Filter: ((bootstrapped_at IS NULL) AND (id = $3) AND ((setup_token_hash)::text = $4))

-- 4: writes user
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 text, $6 text, $7 text, $8 text, $9 timestamp with time zone, $10 timestamp with time zone, $11 timestamp with time zone
INSERT INTO "user" ("id", "version", "created_at", "updated_at", "email", "email_key", "name", "password_hash", "disabled_at",
  "email_verified_at", "erased_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on "user"
-->   ->  Result

-- 5: writes tenant
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 text, $6 text, $7 text, $8 timestamp with time zone, $9 boolean
INSERT INTO "tenant" ("id", "version", "created_at", "updated_at", "name", "currency", "time_zone", "closed_at", "mfa_required")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on tenant
-->   ->  Result

-- 6: writes membership
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 uuid, $6 uuid, $7 text, $8 boolean
INSERT INTO "membership" ("id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
--> Insert on membership
-->   ->  Result

-- 7: writes session
-- $1 uuid, $2 uuid, $3 uuid, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 timestamp with time zone, $11 text, $12 bigint, $13 timestamp with time zone, $14 text, $15 timestamp with time zone
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
--> Insert on session
-->   ->  Result

-- 8: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 9: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 10
COMMIT;
