-- new recovery codes
-- statements: 13, round trips: 13
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, notice, recovery_code
-- held at COMMIT: RowShareLock: audit_event, user

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

-- 4: locks rows of user FOR NO KEY UPDATE
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

-- 5
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

-- 6
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 7
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 8: writes recovery_code
-- $1 uuid
DELETE
FROM "recovery_code"
WHERE "recovery_code"."user_id" = $1;
--> Delete on recovery_code
-->   ->  Index Scan using ix_recovery_code_user_id_code_hash on recovery_code
-->         Index Cond: (user_id = $1)

-- 9: writes recovery_code
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone, $6 uuid, $7 uuid, $8 text, $9 timestamp with time zone, $10 timestamp with time zone, $11 uuid, $12 uuid, $13 text, $14 timestamp with time zone, $15 timestamp with time zone, $16 uuid, $17 uuid, $18 text, $19 timestamp with time zone, $20 timestamp with time zone, $21 uuid, $22 uuid, $23 text, $24 timestamp with time zone, $25 timestamp with time zone, $26 uuid, $27 uuid, $28 text, $29 timestamp with time zone, $30 timestamp with time zone, $31 uuid, $32 uuid, $33 text, $34 timestamp with time zone, $35 timestamp with time zone, $36 uuid, $37 uuid, $38 text, $39 timestamp with time zone, $40 timestamp with time zone, $41 uuid, $42 uuid, $43 text, $44 timestamp with time zone, $45 timestamp with time zone, $46 uuid, $47 uuid, $48 text, $49 timestamp with time zone, $50 timestamp with time zone
INSERT INTO "recovery_code" ("id", "user_id", "code_hash", "created_at", "used_at")
VALUES ($1, $2, $3, $4, $5), …;
--> Insert on recovery_code
-->   ->  Values Scan on "*VALUES*"

-- 10: writes notice
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone
INSERT INTO "notice" ("id", "user_id", "kind", "created_at", "seen_at")
VALUES ($1, $2, $3, $4, $5);
--> Insert on notice
-->   ->  Result

-- 11: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 12: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 13
COMMIT;
