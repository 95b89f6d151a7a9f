-- API keys
-- statements: 2, round trips: 2

-- 1
-- $1 uuid, $2 timestamp with time zone, $3 bigint
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."tenant_id" = $1
AND "api_key"."revoked_at" IS NULL
AND ("api_key"."expires_at" IS NULL
  OR "api_key"."expires_at" > $2)
ORDER BY "api_key"."created_at" DESC, "api_key"."id" DESC
LIMIT $3;
--> Limit
-->   ->  Sort
-->         Sort Key: created_at DESC, id DESC
-->         ->  Seq Scan on api_key
-->               Filter: ((revoked_at IS NULL) AND ((expires_at IS NULL) OR (expires_at > $2)) AND (tenant_id = $1))

-- 2
-- $1 uuid, $2 integer, $3 integer
SELECT "api_key_site"."id", "api_key_site"."tenant_id", "api_key_site"."api_key_id", "api_key_site"."site_id"
FROM "api_key_site"
WHERE "api_key_site"."tenant_id" = $1
AND $2 = $3;
--> Result
-->   One-Time Filter: ($2 = $3)
-->   ->  Bitmap Heap Scan on api_key_site
-->         Recheck Cond: (tenant_id = $1)
-->         ->  Bitmap Index Scan on ix_api_key_site_tenant_id_api_key_id_site_id
-->               Index Cond: (tenant_id = $1)
