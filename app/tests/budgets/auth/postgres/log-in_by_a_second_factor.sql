-- log-in by a second factor
-- statements: 28, round trips: 28
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, device, one_time_token, session, throttle, totp
-- held at COMMIT: RowShareLock: audit_event, membership, throttle, user

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
SELECT "signing_key"."kid", "signing_key"."status", "signing_key"."public_jwk", "signing_key"."sealed_private_key", "signing_key"."secret_id",
"signing_key"."created_at", "signing_key"."activated_at", "signing_key"."retired_at"
FROM "signing_key"
ORDER BY "signing_key"."created_at" DESC, "signing_key"."kid" ASC;
--> Sort
-->   Sort Key: created_at DESC, kid COLLATE "C"
-->   ->  Seq Scan on signing_key

-- 3
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

-- 4
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 5
-- $1 text
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Index Scan using throttle_pkey on throttle
-->   Index Cond: ((key)::text = $1)

-- 6
BEGIN;

-- 7: writes one_time_token
-- $1 integer, $2 uuid, $3 bigint, $4 timestamp with time zone
UPDATE "one_time_token"
SET "tries" = "tries" + $1
WHERE "one_time_token"."id" = $2
AND "one_time_token"."tries" < $3
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL
AND "one_time_token"."expires_at" > $4;
--> Update on one_time_token
-->   ->  Index Scan using one_time_token_pkey on one_time_token
-->         Index Cond: (id = $2)
-->         Filter: ((used_at IS NULL) AND (revoked_at IS NULL) AND (tries < $3) AND (expires_at > $4))

-- 8: locks rows of throttle FOR UPDATE
-- $1 text
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN ($1)
ORDER BY "throttle"."key" ASC
FOR UPDATE;
--> LockRows
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 9: writes throttle
-- $1 text, $2 text, $3 bigint, $4 bigint, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 text
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);
--> Insert on throttle
-->   Conflict Resolution: UPDATE
-->   Conflict Arbiter Indexes: throttle_pkey
-->   Conflict Filter: (throttle.version = (excluded.version - 1))
-->   ->  Result

-- 10
COMMIT;

-- 11
BEGIN;

-- 12: locks rows of user FOR SHARE
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2 FOR SHARE;
--> Limit
-->   ->  LockRows
-->         ->  Index Scan using user_pkey on "user"
-->               Index Cond: (id = $1)

-- 13
-- $1 uuid, $2 bigint
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = $1
AND "tenant"."closed_at" IS NULL
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: membership.created_at, membership.id
-->         ->  Nested Loop
-->               ->  Index Scan using ix_membership_user_id on membership
-->                     Index Cond: (user_id = $1)
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = membership.tenant_id)
-->                     Filter: (closed_at IS NULL)

-- 14: writes one_time_token
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

-- 15
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 16: writes totp
-- $1 bigint, $2 uuid, $3 bigint
UPDATE "totp"
SET "last_step" = $1
WHERE "totp"."user_id" = $2
AND "totp"."confirmed_at" IS NOT NULL
AND ("totp"."last_step" IS NULL
  OR "totp"."last_step" < $3);
--> Update on totp
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $2)
-->         Filter: ((confirmed_at IS NOT NULL) AND ((last_step IS NULL) OR (last_step < $3)))

-- 17: locks rows of throttle FOR UPDATE
-- $1 text
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN ($1)
ORDER BY "throttle"."key" ASC
FOR UPDATE;
--> LockRows
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 18: writes throttle
-- $1 text
DELETE
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Delete on throttle
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 19: writes session
-- $1 uuid, $2 uuid, $3 uuid, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 timestamp with time zone, $11 text, $12 bigint, $13 timestamp with time zone, $14 text, $15 timestamp with time zone
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
--> Insert on session
-->   ->  Result

-- 20
-- $1 uuid, $2 bigint
SELECT "device"."id"
FROM "device"
WHERE "device"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_device_user_id_last_used_at on device
-->         Index Cond: (user_id = $1)

-- 21: writes device
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone, $6 timestamp with time zone, $7 timestamp with time zone
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on device
-->   ->  Result

-- 22: writes device
-- $1 uuid, $2 uuid, $3 bigint
DELETE
FROM "device"
WHERE "device"."user_id" = $1
AND "device"."id" NOT IN (SELECT "device"."id"
  FROM "device"
  WHERE "device"."user_id" = $2
  ORDER BY "device"."last_used_at" DESC, "device"."id" DESC
  LIMIT $3);
--> Delete on device
-->   ->  Index Scan using ix_device_user_id_last_used_at on device
-->         Index Cond: (user_id = $1)
-->         Filter: (NOT (hashed SubPlan 1))
-->         SubPlan 1
-->           ->  Limit
-->                 ->  Incremental Sort
-->                       Sort Key: device_1.last_used_at DESC, device_1.id DESC
-->                       Presorted Key: device_1.last_used_at
-->                       ->  Index Scan Backward using ix_device_user_id_last_used_at on device device_1
-->                             Index Cond: (user_id = $2)

-- 23: locks rows of throttle FOR UPDATE
-- $1 text, $2 text, $3 text, $4 text
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN ($1, …)
ORDER BY "throttle"."key" ASC
FOR UPDATE;
--> LockRows
-->   ->  Sort
-->         Sort Key: key COLLATE "C"
-->         ->  Bitmap Heap Scan on throttle
-->               Recheck Cond: ((key)::text = ANY ((ARRAY[($1)::character varying, ($2)::character varying, ($3)::character varying, ($4)::character varying])::text[]))
-->               ->  Bitmap Index Scan on throttle_pkey
-->                     Index Cond: ((key)::text = ANY ((ARRAY[($1)::character varying, ($2)::character varying, ($3)::character varying, ($4)::character varying])::text[]))

-- 24: writes throttle
-- $1 text
DELETE
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Delete on throttle
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 25: writes throttle
-- $1 text, $2 text, $3 bigint, $4 bigint, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 text, $10 text, $11 text, $12 bigint, $13 bigint, $14 bigint, $15 timestamp with time zone, $16 timestamp with time zone, $17 timestamp with time zone, $18 text, $19 text, $20 text, $21 bigint, $22 bigint, $23 bigint, $24 timestamp with time zone, $25 timestamp with time zone, $26 timestamp with time zone, $27 text
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9), …
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);
--> Insert on throttle
-->   Conflict Resolution: UPDATE
-->   Conflict Arbiter Indexes: throttle_pkey
-->   Conflict Filter: (throttle.version = (excluded.version - 1))
-->   ->  Values Scan on "*VALUES*"

-- 26: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 27: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 28
COMMIT;
