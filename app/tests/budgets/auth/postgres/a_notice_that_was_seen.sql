-- a notice that was seen
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: notice

-- 1
BEGIN;

-- 2
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

-- 3
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 4
-- $1 uuid, $2 uuid, $3 bigint
SELECT "notice"."id", "notice"."user_id", "notice"."kind", "notice"."created_at", "notice"."seen_at"
FROM "notice"
WHERE "notice"."id" = $1
AND "notice"."user_id" = $2
AND "notice"."seen_at" IS NULL
LIMIT $3;
--> Limit
-->   ->  Index Scan using notice_pkey on notice
-->         Index Cond: (id = $1)
-->         Filter: ((seen_at IS NULL) AND (user_id = $2))

-- 5: writes notice
-- $1 timestamp with time zone, $2 uuid, $3 uuid
UPDATE "notice"
SET "seen_at" = $1
WHERE "notice"."id" = $2
AND "notice"."user_id" = $3
AND "notice"."seen_at" IS NULL;
--> Update on notice
-->   ->  Index Scan using notice_pkey on notice
-->         Index Cond: (id = $2)
-->         Filter: ((seen_at IS NULL) AND (user_id = $3))

-- 6
COMMIT;
