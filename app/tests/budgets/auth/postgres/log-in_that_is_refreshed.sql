-- log-in that is refreshed
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: session
-- held at COMMIT: RowShareLock: session

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

-- 4: locks rows of session FOR UPDATE
-- $1 uuid, $2 bigint
SELECT "session"."id"
FROM "session"
WHERE "session"."id" = $1
LIMIT $2
FOR UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Index Scan using session_pkey on session
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

-- 7: writes session
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 uuid, $5 bigint
UPDATE "session"
SET "counter" = $1, "rotated_at" = $2, "last_used_at" = $3
WHERE "session"."id" = $4
AND "session"."counter" = $5
AND "session"."revoked_at" IS NULL;
--> Update on session
-->   ->  Index Scan using session_pkey on session
-->         Index Cond: (id = $4)
-->         Filter: ((revoked_at IS NULL) AND (counter = $5))

-- 8
COMMIT;
