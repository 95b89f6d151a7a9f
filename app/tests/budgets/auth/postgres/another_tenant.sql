-- another tenant
-- statements: 12, round trips: 12
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, membership, one_time_token, session, tenant
-- held at COMMIT: RowShareLock: audit_event, membership, tenant, user

-- 1
BEGIN;

-- 2: locks rows of user FOR NO KEY UPDATE
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

-- 3
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

-- 4
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 5
-- $1 uuid, $2 text
SELECT COUNT(*) AS num_items
FROM (SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
  "membership"."user_id", "membership"."role", "membership"."all_sites"
  FROM "membership"
  INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
  WHERE "membership"."user_id" = $1
  AND "membership"."role" = $2
  AND "tenant"."closed_at" IS NULL) AS "sub_query";
--> Aggregate
-->   ->  Nested Loop
-->         ->  Index Scan using ix_membership_user_id on membership
-->               Index Cond: (user_id = $1)
-->               Filter: ((role)::text = $2)
-->         ->  Index Scan using tenant_pkey on tenant
-->               Index Cond: (id = membership.tenant_id)
-->               Filter: (closed_at IS NULL)

-- 6: writes one_time_token
-- $1 timestamp with time zone, $2 uuid
UPDATE "one_time_token"
SET "revoked_at" = $1
WHERE "one_time_token"."user_id" = $2
AND "one_time_token"."membership_id" IS NOT NULL
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL;
--> Update on one_time_token
-->   ->  Bitmap Heap Scan on one_time_token
-->         Recheck Cond: (user_id = $2)
-->         Filter: ((membership_id IS NOT NULL) AND (used_at IS NULL) AND (revoked_at IS NULL))
-->         ->  Bitmap Index Scan on ix_one_time_token_user_id_created_at
-->               Index Cond: (user_id = $2)

-- 7: writes tenant
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 text, $6 text, $7 text, $8 timestamp with time zone, $9 boolean
INSERT INTO "tenant" ("id", "version", "created_at", "updated_at", "name", "currency", "time_zone", "closed_at", "mfa_required")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on tenant
-->   ->  Result

-- 8: writes membership
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 uuid, $6 uuid, $7 text, $8 boolean
INSERT INTO "membership" ("id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
--> Insert on membership
-->   ->  Result

-- 9: writes session
-- $1 uuid, $2 uuid, $3 uuid, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 timestamp with time zone, $11 text, $12 bigint, $13 timestamp with time zone, $14 text, $15 timestamp with time zone
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
--> Insert on session
-->   ->  Result

-- 10: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 11: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 12
COMMIT;
