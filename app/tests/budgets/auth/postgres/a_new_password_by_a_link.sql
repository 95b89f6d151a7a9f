-- a new password by a link
-- statements: 27, round trips: 27
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, device, notice, one_time_token, session, throttle, user
-- held at COMMIT: RowShareLock: audit_event, tenant, throttle, user

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
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 3
-- $1 uuid
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."user_id" = $1
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC;
--> Sort
-->   Sort Key: created_at, id
-->   ->  Index Scan using ix_membership_user_id on membership
-->         Index Cond: (user_id = $1)

-- 4
-- $1 uuid, $2 bigint
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = $1
AND "tenant"."closed_at" IS NULL
LIMIT $2;
--> Limit
-->   ->  Index Scan using tenant_pkey on tenant
-->         Index Cond: (id = $1)
-->         Filter: (closed_at IS NULL)

-- 5
BEGIN;

-- 6: locks rows of user FOR NO KEY UPDATE
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

-- 7: locks rows of tenant FOR NO KEY UPDATE
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

-- 8
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

-- 9
-- $1 uuid, $2 uuid, $3 bigint
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."tenant_id" = $1
AND "membership"."user_id" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_membership_user_id on membership
-->         Index Cond: (user_id = $2)
-->         Filter: (tenant_id = $1)

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
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 12: writes one_time_token
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

-- 13: writes user
-- $1 integer, $2 timestamp with time zone, $3 text, $4 uuid
UPDATE "user"
SET "version" = "version" + $1, "updated_at" = $2, "password_hash" = $3
WHERE "user"."id" = $4;
--> Update on "user"
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $4)

-- 14: writes session
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

-- 15: writes device
-- $1 timestamp with time zone, $2 uuid
UPDATE "device"
SET "revoked_at" = $1
WHERE "device"."user_id" = $2
AND "device"."revoked_at" IS NULL;
--> Update on device
-->   ->  Index Scan using ix_device_user_id_last_used_at on device
-->         Index Cond: (user_id = $2)
-->         Filter: (revoked_at IS NULL)

-- 16: writes one_time_token
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

-- 17: writes device
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone, $6 timestamp with time zone, $7 timestamp with time zone
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on device
-->   ->  Result

-- 18: writes device
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

-- 19: locks rows of throttle FOR UPDATE
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

-- 20: writes throttle
-- $1 text
DELETE
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Delete on throttle
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 21: writes notice
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone
INSERT INTO "notice" ("id", "user_id", "kind", "created_at", "seen_at")
VALUES ($1, $2, $3, $4, $5);
--> Insert on notice
-->   ->  Result

-- 22: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 23: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 24
-- $1 uuid
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."user_id" = $1
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC;
--> Sort
-->   Sort Key: created_at, id
-->   ->  Index Scan using ix_membership_user_id on membership
-->         Index Cond: (user_id = $1)

-- 25
-- $1 uuid, $2 uuid, $3 timestamp with time zone
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."tenant_id" = $1
AND "api_key"."membership_id" IN ($2)
AND "api_key"."revoked_at" IS NULL
AND ("api_key"."expires_at" IS NULL
  OR "api_key"."expires_at" > $3)
ORDER BY "api_key"."created_at" ASC, "api_key"."id" ASC;
--> Sort
-->   Sort Key: created_at, id
-->   ->  Bitmap Heap Scan on api_key
-->         Recheck Cond: ((tenant_id = $1) AND (membership_id = $2))
-->         Filter: ((revoked_at IS NULL) AND ((expires_at IS NULL) OR (expires_at > $3)))
-->         ->  Bitmap Index Scan on ix_api_key_tenant_id_membership_id
-->               Index Cond: ((tenant_id = $1) AND (membership_id = $2))

-- 26
-- $1 uuid, $2 timestamp with time zone
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."membership_id" IN ($1)
AND ("invite"."expires_at" > $2
  AND ("invite"."accepted_at" IS NULL
    AND "invite"."revoked_at" IS NULL))
ORDER BY "invite"."created_at" ASC, "invite"."id" ASC;
--> Sort
-->   Sort Key: created_at, id
-->   ->  Seq Scan on invite
-->         Filter: ((accepted_at IS NULL) AND (revoked_at IS NULL) AND (expires_at > $2) AND (membership_id = $1))

-- 27
COMMIT;
