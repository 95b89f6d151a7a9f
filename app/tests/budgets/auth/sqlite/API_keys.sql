-- API keys
-- statements: 2

-- 1
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."tenant_id" = ?
AND "api_key"."revoked_at" IS NULL
AND ("api_key"."expires_at" IS NULL
  OR "api_key"."expires_at" > ?)
ORDER BY "api_key"."created_at" DESC, "api_key"."id" DESC
LIMIT ?;
--> SEARCH api_key USING INDEX ix_api_key_tenant_id_membership_id (tenant_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 2
SELECT "api_key_site"."id", "api_key_site"."tenant_id", "api_key_site"."api_key_id", "api_key_site"."site_id"
FROM "api_key_site"
WHERE "api_key_site"."tenant_id" = ?
AND ? = ?;
--> SEARCH api_key_site USING INDEX ix_api_key_site_tenant_id_api_key_id_site_id (tenant_id=?)
