-- a member
-- statements: 3, round trips: 3

-- 1
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
