-- The roles and the database of one module. The one place that says so: compose.yaml mounts this file where the image runs
-- it on an empty server, scripts/dev-postgres runs it at every start. It can be run again.
--
-- Needs a superuser and three environment variables: MODULE (auth | inventory), OWNER_PASSWORD, APP_PASSWORD.
--
-- <module>_owner migrates: it owns the database and everything in it.
-- <module>_app   is what the server connects as: it reads and writes rows and cannot create, change or drop a table.
--                `larder db deploy` takes UPDATE and DELETE away from it on the tables that are only appended to.
-- Nobody else may connect, so a role of one module cannot open the other's database, on one server either.

\set ON_ERROR_STOP on
\set module `printf %s "${MODULE:?}"`
\set owner_password `printf %s "${OWNER_PASSWORD:?}"`
\set app_password `printf %s "${APP_PASSWORD:?}"`
\set owner :module _owner
\set app :module _app

SELECT format('CREATE ROLE %I', name) FROM (VALUES (:'owner'), (:'app')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE :"app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';

SELECT format('CREATE DATABASE %I OWNER %I', :'module', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'module') \gexec
REVOKE ALL ON DATABASE :"module" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"module" TO :"owner", :"app";

\connect :"module"
-- Until Postgres 14 everybody may create tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";
