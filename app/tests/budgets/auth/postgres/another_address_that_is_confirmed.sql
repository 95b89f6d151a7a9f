-- another address that is confirmed
-- statements: 12, round trips: 12
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, notice, one_time_token, outbox, user
-- held at COMMIT: RowShareLock: audit_event, user

-- 1
-- $1 text, $2 text, $3 bigint
SELECT "one_time_token"."id", "one_time_token"."purpose", "one_time_token"."token_hash", "one_time_token"."user_id", "one_time_token"."tenant_id",
"one_time_token"."membership_id", "one_time_token"."email", "one_time_token"."sealed_payload", "one_time_token"."is_mailed",
"one_time_token"."tries", "one_time_token"."created_at", "one_time_token"."expires_at", "one_time_token"."used_at", "one_time_token"."revoked_at"
FROM "one_time_token"
WHERE "one_time_token"."token_hash" = $1
AND "one_time_token"."purpose" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_one_time_token_token_hash on one_time_token
-->         Index Cond: ((token_hash)::text = $1)
-->         Filter: ((purpose)::text = $2)

-- 2
BEGIN;

-- 3: locks rows of user FOR NO KEY UPDATE
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

-- 4: writes one_time_token
-- $1 timestamp with time zone, $2 uuid, $3 timestamp with time zone
UPDATE "one_time_token"
SET "used_at" = $1
WHERE "one_time_token"."id" = $2
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL
AND "one_time_token"."expires_at" > $3;
--> Update on one_time_token
-->   ->  Index Scan using one_time_token_pkey on one_time_token
-->         Index Cond: (id = $2)
-->         Filter: ((used_at IS NULL) AND (revoked_at IS NULL) AND (expires_at > $3))

-- 5
-- $1 text, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."email_key" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_user_email_key on "user"
-->         Index Cond: ((email_key)::text = $1)

-- 6: writes user
-- $1 integer, $2 timestamp with time zone, $3 text, $4 text, $5 timestamp with time zone, $6 uuid
UPDATE "user"
SET "version" = "version" + $1, "updated_at" = $2, "email" = $3, "email_key" = $4, "email_verified_at" = $5
WHERE "user"."id" = $6;
--> Update on "user"
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $6)

-- 7: writes one_time_token
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

-- 8: writes notice
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone
INSERT INTO "notice" ("id", "user_id", "kind", "created_at", "seen_at")
VALUES ($1, $2, $3, $4, $5);
--> Insert on notice
-->   ->  Result

-- 9: writes outbox
-- $1 uuid, $2 text, $3 uuid, $4 text, $5 text, $6 bigint, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone
INSERT INTO "outbox" ("id", "kind", "user_id", "sealed_message", "secret_id", "tries", "created_at", "next_try_at", "expires_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on outbox
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
