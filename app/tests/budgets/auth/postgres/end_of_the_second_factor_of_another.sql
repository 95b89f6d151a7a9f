-- end of the second factor of another
-- statements: 20, round trips: 20
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, device, notice, one_time_token, recovery_code, session, totp
-- held at COMMIT: RowShareLock: audit_event, tenant, user

-- 1
-- $1 uuid, $2 bigint
SELECT "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."used_counter",
"session"."nonce", "session"."authenticated_at", "session"."last_used_at", "session"."rotated_at", "session"."expires_at",
"session"."mfa_at", "membership"."role", "membership"."all_sites", "totp"."confirmed_at", "tenant"."mfa_required"
FROM "session"
INNER JOIN "membership" ON "session"."tenant_id" = "membership"."tenant_id"
AND "session"."membership_id" = "membership"."id"
INNER JOIN "user" ON "session"."user_id" = "user"."id"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
LEFT JOIN "totp" ON "user"."id" = "totp"."user_id"
WHERE "session"."id" = $1
AND "session"."revoked_at" IS NULL
AND "membership"."user_id" = "session"."user_id"
AND "user"."disabled_at" IS NULL
AND "tenant"."closed_at" IS NULL
LIMIT $2;
--> Limit
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop
-->               Join Filter: (session.tenant_id = tenant.id)
-->               ->  Nested Loop
-->                     Join Filter: ((session.tenant_id = membership.tenant_id) AND (session.membership_id = membership.id) AND (session.user_id = membership.user_id))
-->                     ->  Nested Loop
-->                           ->  Index Scan using session_pkey on session
-->                                 Index Cond: (id = $1)
-->                                 Filter: (revoked_at IS NULL)
-->                           ->  Index Scan using user_pkey on "user"
-->                                 Index Cond: (id = session.user_id)
-->                                 Filter: (disabled_at IS NULL)
-->                     ->  Index Scan using ix_membership_user_id on membership
-->                           Index Cond: (user_id = "user".id)
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = membership.tenant_id)
-->                     Filter: (closed_at IS NULL)
-->         ->  Index Scan using totp_pkey on totp
-->               Index Cond: (user_id = "user".id)

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
-- $1 uuid, $2 uuid, $3 bigint
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."id" = $1
AND "membership"."tenant_id" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_membership_tenant_id_id on membership
-->         Index Cond: ((tenant_id = $2) AND (id = $1))

-- 5: locks rows of user FOR NO KEY UPDATE
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Index Scan using user_pkey on "user"
-->               Index Cond: (id = $1)

-- 6: locks rows of tenant FOR NO KEY UPDATE
-- $1 uuid, $2 bigint
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = $1
AND "tenant"."closed_at" IS NULL
LIMIT $2
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Index Scan using tenant_pkey on tenant
-->               Index Cond: (id = $1)
-->               Filter: (closed_at IS NULL)

-- 7
-- $1 uuid, $2 bigint
SELECT "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."used_counter",
"session"."nonce", "session"."authenticated_at", "session"."last_used_at", "session"."rotated_at", "session"."expires_at",
"session"."mfa_at", "membership"."role", "membership"."all_sites", "totp"."confirmed_at", "tenant"."mfa_required"
FROM "session"
INNER JOIN "membership" ON "session"."tenant_id" = "membership"."tenant_id"
AND "session"."membership_id" = "membership"."id"
INNER JOIN "user" ON "session"."user_id" = "user"."id"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
LEFT JOIN "totp" ON "user"."id" = "totp"."user_id"
WHERE "session"."id" = $1
AND "session"."revoked_at" IS NULL
AND "membership"."user_id" = "session"."user_id"
AND "user"."disabled_at" IS NULL
AND "tenant"."closed_at" IS NULL
LIMIT $2;
--> Limit
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop
-->               Join Filter: (session.tenant_id = tenant.id)
-->               ->  Nested Loop
-->                     Join Filter: ((session.tenant_id = membership.tenant_id) AND (session.membership_id = membership.id) AND (session.user_id = membership.user_id))
-->                     ->  Nested Loop
-->                           ->  Index Scan using session_pkey on session
-->                                 Index Cond: (id = $1)
-->                                 Filter: (revoked_at IS NULL)
-->                           ->  Index Scan using user_pkey on "user"
-->                                 Index Cond: (id = session.user_id)
-->                                 Filter: (disabled_at IS NULL)
-->                     ->  Index Scan using ix_membership_user_id on membership
-->                           Index Cond: (user_id = "user".id)
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = membership.tenant_id)
-->                     Filter: (closed_at IS NULL)
-->         ->  Index Scan using totp_pkey on totp
-->               Index Cond: (user_id = "user".id)

