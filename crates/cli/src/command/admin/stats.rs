//! `keepstep admin stats`

use clap::Args;
use keepstep_base::human::size_text;
use keepstep_platform::{Actor, ProjectUsage};
use keepstep_store::{DataKind, Room, Scope};
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;
use crate::shell::printer::{Printer, count};
use crate::shell::table::{self, Column};

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keepstep admin stats --data ./data\n\nThe server may run meanwhile. The whole database is read once.\n`keepstep admin retention --project ID` shows for how long experiments are kept."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let platform = arguments.data.open_existing(context).await?;
    let room = platform.store.room().await?;
    let mut projects = Vec::new();
    for organization in platform.store.organizations().await? {
        projects.extend(platform.usage(&Actor::operator(Scope::organization(organization.id))).await?.projects);
    }
    platform.store.close().await;
    projects.sort_by_key(|usage| std::cmp::Reverse((usage.experiments.bytes, usage.experiments.cases)));
    tell_room(&context.printer, &room);
    tell_projects(&context.printer, &projects);
    context.printer.document(
        "admin.stats",
        json!({
            "database_bytes": room.database,
            "free_bytes": room.free,
            "log_bytes": room.log,
            "file_bytes": room.files,
            "kinds": room.kinds.iter().map(|known| json!({ "kind": known.kind.name(), "bytes": known.bytes })).collect::<Vec<_>>(),
            "projects": projects.iter().map(project).collect::<Vec<_>>(),
        }),
    );
    Ok(Outcome::Done)
}

/// Says what takes the room, the largest part of the database first.
fn tell_room(printer: &Printer, room: &Room) {
    let share = |bytes: u64| format!("{:.0} %", bytes as f64 * 100.0 / room.database.max(1) as f64);
    let row = |what: &str, bytes: u64, share: String| vec![what.to_owned(), size_text(bytes), share];
    let mut rows = vec![row("Database", room.database, String::new())];
    rows.extend(room.kinds.iter().map(|known| row(&format!("  {}", title(known.kind)), known.bytes, share(known.bytes))));
    rows.push(row("  free, for what comes", room.free, share(room.free)));
    rows.push(row("Log of the database", room.log, String::new()));
    rows.push(row("Files", room.files, String::new()));
    table::print_columns(printer, &[Column::text("WHAT"), Column::number("SIZE"), Column::number("SHARE")], &rows);
}

/// Says what projects have, the one with the largest files first.
fn tell_projects(printer: &Printer, projects: &[ProjectUsage]) {
    let (full, empty): (Vec<_>, Vec<_>) = projects.iter().partition(|usage| usage.experiments.experiments > 0);
    printer.answer("");
    if full.is_empty() {
        printer.answer("No project has experiments.");
        return;
    }
    let row = |usage: &ProjectUsage| {
        let size = &usage.experiments;
        let files = if size.uncounted > 0 { "not counted yet".to_owned() } else { size_text(size.bytes) };
        let kept = usage.days.map_or_else(|| "for ever".to_owned(), |days| count(days, "day"));
        vec![
            usage.project.name.clone(),
            size.experiments.to_string(),
            size.cases.to_string(),
            files,
            kept,
            usage.project.id.clone(),
        ]
    };
    let columns = [
        Column::text("PROJECT"),
        Column::number("EXPERIMENTS"),
        Column::number("CASES"),
        Column::number("FILES"),
        Column::text("KEPT"),
        Column::text("ID"),
    ];
    table::print_columns(printer, &columns, &full.into_iter().map(row).collect::<Vec<_>>());
    match empty.len() {
        0 => {}
        1 => printer.answer("1 project has no experiments."),
        others => printer.answer(format!("{others} projects have no experiments.")),
    }
}

fn title(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Results => "results",
        DataKind::TestData => "test data",
        DataKind::Agents => "agents and personas",
        DataKind::Files => "index of files",
        DataKind::Activity => "activity",
        DataKind::Other => "people, keys and the rest",
    }
}

fn project(usage: &ProjectUsage) -> Value {
    let size = &usage.experiments;
    json!({
        "id": usage.project.id, "name": usage.project.name, "bundle_versions": usage.bundle_versions,
        "experiments": size.experiments, "cases": size.cases, "file_bytes": size.bytes, "files_not_counted_of": size.uncounted,
        "kept_days": usage.days,
    })
}
