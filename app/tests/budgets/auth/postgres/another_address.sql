-- another address
-- statements: 11, round trips: 11
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, one_time_token, outbox
-- held at COMMIT: RowShareLock: audit_event, user

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
-- $1 uuid, $2 text, $3 boolean, $4 timestamp with time zone
SELECT COUNT(*) AS num_items
FROM (SELECT "one_time_token"."id", "one_time_token"."purpose", "one_time_token"."token_hash", "one_time_token"."user_id",
  "one_time_token"."tenant_id", "one_time_token"."membership_id", "one_time_token"."email", "one_time_token"."sealed_payload",
  "one_time_token"."is_mailed", "one_time_token"."tries", "one_time_token"."created_at", "one_time_token"."expires_at", "one_time_token"."used_at",
  "one_time_token"."revoked_at"
  FROM "one_time_token"
  WHERE "one_time_token"."user_id" = $1
  AND "one_time_token"."purpose" = $2
  AND "one_time_token"."is_mailed" = $3
  AND "one_time_token"."created_at" > $4) AS "sub_query";
--> Aggregate
-->   ->  Bitmap Heap Scan on one_time_token
-->         Recheck Cond: ((user_id = $1) AND (created_at > $4))
-->         Filter: (((purpose)::text = $2) AND (is_mailed = $3))
-->         ->  Bitmap Index Scan on ix_one_time_token_user_id_created_at
-->               Index Cond: ((user_id = $1) AND (created_at > $4))

-- 6: writes one_time_token
-- $1 uuid, $2 text, $3 text, $4 uuid, $5 uuid, $6 uuid, $7 text, $8 text, $9 boolean, $10 bigint, $11 timestamp with time zone, $12 timestamp with time zone, $13 timestamp with time zone, $14 timestamp with time zone
INSERT INTO "one_time_token" ("id", "purpose", "token_hash", "user_id", "tenant_id", "membership_id", "email", "sealed_payload",
  "is_mailed", "tries", "created_at", "expires_at", "used_at", "revoked_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
--> Insert on one_time_token
-->   ->  Result

-- 7: writes outbox
-- $1 uuid, $2 text, $3 uuid, $4 text, $5 text, $6 bigint, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone
INSERT INTO "outbox" ("id", "kind", "user_id", "sealed_message", "secret_id", "tries", "created_at", "next_try_at", "expires_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on outbox
-->   ->  Result

-- 8: writes outbox
-- $1 uuid, $2 text, $3 uuid, $4 text, $5 text, $6 bigint, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone
INSERT INTO "outbox" ("id", "kind", "user_id", "sealed_message", "secret_id", "tries", "created_at", "next_try_at", "expires_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on outbox
-->   ->  Result

-- 9: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 10: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 11
COMMIT;