-- 8
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 9
-- $1 uuid, $2 uuid, $3 bigint
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."id" = $1
AND "membership"."tenant_id" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_membership_tenant_id_id on membership
-->         Index Cond: ((tenant_id = $2) AND (id = $1))

-- 10
-- $1 uuid
SELECT COUNT(*) AS num_items
FROM (SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
  "membership"."user_id", "membership"."role", "membership"."all_sites"
  FROM "membership"
  INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
  WHERE "tenant"."closed_at" IS NULL
  AND "membership"."user_id" = $1) AS "sub_query";
--> Aggregate
-->   ->  Nested Loop
-->         ->  Index Scan using ix_membership_user_id on membership
-->               Index Cond: (user_id = $1)
-->         ->  Index Scan using tenant_pkey on tenant
-->               Index Cond: (id = membership.tenant_id)
-->               Filter: (closed_at IS NULL)

-- 11
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 12: writes totp
-- $1 uuid
DELETE
FROM "totp"
WHERE "totp"."user_id" = $1;
--> Delete on totp
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 13: writes recovery_code
-- $1 uuid
DELETE
FROM "recovery_code"
WHERE "recovery_code"."user_id" = $1;
--> Delete on recovery_code
-->   ->  Index Scan using ix_recovery_code_user_id_code_hash on recovery_code
-->         Index Cond: (user_id = $1)

-- 14: writes device
-- $1 timestamp with time zone, $2 uuid
UPDATE "device"
SET "revoked_at" = $1
WHERE "device"."user_id" = $2
AND "device"."revoked_at" IS NULL;
--> Update on device
-->   ->  Index Scan using ix_device_user_id_last_used_at on device
-->         Index Cond: (user_id = $2)
-->         Filter: (revoked_at IS NULL)

-- 15: writes one_time_token
-- $1 timestamp with time zone, $2 uuid
UPDATE "one_time_token"
SET "revoked_at" = $1
WHERE "one_time_token"."user_id" = $2
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL;
--> Update on one_time_token
-->   ->  Bitmap Heap Scan on one_time_token
-->         Recheck Cond: (user_id = $2)
-->         Filter: ((used_at IS NULL) AND (revoked_at IS NULL))
-->         ->  Bitmap Index Scan on ix_one_time_token_user_id_created_at
-->               Index Cond: (user_id = $2)

-- 16: writes session
-- $1 timestamp with time zone, $2 uuid, $3 timestamp with time zone, $4 timestamp with time zone
UPDATE "session"
SET "revoked_at" = $1
WHERE "session"."user_id" = $2
AND "session"."revoked_at" IS NULL
AND "session"."expires_at" > $3
AND "session"."last_used_at" > $4
AND "session"."revoked_at" IS NULL;
--> Update on session
-->   ->  Index Scan using ix_session_user_id on session
-->         Index Cond: (user_id = $2)
-->         Filter: ((revoked_at IS NULL) AND (revoked_at IS NULL) AND (expires_at > $3) AND (last_used_at > $4))

-- 17: writes notice
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone
INSERT INTO "notice" ("id", "user_id", "kind", "created_at", "seen_at")
VALUES ($1, $2, $3, $4, $5);
--> Insert on notice
-->   ->  Result

-- 18: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 19: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 20
COMMIT;
