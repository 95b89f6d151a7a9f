-- end of an account
-- statements: 20, round trips: 20
-- held at COMMIT: RowExclusiveLock: api_key, audit_address, audit_event, device, invite, membership, membership_site, notice, one_time_token, outbox, recovery_code, session, totp, user
-- held at COMMIT: RowShareLock: audit_event, tenant, user

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

-- 4: locks rows of tenant FOR NO KEY UPDATE
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

-- 8: writes membership
-- $1 uuid
DELETE
FROM "membership"
WHERE "membership"."id" = $1;
--> Delete on membership
-->   ->  Index Scan using membership_pkey on membership
-->         Index Cond: (id = $1)

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

-- 11: writes device
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

-- 12: writes one_time_token
-- $1 uuid
DELETE
FROM "one_time_token"
WHERE "one_time_token"."user_id" = $1;
--> Delete on one_time_token
-->   ->  Bitmap Heap Scan on one_time_token
-->         Recheck Cond: (user_id = $1)
-->         ->  Bitmap Index Scan on ix_one_time_token_user_id_created_at
-->               Index Cond: (user_id = $1)

-- 13
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 14: writes totp
-- $1 uuid
DELETE
FROM "totp"
WHERE "totp"."user_id" = $1;
--> Delete on totp
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 15: writes recovery_code
-- $1 uuid
DELETE
FROM "recovery_code"
WHERE "recovery_code"."user_id" = $1;
--> Delete on recovery_code
-->   ->  Index Scan using ix_recovery_code_user_id_code_hash on recovery_code
-->         Index Cond: (user_id = $1)

-- 16: writes notice
-- $1 uuid
DELETE
FROM "notice"
WHERE "notice"."user_id" = $1;
--> Delete on notice
-->   ->  Index Scan using ix_notice_user_id_created_at on notice
-->         Index Cond: (user_id = $1)

-- 17: writes outbox
-- $1 uuid
DELETE
FROM "outbox"
WHERE "outbox"."user_id" = $1;
--> Delete on outbox
-->   ->  Index Scan using ix_outbox_user_id on outbox
-->         Index Cond: (user_id = $1)

-- 18: writes invite
-- $1 text, $2 text, $3 uuid, $4 text, $5 text, $6 text, $7 timestamp with time zone
UPDATE "invite"
SET "email" = $1, "email_key" = $2
WHERE "invite"."accepted_by" = $3
OR ("invite"."email_key" = $4
  AND "invite"."accepted_at" IS NOT NULL)
OR ("invite"."email_key" = $5
  AND "invite"."revoked_at" IS NOT NULL)
OR ("invite"."email_key" = $6
  AND "invite"."expires_at" <= $7);
--> Update on invite
-->   ->  Seq Scan on invite
-->         Filter: ((accepted_by = $3) OR (((email_key)::text = $4) AND (accepted_at IS NOT NULL)) OR (((email_key)::text = $5) AND (revoked_at IS NOT NULL)) OR (((email_key)::text = $6) AND (expires_at <= $7)))

-- 19: writes user
-- $1 integer, $2 timestamp with time zone, $3 text, $4 text, $5 text, $6 text, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 uuid
UPDATE "user"
SET "version" = "version" + $1, "updated_at" = $2, "email" = $3, "email_key" = $4, "name" = $5, "password_hash" = $6, "email_verified_at" = $7,
"disabled_at" = $8, "erased_at" = $9
WHERE "user"."id" = $10;
--> Update on "user"
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $10)

-- 20
COMMIT;
