-- an account that is confirmed
-- statements: 16, round trips: 16
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, device, membership, one_time_token, session, tenant, user
-- held at COMMIT: RowShareLock: audit_event, membership, tenant, user

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
BEGIN;

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
-- $1 uuid, $2 bigint, $3 timestamp with time zone, $4 timestamp with time zone, $5 text, $6 text, $7 text, $8 text, $9 timestamp with time zone, $10 timestamp with time zone, $11 timestamp with time zone
INSERT INTO "user" ("id", "version", "created_at", "updated_at", "email", "email_key", "name", "password_hash", "disabled_at",
  "email_verified_at", "erased_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on "user"
-->   ->  Result

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

-- 10: writes one_time_token
-- $1 text, $2 text, $3 uuid
UPDATE "one_time_token"
SET "email" = $1, "sealed_payload" = $2
WHERE "one_time_token"."id" = $3;
--> Update on one_time_token
-->   ->  Index Scan using one_time_token_pkey on one_time_token
-->         Index Cond: (id = $3)

-- 11: writes user
-- $1 timestamp with time zone, $2 uuid
UPDATE "user"
SET "email_verified_at" = $1
WHERE "user"."id" = $2
AND "user"."email_verified_at" IS NULL;
--> Update on "user"
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $2)
-->         Filter: (email_verified_at IS NULL)

-- 12: writes device
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone, $6 timestamp with time zone, $7 timestamp with time zone
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on device
-->   ->  Result

-- 13: writes device
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

-- 14: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 15: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 16
COMMIT;
