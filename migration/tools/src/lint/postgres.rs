//! What squawk says of one migration on Postgres, and what it has no rule for.

use std::collections::BTreeMap;

use migration_history::Recorded;
use squawk_linter::{Linter, Rule, Violation};
use squawk_syntax::ast::{self, AlterTableAction, AstNode as _, NameLike as _, Stmt};
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use super::{Hazard, Index, Indexes};

/// Where a rule counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// On what was there before the migration.
    Existing,
    Everything,
}

/// squawk's rules that are about data and users, by the names that they have here. Its rules of style are left out, and these:
/// DROP NOT NULL (it allows more than before), lock and statement timeouts (the deploy's connection has them), and new write
/// restrictions and columns as such (an expansion begins with them).
const RULES: &[(Rule, &str, On)] = &[
    (Rule::BanDropTable, "drop_table", On::Existing),
    (Rule::BanDropColumn, "drop_column", On::Existing),
    (Rule::BanDropConstraint, "drop_constraint", On::Existing),
    (Rule::BanDropIndex, DROP_UNIQUE_INDEX, On::Existing),
    (Rule::BanDropView, "drop_view", On::Existing),
    (Rule::BanDropFunction, "drop_function", On::Existing),
    (Rule::BanDropTrigger, "drop_trigger", On::Existing),
    (Rule::BanDropType, "drop_type", On::Existing),
    (Rule::BanDropDomain, "drop_domain", On::Existing),
    (Rule::BanDropSequence, "drop_sequence", On::Existing),
    (Rule::BanDropSchema, "drop_schema", On::Existing),
    (Rule::BanDropExtension, "drop_extension", On::Existing),
    (Rule::BanDropDatabase, "drop_database", On::Existing),
    (Rule::BanDropDefault, "drop_default", On::Existing),
    (Rule::BanDropGeneratedExpression, "drop_generated_expression", On::Existing),
    (Rule::BanDropPolicy, "drop_policy", On::Existing),
    (Rule::BanDisableTrigger, "disable_trigger", On::Existing),
    (Rule::BanSetSchema, "set_schema", On::Existing),
    (Rule::ChangingColumnType, "change_column_type", On::Existing),
    (Rule::RenamingColumn, "rename_column", On::Existing),
    (Rule::RenamingTable, "rename_table", On::Existing),
    (Rule::RenamingObject, "rename_object", On::Existing),
    (Rule::AddingRequiredField, "add_required_column", On::Existing),
    (Rule::AddingNotNullableField, "set_not_null", On::Existing),
    (Rule::AddingFieldWithDefault, "add_column_with_rewrite", On::Existing),
    (Rule::AddingForeignKeyConstraint, "add_foreign_key", On::Existing),
    (Rule::AddingSerialPrimaryKeyField, "add_primary_key", On::Existing),
    (Rule::DisallowedUniqueConstraint, "add_unique_constraint", On::Existing),
    (Rule::ConstraintMissingNotValid, ADD_CONSTRAINT, On::Existing),
    (Rule::BanAlterDomainWithAddConstraint, "add_domain_constraint", On::Existing),
    (Rule::RequireConcurrentIndexCreation, "create_index_not_concurrently", On::Existing),
    (Rule::RequireConcurrentIndexDeletion, "drop_index_not_concurrently", On::Existing),
    (Rule::RequireConcurrentReindex, "reindex_not_concurrently", On::Existing),
    (Rule::RequireConcurrentPartitionDetach, "detach_partition_not_concurrently", On::Existing),
    // What a killed deploy leaves of a migration that is no transaction is met by the next one.
    (Rule::PreferRobustStmts, NOT_REPEATABLE, On::Everything),
    (Rule::IdentifierTooLong, "identifier_too_long", On::Everything),
];

const DROP_UNIQUE_INDEX: &str = "drop_unique_index";
const ADD_CONSTRAINT: &str = "add_constraint_without_not_valid";
/// What each of these says is the better answer where both are said.
const MORE_THAN_ADD_CONSTRAINT: [&str; 3] = ["add_foreign_key", "add_primary_key", "add_unique_constraint"];
const NOT_REPEATABLE: &str = "not_repeatable";
const NOT_UNDERSTOOD: &str = "not_understood";

/// Every hazard of a migration. `indexes` gains those that it makes.
pub fn hazards(migration: &Recorded, indexes: &mut Indexes) -> Vec<Hazard> {
    let text = without_comments(&migration.sql());
    let parse = SourceFile::parse(&text);
    let mut hazards = not_understood(&parse, &text);
    let made = Made::by(&parse);
    let statements = Statements { all: parse.tree().stmts().collect(), indexes };
    for violation in violations(&parse, &text, migration.transactional) {
        hazards.extend(statements.hazard(&violation, &made, migration.transactional));
    }
    for statement in &statements.all {
        if !made.has_all_of(statement) {
            hazards.extend(statements.own(statement));
        }
        hazards.extend(statements.concurrent(statement).filter(|_| migration.transactional));
    }
    let covered: Vec<_> = hazards.iter().filter(|hazard| MORE_THAN_ADD_CONSTRAINT.contains(&hazard.rule)).map(|hazard| hazard.subject.clone()).collect();
    hazards.retain(|hazard| hazard.rule != ADD_CONSTRAINT || !covered.contains(&hazard.subject));
    remember_indexes(&parse, indexes);
    hazards
}

