-- members
-- statements: 3, round trips: 3

-- 1
-- $1 uuid, $2 bigint
SELECT "membership"."id" AS "A_id", "membership"."version" AS "A_version", "membership"."created_at" AS "A_created_at", "membership"."updated_at" AS "A_updated_at",
"membership"."tenant_id" AS "A_tenant_id", "membership"."user_id" AS "A_user_id", "membership"."role" AS "A_role", "membership"."all_sites" AS "A_all_sites",
"user"."id" AS "B_id", "user"."version" AS "B_version", "user"."created_at" AS "B_created_at", "user"."updated_at" AS "B_updated_at",
"user"."email" AS "B_email", "user"."email_key" AS "B_email_key", "user"."name" AS "B_name", "user"."password_hash" AS "B_password_hash",
"user"."disabled_at" AS "B_disabled_at", "user"."email_verified_at" AS "B_email_verified_at", "user"."erased_at" AS "B_erased_at"
FROM "membership"
LEFT JOIN "user" ON "membership"."user_id" = "user"."id"
WHERE "membership"."tenant_id" = $1
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: membership.created_at, membership.id
-->         ->  Hash Right Join
-->               Hash Cond: ("user".id = membership.user_id)
-->               ->  Seq Scan on "user"
-->               ->  Hash
-->                     ->  Bitmap Heap Scan on membership
-->                           Recheck Cond: (tenant_id = $1)
-->                           ->  Bitmap Index Scan on ix_membership_tenant_id_user_id
-->                                 Index Cond: (tenant_id = $1)

-- 2
-- $1 uuid, $2 uuid
SELECT "membership_site"."id", "membership_site"."tenant_id", "membership_site"."membership_id", "membership_site"."site_id"
FROM "membership_site"
WHERE "membership_site"."tenant_id" = $1
AND "membership_site"."membership_id" IN ($2);
--> Index Scan using ix_membership_site_tenant_id_membership_id_site_id on membership_site
-->   Index Cond: ((tenant_id = $1) AND (membership_id = $2))

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
