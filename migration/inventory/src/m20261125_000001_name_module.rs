//! A marker row that names the module, so that a program started with the other module's database stops at once.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string_len;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(Table::create().table("larder_module").col(string_len("name", 32).primary_key()).take()).await?;
        manager.execute(Query::insert().into_table("larder_module").columns(["name"]).values_panic([crate::MODULE.into()]).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::columns::drop_all(manager, &["larder_module"]).await
    }
}