/// What squawk says. In a transaction it looks away from every table of a CREATE TABLE, also from one that IF NOT EXISTS found
/// there; so it is asked as if there were none, too. What is said twice is told once.
fn violations(parse: &Parse<SourceFile>, text: &str, transactional: bool) -> Vec<Violation> {
    let passes = if transactional { [true, false].as_slice() } else { &[false] };
    let lint = |in_transaction: &bool| {
        let mut linter = Linter::from(RULES.iter().map(|(rule, ..)| *rule));
        linter.settings.assume_in_transaction = *in_transaction;
        linter.lint(parse, text)
    };
    passes.iter().flat_map(lint).collect()
}

/// A comment could tell squawk to look away (`squawk-ignore`), and no reason would stand with it.
fn without_comments(sql: &str) -> String {
    let tokens = SourceFile::parse(sql).syntax_node().descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.map(|token| if token.kind() == SyntaxKind::COMMENT { " ".to_owned() } else { token.text().to_owned() }).collect()
}

/// What cannot be read cannot be judged.
fn not_understood(parse: &Parse<SourceFile>, text: &str) -> Vec<Hazard> {
    let errors = parse.errors();
    let error = errors.first().map(|error| {
        let at: usize = error.range().start().into();
        let line = text.get(..at).map_or(1, |before| before.lines().count().max(1));
        Hazard { rule: NOT_UNDERSTOOD, subject: "migration".into(), message: format!("Line {line} of its SQL cannot be read: {}", error.message()) }
    });
    error.into_iter().collect()
}

/// What a migration makes itself, with where in its text. It is new from there on.
struct Made(BTreeMap<String, usize>);

impl Made {
    fn by(parse: &Parse<SourceFile>) -> Self {
        let names = parse.tree().stmts().filter_map(|statement| {
            let name = match &statement {
                // IF NOT EXISTS may find a table that was there before.
                Stmt::CreateTable(table) if table.if_not_exists().is_none() => table.table_name()?.path()?.segment()?.text(),
                Stmt::CreateIndex(index) => index.index().map(|index| names(index.syntax()))?.into_iter().next()?,
                _ => return None,
            };
            Some((name, start(statement.syntax())))
        });
        Self(names.collect())
    }

    /// Whether all that a statement speaks of was made before it.
    fn has_all_of(&self, statement: &Stmt) -> bool {
        let subjects = objects(statement);
        let is_new = |name: &String| self.0.get(name).is_some_and(|made| *made < start(statement.syntax()));
        !subjects.is_empty() && subjects.iter().all(is_new)
    }
}

/// The tables, or else the other objects, that a statement works on.
fn objects(statement: &Stmt) -> Vec<String> {
    // The last of a name's parts: no schema.
    let table = |name: Option<ast::TableRelationName>| name.and_then(|name| names(name.syntax()).pop()).into_iter().collect();
    match statement {
        Stmt::AlterTable(alter) => table(alter.table_relation_name()),
        Stmt::CreateIndex(index) => table(index.table_relation_name()),
        Stmt::DropTable(table) => table.table_name_refs().filter_map(|name| names(name.syntax()).pop()).collect(),
        Stmt::DropIndex(index) => index.index_refs().filter_map(|name| names(name.syntax()).pop()).collect(),
        other => names(other.syntax()).into_iter().take(1).collect(),
    }
}

/// Every name below a node, in the order of the text.
fn names(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter_map(ast::AnyName::cast).map(|name| name.text()).collect()
}

fn start(node: &SyntaxNode) -> usize {
    node.text_range().start().into()
}

struct Statements<'i> {
    all: Vec<Stmt>,
    /// Those of earlier migrations.
    indexes: &'i Indexes,
}

