-- change of a member
-- statements: 20, round trips: 20
-- held at COMMIT: RowExclusiveLock: audit_address, audit_event, membership, membership_site
-- held at COMMIT: RowShareLock: audit_event, tenant, user

-- 1
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

-- 2
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 3
BEGIN;

-- 4
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

-- 5: locks rows of user FOR NO KEY UPDATE
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

-- 6: locks rows of tenant FOR NO KEY UPDATE
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

-- 7
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

-- 8
-- $1 bigint, $2 bigint
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on instance
-->         Filter: (id = $1)

-- 9
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

-- 10
-- $1 uuid, $2 uuid, $3 text
SELECT COUNT(*) AS num_items
FROM (SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
  "membership"."user_id", "membership"."role", "membership"."all_sites"
  FROM "membership"
  INNER JOIN "user" ON "membership"."user_id" = "user"."id"
  WHERE "membership"."tenant_id" = $1
  AND "membership"."id" <> $2
  AND "membership"."role" = $3
  AND "user"."disabled_at" IS NULL) AS "sub_query";
--> Aggregate
-->   ->  Hash Join
-->         Hash Cond: ("user".id = membership.user_id)
-->         ->  Seq Scan on "user"
-->               Filter: (disabled_at IS NULL)
-->         ->  Hash
-->               ->  Bitmap Heap Scan on membership
-->                     Recheck Cond: (tenant_id = $1)
-->                     Filter: ((id <> $2) AND ((role)::text = $3))
-->                     ->  Bitmap Index Scan on ix_membership_tenant_id_user_id
-->                           Index Cond: (tenant_id = $1)

-- 11: writes membership
-- $1 text, $2 boolean, $3 bigint, $4 timestamp with time zone, $5 uuid
UPDATE "membership"
SET "role" = $1, "all_sites" = $2, "version" = $3, "updated_at" = $4
WHERE "membership"."id" = $5;
--> Update on membership
-->   ->  Index Scan using membership_pkey on membership
-->         Index Cond: (id = $5)

-- 12: writes membership_site
-- $1 uuid, $2 uuid
DELETE
FROM "membership_site"
WHERE "membership_site"."tenant_id" = $1
AND "membership_site"."membership_id" = $2;
--> Delete on membership_site
-->   ->  Index Scan using ix_membership_site_tenant_id_membership_id_site_id on membership_site
-->         Index Cond: ((tenant_id = $1) AND (membership_id = $2))

-- 13
-- $1 uuid, $2 uuid
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."tenant_id" = $1
AND "invite"."membership_id" = $2
AND ("invite"."accepted_at" IS NULL
  AND "invite"."revoked_at" IS NULL);
--> Seq Scan on invite
-->   Filter: ((accepted_at IS NULL) AND (revoked_at IS NULL) AND (tenant_id = $1) AND (membership_id = $2))

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

-- 15: writes audit_event
-- $1 uuid, $2 timestamp with time zone, $3 text, $4 text, $5 uuid, $6 uuid, $7 uuid, $8 text, $9 text, $10 bigint, $11 uuid
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on audit_event
-->   ->  Result

-- 16: writes audit_address
-- $1 uuid, $2 text, $3 timestamp with time zone
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES ($1, $2, $3);
--> Insert on audit_address
-->   ->  Result

-- 17
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

-- 18
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 19
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

-- 20
COMMIT;
