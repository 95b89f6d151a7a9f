-- export of what is known of oneself
-- statements: 15, round trips: 15
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event
-- held at COMMIT: RowShareLock: audit_event

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

-- 4: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 5: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 6
COMMIT;

-- 7
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 8
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

-- 9
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 10
-- $1 uuid, $2 bigint
SELECT "audit_event"."id" AS "A_id", "audit_event"."occurred_at" AS "A_occurred_at", "audit_event"."act" AS "A_act", "audit_event"."outcome" AS "A_outcome",
"audit_event"."tenant_id" AS "A_tenant_id", "audit_event"."user_id" AS "A_user_id", "audit_event"."session_id" AS "A_session_id",
"audit_event"."subject" AS "A_subject", "audit_event"."request_id" AS "A_request_id", "audit_event"."times" AS "A_times",
"audit_event"."object_id" AS "A_object_id", "audit_address"."audit_event_id" AS "B_audit_event_id", "audit_address"."address" AS "B_address",
"audit_address"."occurred_at" AS "B_occurred_at"
FROM "audit_event"
LEFT JOIN "audit_address" ON "audit_event"."id" = "audit_address"."audit_event_id"
WHERE "audit_event"."user_id" = $1
ORDER BY "audit_event"."occurred_at" DESC, "audit_event"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: audit_event.occurred_at DESC, audit_event.id DESC
-->         ->  Nested Loop Left Join
-->               ->  Seq Scan on audit_event
-->                     Filter: (user_id = $1)
-->               ->  Index Scan using audit_address_pkey on audit_address
-->                     Index Cond: (audit_event_id = audit_event.id)

-- 11
-- $1 uuid, $2 bigint
SELECT "session"."id", "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."created_at",
"session"."authenticated_at", "session"."last_used_at", "session"."expires_at", "session"."revoked_at", "session"."nonce",
"session"."used_counter", "session"."rotated_at", "session"."user_agent", "session"."mfa_at"
FROM "session"
WHERE "session"."user_id" = $1
ORDER BY "session"."created_at" DESC, "session"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: created_at DESC, id DESC
-->         ->  Index Scan using ix_session_user_id on session
-->               Index Cond: (user_id = $1)

-- 12
-- $1 uuid
SELECT "device"."id", "device"."user_id", "device"."token_hash", "device"."user_agent", "device"."created_at", "device"."last_used_at",
"device"."revoked_at"
FROM "device"
WHERE "device"."user_id" = $1
ORDER BY "device"."last_used_at" DESC;
--> Index Scan Backward using ix_device_user_id_last_used_at on device
-->   Index Cond: (user_id = $1)

-- 13
-- $1 uuid, $2 bigint
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."membership_id" IN ($1)
ORDER BY "api_key"."created_at" DESC, "api_key"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: created_at DESC, id DESC
-->         ->  Seq Scan on api_key
-->               Filter: (membership_id = $1)

-- 14
-- $1 uuid, $2 bigint
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."membership_id" IN ($1)
ORDER BY "invite"."created_at" DESC, "invite"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: created_at DESC, id DESC
-->         ->  Seq Scan on invite
-->               Filter: (membership_id = $1)

-- 15
-- $1 uuid, $2 bigint
SELECT "notice"."id", "notice"."user_id", "notice"."kind", "notice"."created_at", "notice"."seen_at"
FROM "notice"
WHERE "notice"."user_id" = $1
ORDER BY "notice"."created_at" DESC, "notice"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Incremental Sort
-->         Sort Key: created_at DESC, id DESC
-->         Presorted Key: created_at
-->         ->  Index Scan Backward using ix_notice_user_id_created_at on notice
-->               Index Cond: (user_id = $1)