impl Statements<'_> {
    /// What a violation of squawk is here, where it is something.
    fn hazard(&self, violation: &Violation, made: &Made, transactional: bool) -> Option<Hazard> {
        let (_, rule, on) = *RULES.iter().find(|(rule, ..)| *rule == violation.code)?;
        let statement = self.all.iter().find(|statement| statement.syntax().text_range().contains_range(violation.text_range))?;
        if on == On::Existing && made.has_all_of(statement) {
            return None;
        }
        if rule == DROP_UNIQUE_INDEX && !self.drops_unique_index(statement) {
            return None;
        }
        // Inside of a transaction it is all or nothing; what cannot run there is told by another rule.
        if rule == NOT_REPEATABLE && transactional {
            return None;
        }
        let subject = self.subject(statement, Some(violation));
        let message = violation.help.as_ref().map_or_else(|| violation.message.clone(), |help| format!("{} {help}", violation.message));
        Some(Hazard { rule, subject, message: message.replace('\n', " ") })
    }

    /// An index that nobody knows may be unique.
    fn drops_unique_index(&self, statement: &Stmt) -> bool {
        objects(statement).iter().any(|name| self.indexes.get(name).is_none_or(|index| index.is_unique))
    }

    /// What a hazard is about: a table, `table.column`, `table.index`, or another object's name.
    fn subject(&self, statement: &Stmt, at: Option<&Violation>) -> String {
        match statement {
            Stmt::AlterTable(alter) => {
                let table = objects(statement).join(", ");
                let is_it = |action: &AlterTableAction| at.is_none_or(|violation| action.syntax().text_range().contains_range(violation.text_range));
                match alter.actions().find(is_it).and_then(|action| part(&action)) {
                    Some(part) => format!("{table}.{part}"),
                    None => table,
                }
            }
            Stmt::CreateIndex(index) => {
                let name = index.index().and_then(|name| names(name.syntax()).pop());
                objects(statement).into_iter().chain(name).collect::<Vec<_>>().join(".")
            }
            Stmt::DropIndex(_) => {
                let whole = |name: String| self.indexes.get(&name).map_or(name.clone(), |index| format!("{}.{name}", index.table));
                objects(statement).into_iter().map(whole).collect::<Vec<_>>().join(", ")
            }
            other => Some(objects(other).join(", ")).filter(|name| !name.is_empty()).unwrap_or_else(|| "statement".into()),
        }
    }

    /// The hazards that squawk has no rule for.
    fn own(&self, statement: &Stmt) -> Vec<Hazard> {
        let hazard = |rule, subject: String, message: &str| Hazard { rule, subject, message: message.into() };
        let subject = || self.subject(statement, None);
        match statement {
            Stmt::Cluster(_) => vec![hazard(REWRITE, subject(), REWRITES)],
            Stmt::Vacuum(vacuum) if vacuum.is_full() => vec![hazard(REWRITE, subject(), REWRITES)],
            Stmt::Truncate(_) => vec![hazard("truncate", subject(), "It empties the table, behind an ACCESS EXCLUSIVE lock.")],
            Stmt::Delete(_) => vec![hazard("delete_rows", subject(), "It deletes data, and no `down` brings them back.")],
            Stmt::Do(_) => vec![hazard("do_block", "statement".into(), "What a DO block does is not seen by this linter.")],
            Stmt::Begin(_) | Stmt::Commit(_) | Stmt::Rollback(_) | Stmt::SavepointCreate(_) => {
                let message = "The deploy begins and ends the transaction; a migration answers `use_transaction`.";
                vec![hazard("transaction_statement", "statement".into(), message)]
            }
            Stmt::AlterTable(alter) => {
                let table = objects(statement).join(", ");
                let whole = |action| part(&action).map_or(table.clone(), |part| format!("{table}.{part}"));
                alter.actions().filter(rewrites).map(|action| hazard(REWRITE, whole(action), REWRITES)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What fails, because it cannot run inside of a transaction.
    fn concurrent(&self, statement: &Stmt) -> Option<Hazard> {
        let can_be = matches!(statement, Stmt::CreateIndex(_) | Stmt::DropIndex(_) | Stmt::Reindex(_) | Stmt::AlterTable(_));
        let is_concurrent = can_be && statement.syntax().descendants_with_tokens().any(|element| element.kind() == SyntaxKind::CONCURRENTLY_KW);
        let message = "CONCURRENTLY cannot run inside of a transaction. Answer Some(false) to `use_transaction`, and waive not_transactional.";
        is_concurrent.then(|| Hazard { rule: "concurrently_in_transaction", subject: self.subject(statement, None), message: message.into() })
    }
}

const REWRITE: &str = "rewrite_table";
const REWRITES: &str = "It rewrites the table behind an ACCESS EXCLUSIVE lock, which nobody reads or writes past until it is done.";

/// Whether an action rewrites the table for a reason that squawk does not look at.
fn rewrites(action: &AlterTableAction) -> bool {
    match action {
        AlterTableAction::SetLogged(_) | AlterTableAction::SetUnlogged(_) | AlterTableAction::SetAccessMethod(_) | AlterTableAction::SetTablespace(_) => true,
        // Every row gets a number of its own.
        AlterTableAction::AddColumn(column) => column.ty().is_some_and(|kind| kind.syntax().text().to_string().to_ascii_lowercase().contains("serial")),
        _ => false,
    }
}

/// What of a table an action is about.
fn part(action: &AlterTableAction) -> Option<String> {
    match action {
        AlterTableAction::TableRenameTo(_) | AlterTableAction::SetAccessMethod(_) | AlterTableAction::SetTablespace(_) | AlterTableAction::SetSchema(_) => None,
        action => names(action.syntax()).into_iter().next(),
    }
}

fn remember_indexes(parse: &Parse<SourceFile>, indexes: &mut Indexes) {
    for statement in parse.tree().stmts() {
        let Stmt::CreateIndex(index) = &statement else { continue };
        let (Some(name), Some(table)) = (index.index().and_then(|name| names(name.syntax()).pop()), objects(&statement).pop()) else { continue };
        indexes.insert(name, Index { table, is_unique: index.unique_token().is_some() });
    }
}
