-- a member
-- statements: 3

-- 1
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."id" = ?
AND "membership"."tenant_id" = ?
LIMIT ?;
--> SEARCH membership USING INDEX sqlite_autoindex_membership_2 (tenant_id=? AND id=?)

-- 2
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 3
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."tenant_id" = ?
AND "api_key"."membership_id" IN (?)
AND "api_key"."revoked_at" IS NULL
AND ("api_key"."expires_at" IS NULL
  OR "api_key"."expires_at" > ?)
ORDER BY "api_key"."created_at" ASC, "api_key"."id" ASC;
--> SEARCH api_key USING INDEX ix_api_key_tenant_id_membership_id (tenant_id=? AND membership_id=?)
--> USE TEMP B-TREE FOR ORDER BY
