-- acceptance of an invite
-- statements: 29, round trips: 29
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, device, invite, membership, one_time_token, session, throttle, user
-- held at COMMIT: RowShareLock: audit_event, invite, membership, tenant, throttle, user

-- 1
-- $1 text, $2 text, $3 bigint
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."token_hash" = $1
OR "invite"."mailed_token_hash" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on invite
-->         Filter: (((token_hash)::text = $1) OR ((mailed_token_hash)::text = $2))

-- 2
-- $1 text, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."email_key" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_user_email_key on "user"
-->         Index Cond: ((email_key)::text = $1)

-- 3
-- $1 text
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Index Scan using throttle_pkey on throttle
-->   Index Cond: ((key)::text = $1)

-- 4
BEGIN;

-- 5: locks rows of throttle FOR UPDATE
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

-- 6: writes throttle
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

-- 7
COMMIT;

-- 8
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

-- 9
BEGIN;

-- 10: locks rows of throttle FOR UPDATE
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

-- 11: writes throttle
-- $1 text
DELETE
FROM "throttle"
WHERE "throttle"."key" IN ($1);
--> Delete on throttle
-->   ->  Index Scan using throttle_pkey on throttle
-->         Index Cond: ((key)::text = $1)

-- 12: locks rows of tenant FOR NO KEY UPDATE
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

-- 13: locks rows of invite FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."id" = $1
AND "invite"."tenant_id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on invite
-->               Filter: ((id = $1) AND (tenant_id = $2))

-- 14
-- $1 uuid, $2 integer, $3 integer
SELECT "invite_site"."id", "invite_site"."tenant_id", "invite_site"."invite_id", "invite_site"."site_id"
FROM "invite_site"
WHERE "invite_site"."tenant_id" = $1
AND $2 = $3;
--> Result
-->   One-Time Filter: ($2 = $3)
-->   ->  Bitmap Heap Scan on invite_site
-->         Recheck Cond: (tenant_id = $1)
-->         ->  Bitmap Index Scan on ix_invite_site_tenant_id_invite_id_site_id
-->               Index Cond: (tenant_id = $1)

-- 15
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

-- 16
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 17
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

-- 18
-- $1 text, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."email_key" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_user_email_key on "user"
-->         Index Cond: ((email_key)::text = $1)

-- 19: writes user
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 text, $6 text, $7 text, $8 text, $9 timestamp with time zone, $10 timestamp with time zone, $11 timestamp with time zone
INSERT INTO "user" ("id", "version", "created_at", "updated_at", "email", "email_key", "name", "password_hash", "disabled_at",
  "email_verified_at", "erased_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on "user"
-->   ->  Result

-- 20: writes one_time_token
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

-- 21: writes membership
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 uuid, $6 uuid, $7 text, $8 boolean
INSERT INTO "membership" ("id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
--> Insert on membership
-->   ->  Result

-- 22: writes invite
-- $1 timestamp with time zone, $2 uuid, $3 uuid
UPDATE "invite"
SET "accepted_at" = $1, "accepted_by" = $2
WHERE "invite"."id" = $3;
--> Update on invite
-->   ->  Seq Scan on invite
-->         Filter: (id = $3)

-- 23: writes session
-- $1 uuid, $2 uuid, $3 uuid, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 timestamp with time zone, $11 text, $12 bigint, $13 timestamp with time zone, $14 text, $15 timestamp with time zone
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
--> Insert on session
-->   ->  Result

-- 24
-- $1 uuid, $2 bigint
SELECT "device"."id"
FROM "device"
WHERE "device"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_device_user_id_last_used_at on device
-->         Index Cond: (user_id = $1)

-- 25: writes device
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone, $6 timestamp with time zone, $7 timestamp with time zone
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on device
-->   ->  Result

-- 26: writes device
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

-- 27: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 28: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 29
COMMIT;
